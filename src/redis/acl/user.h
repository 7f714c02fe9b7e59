// User: a name, passwords, and what it may do.
//
// Thread safety: thread-compatible; owned by the gateway's loop.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "redis/acl/permissions.h"

namespace nokv::redis::acl {

class User {
 public:
  // Disabled, without password, allowed nothing.
  explicit User(std::string name) : name_(std::move(name)) {}

  // Applies one rule of ACL SETUSER; a selector is one rule, "(+get ~a*)". Returns why it cannot,
  // in Redis's words; then the user may be changed in part: apply rules to a copy.
  std::optional<std::string_view> Apply(const CommandTable& table, std::string_view rule);

  // True for the right password of a user that is enabled.
  bool Accepts(std::string_view password) const;
  // Whether `spec`, found for `args`, may run: one selector must allow all of it. If none does,
  // the reason of the one that came closest.
  Verdict Check(const CommandSpec& spec, std::span<const std::string_view> args) const;
  bool AllowsChannel(std::string_view channel, bool pattern) const;

  const std::string& name() const { return name_; }
  bool enabled() const { return enabled_; }
  bool needs_no_password() const { return no_password_; }
  // "on", "nopass" and so on.
  std::vector<std::string_view> Flags() const;
  const std::vector<std::string>& password_hashes() const { return hashes_; }
  const Permissions& root() const { return root_; }
  const std::vector<Permissions>& selectors() const { return selectors_; }
  // "user NAME RULES", a line of ACL LIST and of the file.
  std::string Describe() const;

 private:
  // Accepted and shown, as in Redis; the gateway restores no payloads that could be checked.
  enum class Sanitize : uint8_t { kUnsaid, kYes, kSkip };

  std::optional<std::string_view> ApplyPassword(std::string_view rule);
  std::optional<std::string_view> AddSelector(const CommandTable& table, std::string_view rule);

  std::string name_;
  bool enabled_ = false;
  bool no_password_ = false;
  Sanitize sanitize_ = Sanitize::kUnsaid;
  std::vector<std::string> hashes_;
  Permissions root_;
  std::vector<Permissions> selectors_;
};

// Joins the words of a selector, "(+get" "~a*)", to one rule each. On failure false, and
// `*unmatched` is the word with the parenthesis that is never closed.
bool MergeSelectors(std::span<const std::string_view> words, std::vector<std::string>* rules,
                    std::string_view* unmatched);

}  // namespace nokv::redis::acl
