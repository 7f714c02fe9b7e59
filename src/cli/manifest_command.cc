#include <string>

#include "cli/nokv_commands.h"
#include "console/stats_json.h"
#include "console/stats_text.h"

namespace nokv::cli {

namespace {

constexpr uint16_t kMissingCurrent = 1102;

constexpr std::string_view kHelp =
    R"(nokv manifest --workdir ./data
nokv manifest --workdir ./data --json

Shows what the manifest of a directory says: where replay of the log begins and
which tables are in which level. Changes nothing; works beside a running server.

  --workdir DIR   the database directory
  --json          print it as JSON
)";

int RunManifest(const Args& args, const Environment& environment) {
  std::string workdir;
  bool json = false;
  FlagSet flags;
  flags.String("workdir", &workdir);
  flags.Bool("json", &json);
  Status status = flags.Parse(args);
  if (status.ok() && workdir.empty()) status = Status::InvalidArgument("--workdir is required");
  if (!status.ok()) return FailUsage(status, "nokv manifest", environment.err);

  const auto inspection = environment.inspect(workdir);
  if (!inspection.ok()) {
    const Status& why = inspection.status();
    if (!why.IsNotFound() && why.error_number() != kMissingCurrent) {
      return Fail(why, environment.err);
    }
    return Fail(Status::NotFound("manifest not found in " + workdir)
                    .WithHint(why.message())
                    .WithErrorNumber(why.error_number()),
                environment.err);
  }
  environment.out << (json ? console::ManifestToJson(inspection->manifest) + "\n"
                           : console::ManifestText(inspection->manifest));
  return kExitOk;
}

}  // namespace

Command ManifestCommand() {
  return {.name = "manifest",
          .summary = "what the manifest of a directory says",
          .help = std::string(kHelp),
          .run = RunManifest};
}

}  // namespace nokv::cli
