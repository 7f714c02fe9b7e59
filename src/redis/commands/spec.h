// CommandSpec: all that is to be known about a command but what it does. Arity checks, COMMAND, ACL
// categories and the extraction of keys derive from it.
//
// Thread safety: immutable.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "nokv/status.h"
#include "redis/commands/categories.h"
#include "redis/commands/doc_text.h"
#include "redis/commands/key_spec.h"

namespace nokv::redis {

struct Context;
using CommandFunction = Status (*)(Context& context);

// Names: kCommandFlagNames.
enum CommandFlag : uint32_t {
  kWriteFlag = 1 << 0,
  kReadOnlyFlag = 1 << 1,
  kDenyOomFlag = 1 << 2,
  kAdminFlag = 1 << 3,
  kPubSubFlag = 1 << 4,
  kNoScriptFlag = 1 << 5,
  kBlockingFlag = 1 << 6,
  kLoadingFlag = 1 << 7,
  kStaleFlag = 1 << 8,
  kSkipMonitorFlag = 1 << 9,
  kSkipSlowLogFlag = 1 << 10,
  kFastFlag = 1 << 11,
  kNoAuthFlag = 1 << 12,
  kNoMandatoryKeysFlag = 1 << 13,
  kNoAsyncLoadingFlag = 1 << 14,
  kNoMultiFlag = 1 << 15,
  kMovableKeysFlag = 1 << 16,
  kAllowBusyFlag = 1 << 17,
  // Without a name, as in Redis:
  kMayReplicateFlag = 1 << 18,  // not by its own keys
  // Without a name, ours:
  kNotQueuedFlag = 1 << 19,        // runs at once also after MULTI
  kWhileSubscribedFlag = 1 << 20,  // runs also for clients of version 2 that listen to channels
};
inline constexpr std::string_view kCommandFlagNames[] = {
    "write",       "readonly",          "denyoom",          "admin",
    "pubsub",      "noscript",          "blocking",         "loading",
    "stale",       "skip_monitor",      "skip_slowlog",     "fast",
    "no_auth",     "no_mandatory_keys", "no_async_loading", "no_multi",
    "movablekeys", "allow_busy",
};

// How the members of a spec follow from others. Constant expressions for the tables of commands.
constexpr uint32_t DeriveCategories(uint32_t flags, std::string_view group, std::string_view doc);
constexpr KeySpecs DeriveKeys(uint32_t flags, int first, int last, int step, std::string_view doc);

struct CommandSpec {
  std::string_view name;  // lower case; subcommands: "client|setname"
  int arity;              // of all words; negative: at least
  CommandFunction function;
  uint32_t flags;  // set of CommandFlag
  // Where keys are; 0, 0, 0 if there are none or `doc` says more.
  int first_key;
  int last_key;
  int key_step;
  std::string_view group;
  std::string_view since;
  std::string_view doc;  // commands/doc_text.h
  std::span<const CommandSpec> subcommands = {};

  uint32_t categories = DeriveCategories(flags, group, doc);
  KeySpecs keys = DeriveKeys(flags, first_key, last_key, key_step, doc);

  bool AcceptsArity(size_t words) const {
    return arity >= 0 ? words == static_cast<size_t>(arity)
                      : words >= static_cast<size_t>(-static_cast<int64_t>(arity));
  }
};

constexpr uint32_t DeriveCategories(uint32_t flags, std::string_view group, std::string_view doc) {
  uint32_t set = 0;
  // Of a script that only reads the commands are looked at one by one.
  if ((flags & kReadOnlyFlag) != 0 && group != "scripting") set |= CategoryBit("read");
  if ((flags & kWriteFlag) != 0) set |= CategoryBit("write");
  if ((flags & kAdminFlag) != 0) set |= CategoryBit("admin") | CategoryBit("dangerous");
  if ((flags & kPubSubFlag) != 0) set |= CategoryBit("pubsub");
  if ((flags & kBlockingFlag) != 0) set |= CategoryBit("blocking");
  set |= CategoryBit((flags & kFastFlag) != 0 ? "fast" : "slow");
  std::string_view more = DocLine(doc, "acl");
  if (more.empty()) {
    if (group == "generic")
      more = "keyspace";
    else if (group == "transactions")
      more = "transaction";
    else if (group == "sorted-set")
      more = "sortedset";
    else
      more = group;  // most are a category of the same name; "server" is none
  }
  while (!more.empty()) set |= CategoryBit(TakeUntil(&more, ' '));
  return set;
}

constexpr int TakeNumber(std::string_view* text) {
  const bool negative = text->starts_with('-');
  if (negative) text->remove_prefix(1);
  int value = 0;
  for (; !text->empty() && text->front() >= '0' && text->front() <= '9'; text->remove_prefix(1)) {
    value = value * 10 + (text->front() - '0');
  }
  return negative ? -value : value;
}

// "1", "1..2", "1..-1/2" or "2#".
constexpr KeySpec ParseKeyPosition(std::string_view text) {
  KeySpec spec;
  spec.begin = TakeNumber(&text);
  spec.counted = text == "#";
  if (text.starts_with("..")) {
    text.remove_prefix(2);
    const int last = TakeNumber(&text);
    spec.last = last < 0 ? last : last - spec.begin;
  }
  if (text.starts_with("/")) {
    text.remove_prefix(1);
    spec.step = TakeNumber(&text);
  }
  return spec;
}

constexpr uint16_t KeyFlagBit(std::string_view name) {
  uint16_t bit = 1;
  for (const std::string_view candidate : kKeyFlagNames) {
    if (candidate == name) return bit;
    bit = static_cast<uint16_t>(bit << 1);
  }
  return 0;
}

constexpr KeySpecs DeriveKeys(uint32_t flags, int first, int last, int step, std::string_view doc) {
  KeySpecs keys;
  std::string_view line = DocLine(doc, "keys");
  if (line.empty() && first == 0) return keys;
  if (line.empty()) line = (flags & kWriteFlag) != 0 ? "RW update" : "RO access";
  while (!line.empty()) {
    std::string_view text = TakeUntil(&line, ',');
    KeySpec spec;
    spec.begin = first;
    spec.last = last < 0 ? last : last - first;
    spec.step = step;
    while (!text.empty()) {
      const std::string_view word = TakeUntil(&text, ' ');
      if (word.empty()) continue;
      if (word[0] >= '0' && word[0] <= '9') {
        spec = ParseKeyPosition(word);
      } else {
        spec.flags = static_cast<uint16_t>(spec.flags | KeyFlagBit(word));
      }
    }
    keys.specs.at(keys.size++) = spec;
  }
  return keys;
}

}  // namespace nokv::redis
