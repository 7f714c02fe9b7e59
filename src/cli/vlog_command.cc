#include <memory>
#include <string>

#include "cli/nokv_commands.h"
#include "cli/output.h"
#include "console/stats_json.h"
#include "console/stats_text.h"

namespace nokv::cli {

namespace {

struct VlogOptions {
  std::string workdir;
  OutputOptions output;
};

int RunVlog(const VlogOptions& options, const Environment& environment) {
  const auto inspection = environment.inspect(options.workdir);
  if (!inspection.ok()) return Fail(inspection.status(), environment.err);
  PrintDocument(environment.out, options.output, console::ValueFilesToJson(inspection->values),
                console::ValueFilesText(inspection->values));
  return kExitOk;
}

}  // namespace

Command VlogCommand() {
  return {
      .name = "vlog",
      .summary = "files with values, and why each is kept",
      .examples = {{"nokv vlog --workdir ./data"}, {"nokv vlog --workdir ./data --json"}},
      .description =
          "Shows the log segments and value files of a directory: how many of their "
          "bytes tables point to, how many are of no use any more, and why each file "
          "is kept. Changes nothing; works beside a running server.",
      .define = [](FlagSet& flags) -> Action {
        auto options = std::make_shared<VlogOptions>();
        flags.Path("workdir", "DIR", &options->workdir, "the database directory").Required().Env();
        DefineOutput(flags, &options->output, DocumentColumns());
        return [options](const Environment& environment) { return RunVlog(*options, environment); };
      }};
}

}  // namespace nokv::cli
