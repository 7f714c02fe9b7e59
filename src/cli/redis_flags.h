// RedisFlags: the flags of nokv-redis, and what is wrong with the files that they name. They are
// apart from the server, for all who read settings files or look at what a server would find.
//
// Thread safety: none; one owner.
#pragma once

#include <string>
#include <vector>

#include "base/clock.h"
#include "cli/flags.h"
#include "cli/listeners.h"
#include "nokv/status.h"
#include "vfs/vfs.h"

namespace nokv::cli {

// Files that say who may do what; empty: none.
struct AccessFiles {
  std::string requirepass_file;
  std::string acl_file;
};

struct RedisFlags {
  ListenFlags listen;
  std::string workdir;
  std::string sync = "everysec";
  AccessFiles access;
  std::string metrics_address;
  bool check_config = false;
};

// Declare the flags of `target`, which the set borrows.
void Define(FlagSet& flags, AccessFiles* target);
void Define(FlagSet& flags, RedisFlags* target);

// The hash of the password in the first line of the file `path`.
Result<std::string> ReadPassword(vfs::FileSystem& fs, const std::string& path);

// What keeps a server with these flags from starting, but for what running processes have:
// password, users, certificate and directory are looked at, and nothing is changed.
std::vector<Status> CheckFiles(const RedisFlags& flags, vfs::FileSystem& fs, base::Clock& clock);

}  // namespace nokv::cli
