// nokv meta-root: runs a node of the metadata root.
#include <memory>

#include "cli/meta_root_server.h"
#include "cli/nokv_commands.h"

namespace nokv::cli {

Command MetaRootCommand() {
  return {.name = "meta-root",
          .summary = "run a node of the metadata root",
          .examples = {{"nokv meta-root --addr 127.0.0.1:2380 --workdir ./meta-root-1 --node-id 1 "
                        "--transport-addr 127.0.0.1:3380 --peer 1=127.0.0.1:3380 "
                        "--peer 2=127.0.0.1:3381 --peer 3=127.0.0.1:3382"}},
          .description =
              "Runs one of the three nodes that keep what a cluster must never be of two minds "
              "about. Two of them must see each other; one may be gone at any time. The directory "
              "belongs to one node and one set of --peer for good. SIGTERM or Ctrl-C ends it in "
              "good order.",
          .define = [](FlagSet& flags) -> Action {
            auto options = std::make_shared<MetaRootFlags>();
            Define(flags, options.get());
            return [options](const Environment& environment) {
              return RunMetaRoot(*options, environment);
            };
          }};
}

}  // namespace nokv::cli
