#include "cli/inspect_directory.h"

#include "base/macros.h"
#include "nokv/db.h"

namespace nokv::cli {

Status WithWayOut(const Status& status) {
  if (!status.IsNotFound() || !status.hint().empty()) return status;
  return status.WithHint(
      "name the directory that nokv-redis --workdir serves, or make one: nokv put KEY VALUE "
      "--workdir DIR");
}

Result<Inspection> InspectDirectory(const std::string& workdir) {
  Options options;
  options.create_if_missing = false;
  options.read_only = true;
  options.allowed_modes = {Mode::kStandalone, Mode::kPreparing, Mode::kSeeded, Mode::kCluster};
  const Result<std::unique_ptr<DB>> db = DB::Open(options, workdir);
  if (!db.ok()) return WithWayOut(db.status());
  Inspection inspection{.stats = (*db)->Stats(), .manifest = (*db)->Manifest(), .values = {}};
  ASSIGN_OR_RETURN(inspection.values, (*db)->ValueFiles());
  RETURN_IF_ERROR((*db)->Close());
  return inspection;
}

}  // namespace nokv::cli
