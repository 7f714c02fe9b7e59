#include "redis/key_events.h"

namespace nokv::redis {

namespace {

struct Letter {
  char letter;
  KeyEvents events;
};

// In the order in which CONFIG GET shows them.
constexpr Letter kClasses[] = {
    {'g', kGenericEvent}, {'$', kStringEvent},    {'l', kListEvent},    {'s', kSetEvent},
    {'h', kHashEvent},    {'z', kSortedSetEvent}, {'x', kExpiredEvent}, {'e', kEvictedEvent},
    {'t', kStreamEvent},  {'d', kModuleEvent},    {'n', kNewKeyEvent},
};
constexpr Letter kOthers[] = {{'K', kKeyspaceEvents}, {'E', kKeyeventEvents}, {'m', kKeyMissEvent}};
// 'A'; new keys and misses must be asked for.
constexpr KeyEvents kAll = kGenericEvent | kStringEvent | kListEvent | kSetEvent | kHashEvent |
                           kSortedSetEvent | kExpiredEvent | kEvictedEvent | kStreamEvent |
                           kModuleEvent;

KeyEvents Find(char letter) {
  if (letter == 'A') return kAll;
  for (const Letter& one : kClasses) {
    if (one.letter == letter) return one.events;
  }
  for (const Letter& one : kOthers) {
    if (one.letter == letter) return one.events;
  }
  return 0;
}

}  // namespace

std::string FormatKeyEvents(KeyEvents events) {
  std::string out;
  if ((events & kAll) == kAll) {
    out.push_back('A');  // as in Redis, which then does not show 'n'
  } else {
    for (const Letter& one : kClasses) {
      if ((events & one.events) != 0) out += one.letter;
    }
  }
  for (const Letter& one : kOthers) {
    if ((events & one.events) != 0) out += one.letter;
  }
  return out;
}

std::optional<KeyEvents> ParseKeyEvents(std::string_view text) {
  KeyEvents events = 0;
  for (const char letter : text) {
    const KeyEvents one = Find(letter);
    if (one == 0) return std::nullopt;
    events |= one;
  }
  return events;
}

}  // namespace nokv::redis
