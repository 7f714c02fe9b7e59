#include "redis/acl/permissions.h"

#include <algorithm>

#include "redis/acl/uses.h"
#include "redis/commands/categories.h"
#include "redis/commands/common.h"
#include "redis/glob.h"

namespace nokv::redis::acl {

namespace {

constexpr std::string_view kSyntax = "Syntax error";
constexpr std::string_view kUnknown = "Unknown command or category name in ACL";
constexpr std::string_view kNoThirdLevel = "Allowing first-arg of a subcommand is not supported";
constexpr std::string_view kAfterAllKeys =
    "Adding a pattern after the * pattern (or the 'allkeys' flag) is not valid and does not have "
    "any effect. Try 'resetkeys' to start with an empty list of patterns";
constexpr std::string_view kAfterAllChannels =
    "Adding a pattern after the * pattern (or the 'allchannels' flag) is not valid and does not "
    "have any effect. Try 'resetchannels' to start with an empty list of channels";

// Rules are written in lines of words.
bool HasSpace(std::string_view text) {
  return text.find_first_of(std::string_view(" \t\n\v\f\r\0", 7)) != std::string_view::npos;
}

}  // namespace

std::optional<std::string_view> Permissions::Apply(const CommandTable& table,
                                                   std::string_view rule) {
  const auto is = [rule](std::string_view word) { return EqualsIgnoreCase(rule, word); };
  if (is("allkeys") || rule == "~*") {
    all_keys_ = true;
    keys_.clear();
  } else if (is("resetkeys")) {
    all_keys_ = false;
    keys_.clear();
  } else if (is("allchannels") || rule == "&*") {
    all_channels_ = true;
    channels_.clear();
  } else if (is("resetchannels")) {
    all_channels_ = false;
    channels_.clear();
  } else if (is("allcommands") || is("+@all")) {
    SetAll(table, true);
  } else if (is("nocommands") || is("-@all")) {
    SetAll(table, false);
  } else if (rule.starts_with('~') || rule.starts_with('%')) {
    return AddKeyPattern(rule);
  } else if (rule.starts_with('&')) {
    return AddChannel(rule.substr(1));
  } else if (rule.starts_with("+@") || rule.starts_with("-@")) {
    return ApplyToCategory(table, rule[0] == '+', rule.substr(2));
  } else if (rule.starts_with('+') || rule.starts_with('-')) {
    return ApplyToCommand(table, rule[0] == '+', rule.substr(1));
  } else {
    return kSyntax;
  }
  return std::nullopt;
}

std::optional<std::string_view> Permissions::AddKeyPattern(std::string_view rule) {
  if (all_keys_) return kAfterAllKeys;
  uint8_t access = kReadWrite;
  size_t at = 0;
  if (rule[0] == '%') {
    access = 0;
    for (at = 1; at < rule.size() && rule[at] != '~'; ++at) {
      if (rule[at] != 'R' && rule[at] != 'r' && rule[at] != 'W' && rule[at] != 'w') return kSyntax;
      access |= rule[at] == 'R' || rule[at] == 'r' ? kRead : kWrite;
    }
    if (access == 0 || at == rule.size()) return kSyntax;
  }
  const std::string_view pattern = rule.substr(at + 1);
  if (HasSpace(pattern)) return kSyntax;
  for (KeyPattern& known : keys_) {
    if (known.pattern != pattern) continue;
    known.access |= access;
    return std::nullopt;
  }
  keys_.push_back({std::string(pattern), access});
  return std::nullopt;
}

std::optional<std::string_view> Permissions::AddChannel(std::string_view pattern) {
  if (all_channels_) return kAfterAllChannels;
  if (HasSpace(pattern)) return kSyntax;
  if (std::find(channels_.begin(), channels_.end(), pattern) == channels_.end()) {
    channels_.emplace_back(pattern);
  }
  return std::nullopt;
}

void Permissions::SetAll(const CommandTable& table, bool allow) {
  all_commands_ = begins_with_all_ = allow;
  rules_.clear();
  commands_.clear();
  first_arguments_.clear();
  if (!allow) return;
  for (const CommandSpec* spec : table.all()) Set(*spec, true);
  all_commands_ = true;
}

void Permissions::SetAlone(const CommandSpec& spec, bool allow) {
  first_arguments_.erase(&spec);
  if (allow) {
    commands_.insert(&spec);
  } else {
    commands_.erase(&spec);
    all_commands_ = false;
  }
}

void Permissions::Set(const CommandSpec& spec, bool allow) {
  SetAlone(spec, allow);
  for (const CommandSpec& sub : spec.subcommands) Set(sub, allow);
}

std::optional<std::string_view> Permissions::ApplyToCommand(const CommandTable& table, bool allow,
                                                            std::string_view name) {
  if (const CommandSpec* spec = table.FindFull(name); spec != nullptr) {
    Set(*spec, allow);
    Remember(allow, std::string(spec->name));
    return std::nullopt;
  }
  const size_t bar = name.rfind('|');
  if (!allow || bar == std::string_view::npos) return kUnknown;
  const CommandSpec* spec = table.FindFull(name.substr(0, bar));
  if (spec == nullptr) return kUnknown;
  if (spec->name.find('|') != std::string_view::npos) return kNoThirdLevel;
  if (!spec->subcommands.empty()) return kUnknown;
  const std::string argument = LowerCase(name.substr(bar + 1));
  if (argument.empty() || HasSpace(argument)) return kSyntax;
  std::vector<std::string>& arguments = first_arguments_[spec];
  if (std::find(arguments.begin(), arguments.end(), argument) == arguments.end()) {
    arguments.push_back(argument);
  }
  Remember(true, std::string(spec->name) + "|" + argument);
  return std::nullopt;
}

std::optional<std::string_view> Permissions::ApplyToCategory(const CommandTable& table, bool allow,
                                                             std::string_view category) {
  const std::string name = LowerCase(category);
  const auto all = AllCategories();
  if (std::find(all.begin(), all.end(), name) == all.end()) return kUnknown;
  const auto apply = [&](const CommandSpec& spec) {
    const auto categories = CategoriesOf(spec);
    const bool has = std::find(categories.begin(), categories.end(), name) != categories.end();
    if (has) SetAlone(spec, allow);
  };
  for (const CommandSpec* spec : table.all()) {
    // A container is nothing that could be called; its subcommands have categories of their own.
    if (spec->subcommands.empty() || spec->function != nullptr) apply(*spec);
    for (const CommandSpec& sub : spec->subcommands) apply(sub);
  }
  Remember(allow, "@" + name);
  return std::nullopt;
}

// A rule replaces what was said before of the same command and its subcommands.
void Permissions::Remember(bool allow, std::string name) {
  std::erase_if(rules_, [&name](std::string_view rule) {
    rule.remove_prefix(1);
    return rule == name || (rule.starts_with(name) && rule[name.size()] == '|');
  });
  rules_.push_back((allow ? "+" : "-") + std::move(name));
}

Verdict Permissions::Check(const CommandSpec& spec, std::span<const std::string_view> args) const {
  // AUTH, HELLO, QUIT and RESET are for everybody.
  if ((spec.flags & kNoAuthFlag) == 0 && !AllowsCommand(spec, args)) return {Denial::kCommand};
  if (!all_keys_) {
    for (const KeyUse& use : KeysUsed(spec, args)) {
      const auto access = static_cast<uint8_t>((use.reads ? kRead : 0) | (use.writes ? kWrite : 0));
      if (!AllowsKey(args[use.position], access)) return {Denial::kKey, use.position};
    }
  }
  if (!all_channels_) {
    const ChannelUse use = ChannelsUsed(spec, args);
    for (size_t i = use.begin; i < use.end; ++i) {
      if (!AllowsChannel(args[i], use.patterns)) return {Denial::kChannel, i};
    }
  }
  return {};
}

bool Permissions::AllowsCommand(const CommandSpec& spec,
                                std::span<const std::string_view> args) const {
  if (all_commands_ || commands_.contains(&spec)) return true;
  const auto found = first_arguments_.find(&spec);
  if (found == first_arguments_.end() || args.size() < 2) return false;
  return std::any_of(found->second.begin(), found->second.end(), [&](const std::string& allowed) {
    return EqualsIgnoreCase(args[1], allowed);
  });
}

bool Permissions::AllowsKey(std::string_view key, uint8_t access) const {
  return std::any_of(keys_.begin(), keys_.end(), [&](const KeyPattern& allowed) {
    return (allowed.access & access) == access && GlobMatch(allowed.pattern, key);
  });
}

bool Permissions::AllowsChannel(std::string_view channel, bool pattern) const {
  if (all_channels_) return true;
  return std::any_of(channels_.begin(), channels_.end(), [&](const std::string& allowed) {
    return pattern ? allowed == channel : GlobMatch(allowed, channel);
  });
}

std::string Permissions::DescribeCommands() const {
  std::string out = begins_with_all_ ? "+@all" : "-@all";
  for (const std::string& rule : rules_) out += " " + rule;
  return out;
}

std::string Permissions::DescribeKeys() const {
  if (all_keys_) return "~*";
  std::string out;
  for (const KeyPattern& key : keys_) {
    if (!out.empty()) out += " ";
    if (key.access == kRead) out += "%R";
    if (key.access == kWrite) out += "%W";
    out += "~" + key.pattern;
  }
  return out;
}

std::string Permissions::DescribeChannels() const {
  if (all_channels_) return "&*";
  std::string out;
  for (const std::string& channel : channels_) out += (out.empty() ? "&" : " &") + channel;
  return out;
}

std::string Permissions::Describe() const {
  std::string out = DescribeKeys();
  if (!out.empty()) out += " ";
  // Channels were once all allowed by default, so what is not says so.
  if (!all_channels_) out += "resetchannels ";
  const std::string channels = DescribeChannels();
  if (!channels.empty()) out += channels + " ";
  return out + DescribeCommands();
}

}  // namespace nokv::redis::acl
