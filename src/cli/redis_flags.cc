#include "cli/redis_flags.h"

#include <algorithm>

#include "base/log.h"
#include "base/macros.h"
#include "redis/acl/access_control.h"
#include "redis/acl/password.h"
#include "redis/acl/user_file.h"
#include "redis/commands/table.h"
#include "vfs/file_mode.h"

namespace nokv::cli {

namespace {

constexpr uint64_t kMaxPasswordFileBytes = 4096;

Status CheckUsers(const std::string& path, vfs::FileSystem& fs, base::Clock& clock) {
  const redis::CommandTable table;
  redis::acl::AccessControl access(table, clock, base::NullLogger(), nullptr);
  return redis::acl::LoadUsers(fs, path, &access);
}

// A directory that is not there is made when the server starts; what must be writable is then the
// nearest one above it.
Status CheckWorkdir(std::string path, vfs::FileSystem& fs) {
  ASSIGN_OR_RETURN(bool exists, fs.Exists(path));
  while (!exists && path != "." && path != "/") {
    path = vfs::DirName(path);
    ASSIGN_OR_RETURN(exists, fs.Exists(path));
  }
  if (vfs::IsWritableDirectory(path)) return Status::Ok();
  return Status::PermissionDenied(path + " is no directory that this user may write to")
      .WithHint("name another --workdir, or give the directory to this user: chown");
}

}  // namespace

void Define(FlagSet& flags, AccessFiles* target) {
  flags
      .Path("requirepass-file", "FILE", &target->requirepass_file,
            "the first line of this file is the password that clients must give")
      .Also({"requirepass", "password", "password-file"})
      .Env();
  flags
      .Path("aclfile", "FILE", &target->acl_file,
            "the users and what they may do; ACL SAVE writes it")
      .Env();
  flags.Check([target] {
    if (target->requirepass_file.empty() || target->acl_file.empty()) return Status::Ok();
    return Status::InvalidArgument("--requirepass-file and --aclfile exclude each other")
        .WithHint("give user \"default\" its password in the file of users");
  });
}

void Define(FlagSet& flags, RedisFlags* target) {
  flags.Workdir(&target->workdir, "the database directory; created if missing")
      .Required()
      .ForUrls("name the directory that is to be served; --addr is where clients connect");
  Define(flags, &target->listen);
  flags
      .Choice(
          "sync", &target->sync, {"always", "everysec", "no"},
          "when a write is on stable storage: before it is acknowledged, within about a second, "
          "or when the operating system writes it")
      .Also({"appendfsync", "fsync"})
      .Env();
  Define(flags, &target->access);
  flags
      .Address("metrics-addr", &target->metrics_address,
               "serve /metrics, /debug/vars, /livez and /readyz over HTTP")
      .Env();
  flags.Switch("check-config", &target->check_config,
               "print the settings and where they come from, look at the files that they name, and "
               "do not start");
}

Result<std::string> ReadPassword(vfs::FileSystem& fs, const std::string& path) {
  ASSIGN_OR_RETURN(std::string text, vfs::ReadSecret(fs, path, kMaxPasswordFileBytes));
  text.resize(std::min(text.find_first_of("\r\n"), text.size()));
  if (text.empty()) {
    return Status::InvalidArgument("the first line of " + path + " is empty")
        .WithHint("write the password there");
  }
  return redis::acl::HashPassword(text);
}

std::vector<Status> CheckFiles(const RedisFlags& flags, vfs::FileSystem& fs, base::Clock& clock) {
  std::vector<Status> problems;
  const auto add = [&problems](const Status& status, const char* flag) {
    if (!status.ok()) problems.push_back(status.Prefixed(flag));
  };
  add(CheckWorkdir(flags.workdir, fs), "--workdir");
  if (!flags.access.requirepass_file.empty()) {
    add(ReadPassword(fs, flags.access.requirepass_file).status(), "--requirepass-file");
  }
  if (!flags.access.acl_file.empty()) {
    add(CheckUsers(flags.access.acl_file, fs, clock), "--aclfile");
  }
  if (!flags.listen.tls_address.empty()) {
    const auto context =
        rpc::stream::TlsContext::Open(TlsOptionsOf(flags.listen), {fs, clock, base::NullLogger()});
    add(context.status(), "--tls-addr");
  }
  return problems;
}

}  // namespace nokv::cli
