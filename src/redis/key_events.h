// Key events: what happens to keys, as notify-keyspace-events selects it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace nokv::redis {

// A set of them is what the setting holds.
enum KeyEvent : uint32_t {
  kKeyspaceEvents = 1 << 0,  // K: published to __keyspace@<db>__:<key>
  kKeyeventEvents = 1 << 1,  // E: published to __keyevent@<db>__:<event>
  kGenericEvent = 1 << 2,    // g: del, expire, rename_from, …
  kStringEvent = 1 << 3,     // $
  kListEvent = 1 << 4,       // l
  kSetEvent = 1 << 5,        // s
  kHashEvent = 1 << 6,       // h
  kSortedSetEvent = 1 << 7,  // z
  kExpiredEvent = 1 << 8,    // x
  kEvictedEvent = 1 << 9,    // e
  kStreamEvent = 1 << 10,    // t
  kModuleEvent = 1 << 11,    // d
  kNewKeyEvent = 1 << 12,    // n
  kKeyMissEvent = 1 << 13,   // m
};
using KeyEvents = uint32_t;

// True if anything is published at all.
constexpr bool Publishes(KeyEvents events) {
  return (events & (kKeyspaceEvents | kKeyeventEvents)) != 0 &&
         (events & ~(kKeyspaceEvents | kKeyeventEvents)) != 0;
}

// As CONFIG GET shows it: "AKE".
std::string FormatKeyEvents(KeyEvents events);
// nullopt if a character means nothing.
std::optional<KeyEvents> ParseKeyEvents(std::string_view text);

}  // namespace nokv::redis
