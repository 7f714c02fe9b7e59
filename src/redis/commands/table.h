// CommandTable: finds commands by name without allocating.
//
// Thread safety: immutable.
#pragma once

#include <cstdint>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "redis/commands/command.h"

namespace nokv::redis {

class CommandTable {
 public:
  // All commands of all families.
  CommandTable();

  // In any mixture of cases; null if there is no such command.
  const CommandSpec* Find(std::string_view name) const;
  // "name" or "container|sub".
  const CommandSpec* FindFull(std::string_view name) const;
  // By name.
  const std::vector<const CommandSpec*>& all() const { return all_; }
  // Commands and subcommands that can run, by name.
  const std::vector<const CommandSpec*>& every() const { return every_; }
  // Its place in every().
  size_t IndexOf(const CommandSpec& command) const;

 private:
  struct Slot {
    const CommandSpec* spec = nullptr;
  };
  const Slot* FindSlot(std::string_view lower) const;

  std::vector<const CommandSpec*> all_;
  std::vector<const CommandSpec*> every_;
  std::unordered_map<const CommandSpec*, size_t> indices_;
  std::vector<Slot> slots_;  // open addressing; size is a power of two
};

// The subcommand in any mixture of cases ("setname"); null if there is none.
const CommandSpec* FindSubcommand(const CommandSpec& container, std::string_view name);
bool EqualsIgnoreCase(std::string_view a, std::string_view lower);

}  // namespace nokv::redis
