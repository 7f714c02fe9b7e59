#include <memory>
#include <string>

#include "cli/nokv_commands.h"
#include "cli/output.h"
#include "cli/watch.h"
#include "console/stats_json.h"
#include "console/stats_text.h"

namespace nokv::cli {

namespace {

struct VlogOptions {
  std::string workdir;
  OutputOptions output;
  WatchOptions watch;
};

int ShowValueFiles(const VlogOptions& options, const Environment& environment,
                   const OutputOptions& output, std::ostream& out) {
  const auto inspection = environment.inspect(options.workdir);
  if (!inspection.ok()) return Fail(inspection.status(), environment.err);
  PrintDocument(out, output, console::ValueFilesToJson(inspection->values),
                console::ValueFilesText(inspection->values));
  return kExitOk;
}

}  // namespace

Command VlogCommand() {
  return {.name = "vlog",
          .summary = "files with values, and why each is kept",
          .examples = {{"nokv vlog --workdir ./data"},
                       {"nokv vlog --workdir ./data --json"},
                       {"nokv vlog --workdir ./data --watch", "until Ctrl-C"}},
          .description =
              "Shows the log segments and value files of a directory: how many of their "
              "bytes tables point to, how many are of no use any more, and why each file "
              "is kept. Changes nothing; works beside a running server.",
          .define = [](FlagSet& flags) -> Action {
            auto options = std::make_shared<VlogOptions>();
            flags.Workdir(&options->workdir)
                .Required()
                .ForUrls("redis-cli talks to a gateway, nokv stats --expvar looks into one");
            DefineOutput(flags, &options->output, DocumentColumns());
            DefineSort(flags, &options->output, DocumentColumns());
            DefineWatch(flags, &options->watch);
            return [options](const Environment& environment) {
              return Watch(options->watch, options->output, environment,
                           [&](const OutputOptions& output, std::ostream& out) {
                             return ShowValueFiles(*options, environment, output, out);
                           });
            };
          }};
}

}  // namespace nokv::cli
