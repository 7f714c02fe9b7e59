#include <memory>
#include <string>

#include "cli/inspect_directory.h"
#include "cli/nokv_commands.h"
#include "nokv/db.h"

namespace nokv::cli {

namespace {

struct CheckpointOptions {
  std::string workdir, to;
};

Status MakeCheckpoint(const CheckpointOptions& options) {
  Options open;
  open.create_if_missing = false;
  auto db = DB::Open(open, options.workdir);
  if (!db.ok()) return WithWayOut(db.status());
  const Status made = (*db)->CreateCheckpoint(options.to);
  const Status closed = (*db)->Close();
  return made.ok() ? closed : made;
}

}  // namespace

Command CheckpointCommand() {
  return {
      .name = "checkpoint",
      .summary = "a second directory with the same data, in a moment",
      .examples = {{"nokv checkpoint --workdir ./mydb --to ./mydb-copy"}},
      .description =
          "Makes a directory that opens as the database as it is now. Tables, value files and log "
          "are linked, not copied, if both lie on one device: it takes no time, and no space until "
          "the two go different ways. The directory named by --to must not exist, or be empty. "
          "Durable when it returns; after an error there is nothing. Refused while another process "
          "has the directory open.",
      .define = [](FlagSet& flags) -> Action {
        auto options = std::make_shared<CheckpointOptions>();
        flags.Path("workdir", "DIR", &options->workdir, "the database directory")
            .Short('w')
            .Required()
            .Env();
        flags.Path("to", "DIR", &options->to, "where the checkpoint goes").Required();
        return [options](const Environment& environment) {
          const Status status = MakeCheckpoint(*options);
          if (!status.ok()) return Fail(status, environment.err);
          if (environment.verbosity != Verbosity::kQuiet) {
            environment.out << "checkpoint of " << options->workdir << " in " << options->to
                            << "\n";
          }
          return static_cast<int>(kExitOk);
        };
      }};
}

}  // namespace nokv::cli
