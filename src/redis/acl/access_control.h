// AccessControl: the users, who is who, and who may do what.
//
// There is always a user "default", which every client is at first. Without rules from anybody it
// needs no password and may do everything.
//
// A user is never replaced, only changed, so that its clients see the change at once; a user that
// is deleted may do nothing from then on, and lives until its last client is gone.
//
// Thread safety: owned by the gateway's loop.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/log.h"
#include "redis/acl/access_log.h"
#include "redis/acl/user.h"
#include "redis/client.h"

namespace nokv::redis::acl {

// Refusals since the start.
struct AccessCounters {
  uint64_t authentications = 0;
  uint64_t commands = 0;
  uint64_t keys = 0;
  uint64_t channels = 0;
  uint64_t certificates = 0;
};

class AccessControl {
 public:
  using Users = std::map<std::string, std::shared_ptr<User>, std::less<>>;

  static constexpr std::string_view kDefaultUser = "default";

  // The line that CLIENT LIST has for a client.
  using Describe = std::function<std::string(const ClientState& client)>;

  // All but `describe` are borrowed.
  AccessControl(const CommandTable& table, base::Clock& clock, base::Logger& logger,
                Describe describe);

  // --- clients ---

  // What a client is before it says who it is.
  void BecomeDefault(Identity* identity) const;
  // True if nothing but AUTH, HELLO, QUIT and RESET is for this client yet.
  bool MustAuthenticate(const Identity& identity) const;
  // True, and the client is `user` now, if the password is right. Otherwise the failure is logged,
  // counted, and makes the reply to `command` late.
  bool Authenticate(ClientState& client, std::string_view user, std::string_view password,
                    std::string_view command);
  // Makes the client, which has just come, the user `name`, which its certificate proves. If there
  // is no such user, or it is off, that is logged and counted, and the client stays who it is.
  void AuthenticateByCertificate(ClientState& client, std::string_view name);
  // Whether `spec`, found for `args`, may run; a refusal is logged and counted.
  Denial Check(const ClientState& client, const CommandSpec& spec,
               std::span<const std::string_view> args, Where where);

  // --- users ---

  const Users& users() const { return users_; }
  std::shared_ptr<User> Find(std::string_view name) const;
  const User& default_user() const { return *default_; }
  // True if `user` has been deleted.
  bool IsGone(const User& user) const;
  // Creates or changes a user: all of the rules or none. Returns the reply's error.
  std::optional<std::string> SetUser(std::string_view name, std::span<const std::string> rules);
  // False if there is no such user. REQUIRES: `name` is not that of the default user.
  bool DeleteUser(std::string_view name);
  // The one password of the default user, by its hash; empty: it needs none.
  void SetDefaultPassword(std::string_view hash);

  // One line for each user, as Load takes them.
  std::string Dump() const;
  // Makes the users those of `text`, the content of `path`; "default" is as it is without rules
  // if it is not among them. If it cannot, nothing changes, and every reason is returned, with
  // file and line.
  std::vector<std::string> Load(std::string_view text, std::string_view path);

  // --- what was refused ---

  AccessLog& log() { return log_; }
  const AccessCounters& counters() const { return counters_; }
  void ResetCounters() { counters_ = {}; }

 private:
  void LogRefusal(const ClientState& client, std::string_view reason, Where where,
                  std::string_view object, std::string_view user);
  std::shared_ptr<User> NewDefault() const;
  // Reads one line of a file into `users`; returns what is wrong with it.
  std::vector<std::string> LoadLine(std::string_view line, Users* users) const;

  const CommandTable& table_;
  base::Clock& clock_;
  base::Logger& logger_;
  const Describe describe_;
  Users users_;
  std::shared_ptr<User> default_;  // also in users_
  AccessLog log_;
  AccessCounters counters_;
};

// What a refused client is told: "NOPERM this user has no permissions to …".
std::string NoPermission(Denial denial, const CommandSpec& spec);
// The same as ACL DRYRUN says it; `object` is the key or channel.
std::string DryRunRefusal(Denial denial, const CommandSpec& spec, std::string_view object);
// The same of a command that was queued before the rules changed.
std::string NoLongerPermitted(Denial denial);
// The same of a command in a script; without an error code.
std::string_view ScriptMayNot(Denial denial);

inline constexpr std::string_view kMustAuthenticate = "NOAUTH Authentication required.";

}  // namespace nokv::redis::acl
