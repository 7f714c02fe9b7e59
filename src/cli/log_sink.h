// OpenLog: the log sink of the servers, on spdlog. One line per event, in UTC:
//
//   2026-11-21T00:53:01.123Z warning: write stall: 24 tables in level 0
//
// Control bytes in a message are escaped, so that what a client sends can forge no line.
//
// Thread safety: the logger may be used by any thread at any time.
#pragma once

#include <memory>
#include <string>

#include "base/log.h"
#include "cli/command.h"
#include "nokv/status.h"

namespace nokv::cli {

struct LogOptions {
  // Events below this level are dropped.
  base::LogLevel level = base::LogLevel::kInfo;
  // Appended to; created if missing. Empty: standard error.
  std::string file;
};

// What a server logs under the flags that every command has.
base::LogLevel LogLevelOf(Verbosity verbosity);

// Every line is handed to the operating system before Log returns. kUnavailable if the file cannot
// be opened.
Result<std::unique_ptr<base::Logger>> OpenLog(const LogOptions& options);

// `message` with control bytes as \xNN, line breaks included. Other bytes, UTF-8 too, stay.
std::string EscapeLogMessage(std::string_view message);

}  // namespace nokv::cli
