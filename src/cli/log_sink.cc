#include "cli/log_sink.h"

#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <exception>
#include <utility>

namespace nokv::cli {

namespace {

spdlog::level::level_enum ToSpdlog(base::LogLevel level) {
  switch (level) {
    case base::LogLevel::kDebug:
      return spdlog::level::debug;
    case base::LogLevel::kInfo:
      return spdlog::level::info;
    case base::LogLevel::kWarning:
      return spdlog::level::warn;
    case base::LogLevel::kError:
      return spdlog::level::err;
  }
  return spdlog::level::err;
}

bool IsControl(char c) {
  return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
}

class SpdlogLogger final : public base::Logger {
 public:
  SpdlogLogger(spdlog::sink_ptr sink, base::LogLevel level) : logger_("nokv", std::move(sink)) {
    logger_.set_level(ToSpdlog(level));
    // A crash must not take the last lines, the ones that matter, with it.
    logger_.flush_on(spdlog::level::trace);
    logger_.set_pattern("%Y-%m-%dT%H:%M:%S.%eZ %l: %v", spdlog::pattern_time_type::utc);
  }

  void Log(base::LogLevel level, std::string_view message) override {
    const auto spdlog_level = ToSpdlog(level);
    if (!logger_.should_log(spdlog_level)) return;
    if (std::any_of(message.begin(), message.end(), IsControl)) {
      logger_.log(spdlog_level, EscapeLogMessage(message));
    } else {
      logger_.log(spdlog_level, spdlog::string_view_t(message.data(), message.size()));
    }
  }

 private:
  spdlog::logger logger_;
};

}  // namespace

std::string EscapeLogMessage(std::string_view message) {
  static constexpr char kHex[] = "0123456789abcdef";
  std::string escaped;
  escaped.reserve(message.size());
  for (const char c : message) {
    if (!IsControl(c)) {
      escaped.push_back(c);
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    escaped += "\\x";
    escaped.push_back(kHex[byte >> 4]);
    escaped.push_back(kHex[byte & 15]);
  }
  return escaped;
}

base::LogLevel LogLevelOf(Verbosity verbosity) {
  if (verbosity >= Verbosity::kVerbose) return base::LogLevel::kDebug;
  return verbosity == Verbosity::kQuiet ? base::LogLevel::kWarning : base::LogLevel::kInfo;
}

Result<std::unique_ptr<base::Logger>> OpenLog(const LogOptions& options) {
  try {
    spdlog::sink_ptr sink;
    if (options.file.empty()) {
      sink = std::make_shared<spdlog::sinks::stderr_sink_mt>();
    } else {
      sink = std::make_shared<spdlog::sinks::basic_file_sink_mt>(options.file);
    }
    return std::unique_ptr<base::Logger>(new SpdlogLogger(std::move(sink), options.level));
  } catch (const std::exception& error) {
    return Status::Unavailable("log file " + options.file + ": " + error.what())
        .WithHint("name a file in an existing, writable directory");
  }
}

}  // namespace nokv::cli
