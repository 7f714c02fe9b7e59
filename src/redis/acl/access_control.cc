#include "redis/acl/access_control.h"

#include <algorithm>
#include <utility>

#include "base/bytes.h"

namespace nokv::redis::acl {

namespace {

// A failure makes its reply late, each further one of the same client twice as late.
constexpr uint64_t kFirstDelayMs = 100;
constexpr uint32_t kMaxDoublings = 4;

constexpr std::string_view kBadName = "Usernames can't contain spaces or null characters";

bool IsUserName(std::string_view name) {
  return name.find_first_of(std::string_view(" \t\n\v\f\r\0", 7)) == std::string_view::npos;
}

std::string_view ReasonName(Denial denial) {
  switch (denial) {
    case Denial::kKey:
      return "key";
    case Denial::kChannel:
      return "channel";
    case Denial::kCommand:
    case Denial::kNone:
      break;
  }
  return "command";
}

std::vector<std::string_view> Words(std::string_view line) {
  std::vector<std::string_view> words;
  while (true) {
    const size_t begin = line.find_first_not_of(" \t\r");
    if (begin == std::string_view::npos) return words;
    line.remove_prefix(begin);
    const size_t end = std::min(line.find_first_of(" \t\r"), line.size());
    words.push_back(line.substr(0, end));
    line.remove_prefix(end);
  }
}

}  // namespace

AccessControl::AccessControl(const CommandTable& table, base::Clock& clock, base::Logger& logger,
                             Describe describe)
    : table_(table),
      clock_(clock),
      logger_(logger),
      describe_(std::move(describe)),
      default_(NewDefault()) {
  users_.emplace(kDefaultUser, default_);
}

std::shared_ptr<User> AccessControl::NewDefault() const {
  auto user = std::make_shared<User>(std::string(kDefaultUser));
  for (const std::string_view rule : {"on", "nopass", "allkeys", "allchannels", "allcommands"}) {
    user->Apply(table_, rule);
  }
  return user;
}

void AccessControl::BecomeDefault(Identity* identity) const {
  identity->user = default_;
  identity->authenticated = default_->enabled() && default_->needs_no_password();
}

bool AccessControl::MustAuthenticate(const Identity& identity) const {
  return !identity.authenticated && !(default_->enabled() && default_->needs_no_password());
}

bool AccessControl::Authenticate(ClientState& client, std::string_view user,
                                 std::string_view password, std::string_view command) {
  const std::shared_ptr<User> found = Find(user);
  Identity& identity = client.identity;
  if (found != nullptr && found->Accepts(password)) {
    identity = {.user = found, .authenticated = true};
    return true;
  }
  identity.reply_delay_ms = kFirstDelayMs << std::min(identity.failures, kMaxDoublings);
  ++identity.failures;
  ++counters_.authentications;
  // A name that nobody has may be a password in the wrong place.
  logger_.Warning("client " + client.address + ": authentication failed for " +
                  (found == nullptr ? "a user that does not exist"
                                    : "user '" + base::EscapeBytes(found->name()) + "'"));
  LogRefusal(client, "auth", Where::kToplevel, command, user);
  return false;
}

void AccessControl::AuthenticateByCertificate(ClientState& client, std::string_view name) {
  const std::shared_ptr<User> found = Find(name);
  if (found != nullptr && found->enabled()) {
    client.identity = {.user = found, .authenticated = true};
    return;
  }
  ++counters_.certificates;
  logger_.Warning("client " + client.address + ": its certificate is for user '" +
                  base::EscapeBytes(name) + "', " +
                  (found == nullptr ? "which does not exist" : "which is off"));
  LogRefusal(client, "tls-cert", Where::kToplevel, "", name);
}

Denial AccessControl::Check(const ClientState& client, const CommandSpec& spec,
                            std::span<const std::string_view> args, Where where) {
  const User& user = *client.identity.user;
  const Verdict verdict = user.Check(spec, args);
  if (verdict.allowed()) return Denial::kNone;
  if (verdict.denial == Denial::kCommand) ++counters_.commands;
  if (verdict.denial == Denial::kKey) ++counters_.keys;
  if (verdict.denial == Denial::kChannel) ++counters_.channels;
  const std::string_view object =
      verdict.denial == Denial::kCommand ? spec.name : args[verdict.position];
  LogRefusal(client, ReasonName(verdict.denial), where, object, user.name());
  return verdict.denial;
}

void AccessControl::LogRefusal(const ClientState& client, std::string_view reason, Where where,
                               std::string_view object, std::string_view user) {
  const uint64_t now_ms = clock_.WallMillis();
  AccessLog::Entry entry;
  entry.reason = reason;
  entry.where = where;
  entry.object = object.substr(0, AccessLog::kObjectBytes);
  entry.user = user.substr(0, AccessLog::kObjectBytes);
  entry.client = describe_(client);
  log_.Add(std::move(entry), now_ms);
}

std::shared_ptr<User> AccessControl::Find(std::string_view name) const {
  const auto found = users_.find(name);
  return found == users_.end() ? nullptr : found->second;
}

std::optional<std::string> AccessControl::SetUser(std::string_view name,
                                                  std::span<const std::string> rules) {
  if (!IsUserName(name)) return "ERR " + std::string(kBadName);
  const std::shared_ptr<User> existing = Find(name);
  User changed = existing == nullptr ? User(std::string(name)) : *existing;
  for (const std::string& rule : rules) {
    const auto error = changed.Apply(table_, rule);
    if (!error.has_value()) continue;
    return "ERR Error in ACL SETUSER modifier '" + rule + "': " + std::string(*error);
  }
  if (existing != nullptr) {
    *existing = std::move(changed);
  } else {
    users_.emplace(name, std::make_shared<User>(std::move(changed)));
  }
  return std::nullopt;
}

bool AccessControl::DeleteUser(std::string_view name) {
  const auto found = users_.find(name);
  if (found == users_.end()) return false;
  *found->second = User(std::string(name));  // for clients that are about to be disconnected
  users_.erase(found);
  return true;
}

void AccessControl::SetDefaultPassword(std::string_view hash) {
  default_->Apply(table_, "resetpass");
  default_->Apply(table_, hash.empty() ? "nopass" : "#" + std::string(hash));
}

std::string AccessControl::Dump() const {
  std::string out;
  for (const auto& [name, user] : users_) out += user->Describe() + "\n";
  return out;
}

std::vector<std::string> AccessControl::LoadLine(std::string_view line, Users* users) const {
  const std::vector<std::string_view> words = Words(line);
  if (words.empty() || words[0].starts_with('#')) return {};
  if (words[0] != "user" || words.size() < 2) {
    return {"should start with user keyword followed by the username"};
  }
  if (!IsUserName(words[1])) return {std::string(kBadName)};
  auto user = std::make_shared<User>(std::string(words[1]));
  if (!users->emplace(user->name(), user).second) {
    return {"Duplicate user '" + user->name() + "' found"};
  }
  std::vector<std::string> rules;
  std::string_view unmatched;
  if (!MergeSelectors(std::span(words).subspan(2), &rules, &unmatched)) {
    return {"Unmatched parenthesis in selector definition"};
  }
  std::vector<std::string> errors;
  for (const std::string& rule : rules) {
    const auto error = user->Apply(table_, rule);
    if (!error.has_value()) continue;
    // The rule may be a password.
    const bool secret = rule.find_first_of("><") == 0;
    errors.push_back("Error in applying operation '" + (secret ? "(redacted)" : rule) +
                     "': " + std::string(*error));
  }
  return errors;
}

std::vector<std::string> AccessControl::Load(std::string_view text, std::string_view path) {
  Users loaded;
  std::vector<std::string> errors;
  for (size_t line = 1; !text.empty(); ++line) {
    const size_t end = std::min(text.find('\n'), text.size());
    for (const std::string& error : LoadLine(text.substr(0, end), &loaded)) {
      errors.push_back(std::string(path) + ":" + std::to_string(line) + ": " + error);
    }
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  if (!errors.empty()) return errors;
  if (!loaded.contains(kDefaultUser)) loaded.emplace(kDefaultUser, NewDefault());
  for (auto& [name, existing] : users_) {
    const auto found = loaded.find(name);
    if (found == loaded.end()) {
      *existing = User(name);  // as in DeleteUser
    } else {
      *existing = std::move(*found->second);
      found->second = existing;
    }
  }
  users_ = std::move(loaded);
  return {};
}

bool AccessControl::IsGone(const User& user) const {
  const auto found = users_.find(user.name());
  return found == users_.end() || found->second.get() != &user;
}

std::string NoPermission(Denial denial, const CommandSpec& spec) {
  std::string out = "NOPERM this user has no permissions to ";
  if (denial == Denial::kKey) return out + "access one of the keys used as arguments";
  if (denial == Denial::kChannel) return out + "access one of the channels used as arguments";
  return out + "run the '" + std::string(spec.name) + "' command";
}

std::string DryRunRefusal(Denial denial, const CommandSpec& spec, std::string_view object) {
  std::string out = "This user has no permissions to ";
  if (denial == Denial::kKey) return out + "access the '" + std::string(object) + "' key";
  if (denial == Denial::kChannel) return out + "access the '" + std::string(object) + "' channel";
  return out + "run the '" + std::string(spec.name) + "' command";
}

std::string NoLongerPermitted(Denial denial) {
  std::string out =
      "NOPERM ACLs rules changed between the moment the transaction was accumulated and the EXEC "
      "call. This command is no longer allowed for the following reason: no permission to ";
  if (denial == Denial::kKey) return out + "touch the specified keys";
  if (denial == Denial::kChannel) return out + "access one of the channels used as arguments";
  return out + "execute the command or subcommand";
}

std::string_view ScriptMayNot(Denial denial) {
  if (denial == Denial::kKey) {
    return "The user executing the script can't access at least one of the keys mentioned in the "
           "command arguments";
  }
  if (denial == Denial::kChannel) {
    return "The user executing the script can't publish to the channel mentioned in the command";
  }
  return "The user executing the script can't run this command or subcommand";
}

}  // namespace nokv::redis::acl
