#include "redis/commands/table.h"

#include <algorithm>

#include "base/check.h"

namespace nokv::redis {

namespace {

constexpr size_t kLongestName = 32;
constexpr size_t kSlots = 512;

char Lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

// FNV-1a: names are short.
uint32_t HashName(std::string_view lower) {
  uint32_t hash = 2166136261U;
  for (const char c : lower) hash = (hash ^ static_cast<unsigned char>(c)) * 16777619U;
  return hash;
}

}  // namespace

bool EqualsIgnoreCase(std::string_view a, std::string_view lower) {
  return std::equal(a.begin(), a.end(), lower.begin(), lower.end(),
                    [](char x, char y) { return Lower(x) == y; });
}

CommandTable::CommandTable() : slots_(kSlots) {
  for (const auto& family :
       {StringCommands(), StringRangeCommands(), CounterCommands(), KeyCommands(), ExpireCommands(),
        ScanCommands(), ConnectionCommands(), ClientCommands(), CommandCommands(), ConfigCommands(),
        InfoCommands(), MonitoringCommands(), PubSubCommands(), ScriptCommands(), ServerCommands(),
        TransactionCommands(), AclCommands()}) {
    for (const CommandSpec& spec : family) all_.push_back(&spec);
  }
  NOKV_CHECK(all_.size() < kSlots / 2) << "enlarge the command table";
  std::sort(all_.begin(), all_.end(),
            [](const CommandSpec* a, const CommandSpec* b) { return a->name < b->name; });
  for (size_t i = 0; i < all_.size(); ++i) {
    NOKV_CHECK(all_[i]->name.size() <= kLongestName) << all_[i]->name;
    size_t at = HashName(all_[i]->name) % kSlots;
    while (slots_[at].spec != nullptr) {
      NOKV_CHECK(slots_[at].spec->name != all_[i]->name) << "twice: " << all_[i]->name;
      at = (at + 1) % kSlots;
    }
    slots_[at] = Slot{all_[i]};
    if (all_[i]->function != nullptr) every_.push_back(all_[i]);
    for (const CommandSpec& sub : all_[i]->subcommands) every_.push_back(&sub);
  }
  for (size_t i = 0; i < every_.size(); ++i) indices_.emplace(every_[i], i);
}

const CommandTable::Slot* CommandTable::FindSlot(std::string_view lower) const {
  for (size_t at = HashName(lower) % kSlots; slots_[at].spec != nullptr; at = (at + 1) % kSlots) {
    if (slots_[at].spec->name == lower) return &slots_[at];
  }
  return nullptr;
}

const CommandSpec* CommandTable::Find(std::string_view name) const {
  if (name.size() > kLongestName) return nullptr;
  char lower[kLongestName];
  std::transform(name.begin(), name.end(), lower, Lower);
  const Slot* slot = FindSlot(std::string_view(lower, name.size()));
  return slot == nullptr ? nullptr : slot->spec;
}

const CommandSpec* CommandTable::FindFull(std::string_view name) const {
  const size_t bar = name.find('|');
  const CommandSpec* spec = Find(name.substr(0, bar));
  if (spec == nullptr || bar == std::string_view::npos) return spec;
  return FindSubcommand(*spec, name.substr(bar + 1));
}

size_t CommandTable::IndexOf(const CommandSpec& command) const {
  const auto found = indices_.find(&command);
  NOKV_CHECK(found != indices_.end()) << command.name;
  return found->second;
}

const CommandSpec* FindSubcommand(const CommandSpec& container, std::string_view name) {
  for (const CommandSpec& spec : container.subcommands) {
    if (EqualsIgnoreCase(name, spec.name.substr(container.name.size() + 1))) return &spec;
  }
  return nullptr;
}

}  // namespace nokv::redis
