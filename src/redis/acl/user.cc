#include "redis/acl/user.h"

#include <algorithm>

#include "redis/acl/password.h"

namespace nokv::redis::acl {

namespace {

constexpr std::string_view kSyntax = "Syntax error";
constexpr std::string_view kBadHash =
    "The password hash must be exactly 64 characters and contain only lowercase hexadecimal "
    "characters";
constexpr std::string_view kNoSuchPassword =
    "The password you are trying to remove from the user does not exist";

}  // namespace

std::optional<std::string_view> User::Apply(const CommandTable& table, std::string_view rule) {
  const auto is = [rule](std::string_view word) { return EqualsIgnoreCase(rule, word); };
  if (is("on") || is("off")) {
    enabled_ = is("on");
  } else if (is("nopass")) {
    no_password_ = true;
    hashes_.clear();
  } else if (is("resetpass")) {
    no_password_ = false;
    hashes_.clear();
  } else if (is("sanitize-payload")) {
    sanitize_ = Sanitize::kYes;
  } else if (is("skip-sanitize-payload")) {
    sanitize_ = Sanitize::kSkip;
  } else if (is("clearselectors")) {
    selectors_.clear();
  } else if (is("reset")) {
    *this = User(name_);
    sanitize_ = Sanitize::kYes;
  } else if (rule.starts_with('(')) {
    return AddSelector(table, rule);
  } else if (!rule.empty() && std::string_view("><#!").find(rule[0]) != std::string_view::npos) {
    return ApplyPassword(rule);
  } else {
    return root_.Apply(table, rule);
  }
  return std::nullopt;
}

std::optional<std::string_view> User::ApplyPassword(std::string_view rule) {
  const bool adds = rule[0] == '>' || rule[0] == '#';
  const bool is_hash = rule[0] == '#' || rule[0] == '!';
  const std::string_view given = rule.substr(1);
  if (is_hash && !IsPasswordHash(given)) return kBadHash;
  const std::string hash = is_hash ? std::string(given) : HashPassword(given);
  const auto found = std::find(hashes_.begin(), hashes_.end(), hash);
  if (adds) {
    if (found == hashes_.end()) hashes_.push_back(hash);
    no_password_ = false;
  } else {
    if (found == hashes_.end()) return kNoSuchPassword;
    hashes_.erase(found);
  }
  return std::nullopt;
}

std::optional<std::string_view> User::AddSelector(const CommandTable& table,
                                                  std::string_view rule) {
  if (rule.size() < 2 || rule.back() != ')') return kSyntax;
  std::string_view inside = rule.substr(1, rule.size() - 2);
  Permissions selector;
  while (true) {
    const size_t begin = inside.find_first_not_of(" \t");
    if (begin == std::string_view::npos) break;
    inside.remove_prefix(begin);
    const size_t end = std::min(inside.find_first_of(" \t"), inside.size());
    if (const auto error = selector.Apply(table, inside.substr(0, end)); error.has_value()) {
      return error;
    }
    inside.remove_prefix(end);
  }
  selectors_.push_back(std::move(selector));
  return std::nullopt;
}

bool User::Accepts(std::string_view password) const {
  if (!enabled_) return false;
  if (no_password_) return true;
  const std::string hash = HashPassword(password);
  bool same = false;
  for (const std::string& known : hashes_) same |= SameHash(known, hash);
  return same;
}

Verdict User::Check(const CommandSpec& spec, std::span<const std::string_view> args) const {
  Verdict closest = root_.Check(spec, args);
  for (const Permissions& selector : selectors_) {
    if (closest.allowed()) break;
    const Verdict verdict = selector.Check(spec, args);
    if (verdict.allowed() || verdict.denial > closest.denial ||
        (verdict.denial == closest.denial && verdict.position > closest.position)) {
      closest = verdict;
    }
  }
  return closest;
}

bool User::AllowsChannel(std::string_view channel, bool pattern) const {
  return root_.AllowsChannel(channel, pattern) ||
         std::any_of(selectors_.begin(), selectors_.end(), [&](const Permissions& selector) {
           return selector.AllowsChannel(channel, pattern);
         });
}

std::vector<std::string_view> User::Flags() const {
  std::vector<std::string_view> flags = {enabled_ ? "on" : "off"};
  if (no_password_) flags.emplace_back("nopass");
  if (sanitize_ == Sanitize::kSkip) flags.emplace_back("skip-sanitize-payload");
  if (sanitize_ == Sanitize::kYes) flags.emplace_back("sanitize-payload");
  return flags;
}

std::string User::Describe() const {
  std::string out = "user " + name_;
  for (const std::string_view flag : Flags()) out.append(" ").append(flag);
  for (const std::string& hash : hashes_) out += " #" + hash;
  out += " " + root_.Describe();
  for (const Permissions& selector : selectors_) out += " (" + selector.Describe() + ")";
  return out;
}

bool MergeSelectors(std::span<const std::string_view> words, std::vector<std::string>* rules,
                    std::string_view* unmatched) {
  bool open = false;
  for (const std::string_view word : words) {
    if (!open && word.starts_with('(')) {
      open = true;
      *unmatched = word;
      rules->emplace_back(word);
    } else if (open) {
      rules->back().append(" ").append(word);
    } else {
      rules->emplace_back(word);
    }
    if (open && word.ends_with(')')) open = false;
  }
  return !open;
}

}  // namespace nokv::redis::acl
