#include "cli/run_server.h"

#include <csignal>
#include <memory>

#include "cli/log_sink.h"

namespace nokv::cli {

int RunServer(const std::string& program, const Environment& environment,
              const std::function<Status(const Args& command_line, base::Logger& logger)>& serve) {
  const auto logger = OpenLog({.level = LogLevelOf(environment.verbosity), .file = ""});
  if (!logger.ok()) return Fail(logger.status(), environment.err);
  // A write beyond the limit of file size then fails, as on a full disk, and does not end it.
  std::signal(SIGXFSZ, SIG_IGN);
  // A terminal that is closed does not end it.
  std::signal(SIGHUP, SIG_IGN);
  Args command_line = {program};
  command_line.insert(command_line.end(), environment.args.begin(), environment.args.end());
  const Status status = serve(command_line, **logger);
  return status.ok() ? kExitOk : Fail(status, environment.err);
}

}  // namespace nokv::cli
