// The file of users: one line for each, as ACL LIST shows them.
//
// Thread safety: thread-safe, but for the AccessControl.
#pragma once

#include <string>

#include "nokv/status.h"
#include "redis/acl/access_control.h"
#include "vfs/vfs.h"

namespace nokv::redis::acl {

// Makes the users those of the file. A failure changes no user and names every bad line;
// kPermissionDenied if others may use the file (vfs::ReadSecret).
Status LoadUsers(vfs::FileSystem& files, const std::string& path, AccessControl* access);

// Writes all users; the file is the old or the new one at every moment.
Status SaveUsers(vfs::FileSystem& files, const std::string& path, const AccessControl& access);

}  // namespace nokv::redis::acl
