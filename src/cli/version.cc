#include "cli/version.h"

#include <memory>

#include "cli/output.h"
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
          .features = {"lz4", "zstd"},
          .formats = {{"log", wal::kFormatVersion},
                      {"manifest", static_cast<uint64_t>(manifest::kNewestFormat)},
                      {"sstable", lsm::internal::kFormatVersion}}};
}

std::string VersionLine(const std::string& program) {
  const console::BuildInfo build = CurrentBuild();
  return program + " " + build.version + " (commit " + build.commit + ", " + build.compiler + ", " +
         build.build_type + ")";
}

namespace {

int RunVersion(const std::string& program, const OutputOptions& options,
               const Environment& environment) {
  std::string text = VersionLine(program) + "\nFormats:";
  for (const auto& [name, version] : CurrentBuild().formats) {
    text += " " + name + "=" + std::to_string(version);
  }
  PrintDocument(environment.out, options, console::BuildInfoToJson(CurrentBuild()), text + "\n");
  return kExitOk;
}

}  // namespace

Command VersionCommand(const std::string& program) {
  return {.name = "version",
          .summary = "what this program was built from",
          .examples = {{program + " version"}, {program + " version --json"}},
          .description =
              "Prints the version, the commit, the compiler and the versions of the "
              "formats on disk that this program writes.",
          .define = [program](FlagSet& flags) -> Action {
            auto output = std::make_shared<OutputOptions>();
            DefineOutput(flags, output.get(), DocumentColumns());
            return [program, output](const Environment& environment) {
              return RunVersion(program, *output, environment);
            };
          }};
}

}  // namespace nokv::cli
