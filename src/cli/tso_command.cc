// nokv tso: timestamps.
#include <memory>

#include "cli/coordinator_client.h"
#include "cli/nokv_commands.h"
#include "cli/tso_server.h"

namespace nokv::cli {

Command TsoCommand() {
  return {
      .name = "tso",
      .summary = "a timestamp of the cluster",
      .examples = {{"nokv tso"}, {"nokv tso serve --addr 127.0.0.1:9494 --start 100"}},
      .description =
          "Asks the coordinators for a timestamp and prints it as a decimal number, and nothing "
          "else. Ends with 4 if none can give one in time. serve runs the plain timestamp service "
          "of older versions; nokv-tso is another name "
          "for it.",
      .define = [](FlagSet& flags) -> Action {
        auto options = std::make_shared<CoordinatorClientFlags>();
        Define(flags, options.get());
        return [options](const Environment& environment) {
          const auto client = CoordinatorClient::Open(*options, environment.fs);
          if (!client.ok()) return Fail(client.status(), environment.err);
          const Result<uint64_t> timestamp = (*client)->Timestamp();
          if (!timestamp.ok()) return Fail(timestamp.status(), environment.err);
          environment.out << *timestamp << "\n";
          return static_cast<int>(kExitOk);
        };
      },
      .commands = {TsoServeCommand()}};
}

}  // namespace nokv::cli
