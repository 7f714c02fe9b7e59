#include <memory>
#include <string>

#include "cli/nokv_commands.h"
#include "cli/output.h"
#include "cli/watch.h"
#include "console/stats_json.h"
#include "console/stats_text.h"

namespace nokv::cli {

namespace {

constexpr uint16_t kMissingCurrent = 1102;

struct ManifestOptions {
  std::string workdir;
  OutputOptions output;
  WatchOptions watch;
};

int ShowManifest(const ManifestOptions& options, const Environment& environment,
                 const OutputOptions& output, std::ostream& out) {
  const auto inspection = environment.inspect(options.workdir);
  if (!inspection.ok()) {
    const Status& why = inspection.status();
    if (!why.IsNotFound() && why.error_number() != kMissingCurrent) {
      return Fail(why, environment.err);
    }
    return Fail(Status::NotFound("manifest not found in " + options.workdir)
                    .WithHint(std::string(why.message()) +
                              (why.hint().empty() ? "" : "; " + std::string(why.hint())))
                    .WithErrorNumber(why.error_number()),
                environment.err);
  }
  PrintDocument(out, output, console::ManifestToJson(inspection->manifest),
                console::ManifestText(inspection->manifest));
  return kExitOk;
}

}  // namespace

Command ManifestCommand() {
  return {
      .name = "manifest",
      .summary = "what the manifest of a directory says",
      .examples = {{"nokv manifest --workdir ./data"}, {"nokv manifest --workdir ./data --json"}},
      .description =
          "Shows what the manifest of a directory says: where replay of the log "
          "begins and which tables are in which level. Changes nothing; works "
          "beside a running server.",
      .define = [](FlagSet& flags) -> Action {
        auto options = std::make_shared<ManifestOptions>();
        flags.Workdir(&options->workdir)
            .Required()
            .ForUrls("redis-cli talks to a gateway, nokv stats --expvar looks into one");
        DefineOutput(flags, &options->output, DocumentColumns());
        DefineSort(flags, &options->output, DocumentColumns());
        DefineWatch(flags, &options->watch);
        return [options](const Environment& environment) {
          return Watch(options->watch, options->output, environment,
                       [&](const OutputOptions& output, std::ostream& out) {
                         return ShowManifest(*options, environment, output, out);
                       });
        };
      }};
}

}  // namespace nokv::cli
