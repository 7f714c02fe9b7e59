// The ACL categories of commands. They follow from flags and group, as in Redis; where they do not,
// the command's text says them (commands/doc_text.h).
//
// Thread safety: immutable.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace nokv::redis {

struct CommandSpec;

// In Redis's order. A set of categories is an integer, in which bit i stands for name i.
inline constexpr std::string_view kCategoryNames[] = {
    "keyspace", "read",   "write",       "set",       "sortedset",  "list",        "hash",
    "string",   "bitmap", "hyperloglog", "geo",       "stream",     "pubsub",      "admin",
    "fast",     "slow",   "blocking",    "dangerous", "connection", "transaction", "scripting",
};

// The set of one category; empty if there is none of this name.
constexpr uint32_t CategoryBit(std::string_view name) {
  uint32_t bit = 1;
  for (const std::string_view candidate : kCategoryNames) {
    if (candidate == name) return bit;
    bit <<= 1;
  }
  return 0;
}

// All names, without the '@'.
std::span<const std::string_view> AllCategories();
// Those of one command, without the '@'.
std::vector<std::string_view> CategoriesOf(const CommandSpec& spec);

}  // namespace nokv::redis
