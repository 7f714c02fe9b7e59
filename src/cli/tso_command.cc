// nokv tso: timestamps.
#include "cli/nokv_commands.h"
#include "cli/tso_server.h"

namespace nokv::cli {

Command TsoCommand() {
  return {.name = "tso",
          .summary = "timestamps",
          .examples = {{"nokv tso serve --addr 127.0.0.1:9494 --start 100"}},
          .description =
              "serve runs the plain timestamp service of older versions; nokv-tso is another name "
              "for it.",
          .commands = {TsoServeCommand()}};
}

}  // namespace nokv::cli
