#include "redis/acl/user_file.h"

#include <vector>

#include "base/macros.h"

namespace nokv::redis::acl {

namespace {

constexpr uint64_t kMaxFileBytes = uint64_t{16} << 20;

}  // namespace

Status LoadUsers(vfs::FileSystem& files, const std::string& path, AccessControl* access) {
  Result<std::string> text = vfs::ReadSecret(files, path, kMaxFileBytes);
  if (text.status().IsNotFound()) {
    return text.status().WithHint("create it, empty, to begin without users but \"default\"");
  }
  RETURN_IF_ERROR(text.status());
  const std::vector<std::string> errors = access->Load(*text, path);
  if (errors.empty()) return Status::Ok();
  std::string message = "the users were not loaded, nothing was changed:";
  for (const std::string& error : errors) message += "\n" + error;
  return Status::InvalidArgument(message);
}

Status SaveUsers(vfs::FileSystem& files, const std::string& path, const AccessControl& access) {
  return vfs::WriteFileAtomically(files, path, access.Dump());
}

}  // namespace nokv::redis::acl
