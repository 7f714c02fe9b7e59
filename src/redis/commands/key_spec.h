// Where the keys of a command stand among its words, and what it does to them.
//
// In the text of a command (commands/doc_text.h) one spec is a position and flags. A position is
// "1" for one key, "1..2" for keys from here to there, "1..-1" for keys up to the last word,
// "1..-1/2" for every second word of them, and "2#" if word 2 is the number of keys that follow it.
//
// Thread safety: immutable.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace nokv::redis {

struct CommandSpec;

// Names: kKeyFlagNames. One of the first four says what happens to the key as such, the next four
// what happens to the user's data in it.
enum KeyFlag : uint16_t {
  kKeyReadOnly = 1 << 0,
  kKeyReadWrite = 1 << 1,
  kKeyOverwrite = 1 << 2,
  kKeyRemove = 1 << 3,
  kKeyAccess = 1 << 4,  // returned, copied or used
  kKeyUpdate = 1 << 5,
  kKeyInsert = 1 << 6,
  kKeyDelete = 1 << 7,
  kKeyNotKey = 1 << 8,      // no key, but routed as if it were one
  kKeyIncomplete = 1 << 9,  // there may be more keys
  kKeyVariable = 1 << 10,   // less may happen, depending on the words
};
inline constexpr std::string_view kKeyFlagNames[] = {
    "RO",     "RW",     "OW",      "RM",         "access",         "update",
    "insert", "delete", "not_key", "incomplete", "variable_flags",
};

struct KeySpec {
  uint16_t flags = 0;
  int begin = 0;         // the word at which keys begin
  bool counted = false;  // that word is the number of keys that follow it
  // Of keys that are not counted: relative to `begin`, or, if negative, to the end of the words.
  int last = 0;
  int step = 1;
};

// The key specs of one command: a fixed array, so that tables are constant.
struct KeySpecs {
  std::array<KeySpec, 4> specs{};
  size_t size = 0;

  constexpr const KeySpec* begin() const { return specs.data(); }
  constexpr const KeySpec* end() const { return specs.data() + size; }
};

struct KeyArgument {
  size_t index;    // among the words
  uint16_t flags;  // set of KeyFlag
};

// Puts the keys of a request into `*keys`. False if the words do not fit the command: a number of
// keys that is none, or is larger than what follows. REQUIRES: the spec accepts the arity.
bool KeysOf(const CommandSpec& spec, std::span<const std::string_view> args,
            std::vector<KeyArgument>* keys);

}  // namespace nokv::redis
