#include <algorithm>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "base/macros.h"
#include "cli/inspect_directory.h"
#include "cli/nokv_commands.h"
#include "cli/output.h"
#include "engine/dump.h"
#include "engine/verify.h"

namespace nokv::cli {

namespace {

struct DebugOptions {
  std::string what, workdir;
  uint64_t segment = 0;
  uint64_t table = 0;
  uint64_t limit = 0;
  OutputOptions output;
};

const std::vector<std::string>& DumpColumns() {
  static const std::vector<std::string> kColumns = {"file", "offset", "what",  "sequence",
                                                    "key",  "bytes",  "detail"};
  return kColumns;
}

const std::vector<std::string>& VerifyColumns() {
  static const std::vector<std::string> kColumns = {"file", "verdict", "detail", "meaning", "fix"};
  return kColumns;
}

Status Dump(const DebugOptions& options, vfs::FileSystem& fs, const engine::DumpVisitor& visit) {
  if (options.what == "wal") return engine::DumpLog(fs, options.workdir, options.segment, visit);
  if (options.what == "sst") return engine::DumpTable(fs, options.workdir, options.table, visit);
  if (options.what == "manifest") return engine::DumpManifest(fs, options.workdir, visit);
  return engine::DumpValueFiles(fs, options.workdir, visit);
}

int RunDump(const DebugOptions& options, const Environment& environment) {
  RowWriter rows(environment.out, options.output, DumpColumns());
  uint64_t count = 0;
  const Status status = Dump(options, environment.fs, [&](const engine::DumpLine& line) {
    rows.Row(
        {Cell::Text(line.file), line.offset.has_value() ? Cell::Number(*line.offset) : Cell::None(),
         Cell::Text(line.what), line.sequence == 0 ? Cell::None() : Cell::Number(line.sequence),
         line.key.empty() ? Cell::None() : Cell::Bytes(line.key), Cell::Number(line.bytes),
         Cell::Text(line.detail)});
    return ++count != options.limit && environment.out.good();
  });
  rows.Finish();
  return status.ok() ? kExitOk : Fail(WithWayOut(status), environment.err);
}

int RunVerify(const DebugOptions& options, const Environment& environment) {
  const auto report = engine::VerifyDirectory(environment.fs, options.workdir);
  if (!report.ok()) return Fail(WithWayOut(report.status()), environment.err);
  RowWriter rows(environment.out, options.output, VerifyColumns());
  for (const engine::FileVerdict& verdict : report->files) {
    if (verdict.problem.ok()) {
      rows.Row({Cell::Text(verdict.file), Cell::Text("ok"), Cell::Text(verdict.detail),
                Cell::Text(""), Cell::Text("")});
    } else {
      rows.Row({Cell::Text(verdict.file), Cell::Text("damaged"),
                Cell::Text(std::string(verdict.problem.message())), Cell::Text(verdict.detail),
                Cell::Text(verdict.way_out)});
    }
  }
  rows.Finish();
  if (environment.verbosity != Verbosity::kQuiet) {
    for (const std::string& note : report->notes) environment.err << "note: " << note << "\n";
    environment.err << report->files.size() << " files, " << report->damaged() << " damaged\n";
  }
  return report->damaged() == 0 ? kExitOk : kExitCorruption;
}

Status CheckFlags(const DebugOptions& options) {
  const auto belongs = [&options](bool given, const char* flag, const char* what) {
    return !given || options.what == what
               ? Status::Ok()
               : Status::InvalidArgument(std::string(flag) + " is for nokv debug " + what);
  };
  RETURN_IF_ERROR(belongs(options.segment != 0, "--from-segment", "wal"));
  RETURN_IF_ERROR(belongs(options.table != 0, "--table", "sst"));
  if (options.what == "sst" && options.table == 0) {
    return Status::InvalidArgument("--table is missing")
        .WithHint("nokv manifest shows the numbers of the tables");
  }
  const auto& known = options.what == "verify" ? VerifyColumns() : DumpColumns();
  std::istringstream columns(options.output.columns);
  for (std::string column; std::getline(columns, column, ',');) {
    if (std::find(known.begin(), known.end(), column) == known.end()) {
      return Status::InvalidArgument("nokv debug " + options.what + " has no column " + column);
    }
  }
  return Status::Ok();
}

}  // namespace

Command DebugCommand() {
  return {
      .name = "debug",
      .summary = "what the files of a database hold, and whether they are intact",
      .examples = {{"nokv debug verify --workdir ./data", "check every byte that counts"},
                   {"nokv debug verify --workdir ./data --json"},
                   {"nokv debug wal --workdir ./data --limit 20", "records of the log"},
                   {"nokv debug manifest --workdir ./data", "edits that made the tables"},
                   {"nokv debug vlog --workdir ./data", "values in the value files"}},
      .description =
          "Looks into the files of a database directory, without changing a byte, also while a "
          "server has it open.\n"
          "verify reads the manifest, every block of every table, the log that would be replayed "
          "and every value that a table points to, and says of each file whether it is what was "
          "written; of a damaged one, what that means and what to do. It finds all damage, not "
          "only "
          "the first; exit code 6 if there is any.\n"
          "wal shows the log from where a replay would begin, each record followed by its entries, "
          "at the offset of their value; sst properties, blocks, range tombstones and entries of "
          "one table; manifest every edit, at the offset of its group; vlog each value in the "
          "value "
          "files, and whether its checksum holds.",
      .define = [](FlagSet& flags) -> Action {
        auto options = std::make_shared<DebugOptions>();
        flags
            .ChoiceArgument("WHAT", &options->what, {"verify", "wal", "sst", "manifest", "vlog"},
                            "verify, wal, sst, manifest or vlog")
            .Required();
        flags.Path("workdir", "DIR", &options->workdir, "the database directory")
            .Short('w')
            .Required()
            .Env();
        flags
            .Number("table", "N", &options->table, {1},
                    "of sst: the number of the table, 12 for 00012.sst")
            .default_text = "";
        flags
            .Number("from-segment", "N", &options->segment, {1},
                    "of wal: begin with this segment, also if it is not replayed any more")
            .default_text = "";
        flags.Number("limit", "N", &options->limit, {1}, "stop after so many lines")
            .Short('n')
            .default_text = "";
        std::vector<std::string> columns = DumpColumns();
        for (const std::string& column : VerifyColumns()) {
          if (column != "file" && column != "detail") columns.push_back(column);
        }
        DefineOutput(flags, &options->output, columns);
        flags.Check([options] { return CheckFlags(*options); });
        return [options](const Environment& environment) {
          return options->what == "verify" ? RunVerify(*options, environment)
                                           : RunDump(*options, environment);
        };
      }};
}

}  // namespace nokv::cli
