// Permissions: the commands, keys and channels that one selector of a user allows.
//
// Rules are applied in the order in which they were written, and a later one wins: "+@all -config"
// is everything but CONFIG. They are kept as they were written, so that a file that is loaded by a
// version with more commands means what its author meant.
//
// Thread safety: thread-compatible.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "redis/commands/table.h"

namespace nokv::redis::acl {

// Why a command may not run; a larger one is closer to being allowed.
enum class Denial : uint8_t { kNone, kCommand, kKey, kChannel };

struct Verdict {
  Denial denial = Denial::kNone;
  size_t position = 0;  // of the key or channel among the arguments
  bool allowed() const { return denial == Denial::kNone; }
};

class Permissions {
 public:
  // Applies one rule: a command (+get -get +config|get +select|0), a category (+@read -@read),
  // allcommands, nocommands, a key pattern (~p %R~p %W~p %RW~p), allkeys, resetkeys, a channel
  // pattern (&p), allchannels, resetchannels. Returns why it cannot, in Redis's words; nothing has
  // changed then.
  std::optional<std::string_view> Apply(const CommandTable& table, std::string_view rule);

  // Whether `spec`, found for `args`, may run.
  Verdict Check(const CommandSpec& spec, std::span<const std::string_view> args) const;
  // `pattern`: the channel is itself a pattern, which must be one of those that are allowed.
  bool AllowsChannel(std::string_view channel, bool pattern) const;

  // As rules: "-@all +get", "~a* %R~b", "&*"; empty if no key or channel is allowed.
  std::string DescribeCommands() const;
  std::string DescribeKeys() const;
  std::string DescribeChannels() const;
  // All of it, for ACL LIST and the file.
  std::string Describe() const;

 private:
  enum Access : uint8_t { kRead = 1, kWrite = 2, kReadWrite = kRead | kWrite };
  struct KeyPattern {
    std::string pattern;
    uint8_t access;
  };

  std::optional<std::string_view> AddKeyPattern(std::string_view rule);
  std::optional<std::string_view> AddChannel(std::string_view pattern);
  std::optional<std::string_view> ApplyToCommand(const CommandTable& table, bool allow,
                                                 std::string_view name);
  std::optional<std::string_view> ApplyToCategory(const CommandTable& table, bool allow,
                                                  std::string_view category);
  void SetAll(const CommandTable& table, bool allow);
  void SetAlone(const CommandSpec& spec, bool allow);
  // With its subcommands.
  void Set(const CommandSpec& spec, bool allow);
  void Remember(bool allow, std::string name);
  bool AllowsCommand(const CommandSpec& spec, std::span<const std::string_view> args) const;
  bool AllowsKey(std::string_view key, uint8_t access) const;

  bool all_commands_ = false;
  bool all_keys_ = false;
  bool all_channels_ = false;
  // The first rule is implied: +@all or -@all.
  bool begins_with_all_ = false;
  std::vector<std::string> rules_;
  std::unordered_set<const CommandSpec*> commands_;  // never iterated over
  // Commands that are allowed with some first arguments only ("+select|0").
  std::map<const CommandSpec*, std::vector<std::string>> first_arguments_;
  std::vector<KeyPattern> keys_;
  std::vector<std::string> channels_;
};

}  // namespace nokv::redis::acl
