#include "cli/inspect_directory.h"

#include "base/macros.h"
#include "nokv/db.h"

namespace nokv::cli {

Result<Inspection> InspectDirectory(const std::string& workdir) {
  Options options;
  options.create_if_missing = false;
  options.read_only = true;
  options.allowed_modes = {Mode::kStandalone, Mode::kPreparing, Mode::kSeeded, Mode::kCluster};
  ASSIGN_OR_RETURN(const std::unique_ptr<DB> db, DB::Open(options, workdir));
  Inspection inspection{.stats = db->Stats(), .manifest = db->Manifest()};
  RETURN_IF_ERROR(db->Close());
  return inspection;
}

}  // namespace nokv::cli
