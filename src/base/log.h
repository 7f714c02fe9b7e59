// Logger: the facade through which every module reports events. Sinks (spdlog, files) live in
// `cli`; a library embedded by a user is silent unless it is given one.
//
// Thread safety: implementations are thread-safe.
#pragma once

#include <string_view>

namespace nokv::base {

enum class LogLevel { kDebug, kInfo, kWarning, kError };

class Logger {
 public:
  virtual ~Logger() = default;
  virtual void Log(LogLevel level, std::string_view message) = 0;

  void Info(std::string_view message) { Log(LogLevel::kInfo, message); }
  void Warning(std::string_view message) { Log(LogLevel::kWarning, message); }
  void Error(std::string_view message) { Log(LogLevel::kError, message); }
};

// Discards everything; lives for ever.
Logger& NullLogger();

}  // namespace nokv::base
