#include "cli/version.h"

#include "cli/command.h"
#include "cli/version_values.h"
#include "lsm/sst/format.h"
#include "manifest/format.h"
#include "wal/format.h"

namespace nokv::cli {

console::BuildInfo CurrentBuild() {
  return {.version = NOKV_VERSION,
          .commit = NOKV_COMMIT,
          .compiler = NOKV_COMPILER,
          .build_type = NOKV_BUILD_TYPE,
          .formats = {{"log", wal::kFormatVersion},
                      {"manifest", static_cast<uint64_t>(manifest::kNewestFormat)},
                      {"sstable", lsm::internal::kFormatVersion}}};
}

std::string VersionLine(const std::string& program) {
  const console::BuildInfo build = CurrentBuild();
  return program + " " + build.version + " (commit " + build.commit + ", " + build.compiler + ", " +
         build.build_type + ")";
}

int RunVersion(const std::string& program, const Args& args, const Environment& environment) {
  bool json = false;
  FlagSet flags;
  flags.Bool("json", &json);
  if (const Status status = flags.Parse(args); !status.ok()) {
    return FailUsage(status, program + " version", environment.err);
  }
  if (json) {
    environment.out << console::BuildInfoToJson(CurrentBuild()) << "\n";
    return kExitOk;
  }
  environment.out << VersionLine(program) << "\nFormats:";
  for (const auto& [name, version] : CurrentBuild().formats) {
    environment.out << " " << name << "=" << version;
  }
  environment.out << "\n";
  return kExitOk;
}

}  // namespace nokv::cli
