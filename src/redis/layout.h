// Layout: which data key holds what.
//
//   database 0        plain user keys
//   databases 1…15    reserved area DB | key
//   area 0x20         DB byte → number of keys fixed64 | number of index entries fixed64
//                     0xff → store generation of the gateway that keeps these numbers, fixed64
//   area 0x21         expiry index: DB byte | expiry in ms, big-endian | key → empty
//   area 0x22         SCAN cursors: slot, two bytes → cursor state
//
// Thread safety: pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace nokv::redis {

inline constexpr int kDatabases = 16;

struct KeyRange {
  std::string begin;
  std::string end;  // empty: the end of all keys
};

std::string DataKey(int db, std::string_view key);
// True if it holds a user key, of any database.
bool IsKeyOfClients(std::string_view data_key);
// The user key of a data key of `db`. `*scratch` may back the view returned.
std::string_view UserKey(int db, std::string_view data_key, std::string* scratch);
// The ranges that hold the keys of `db`, in order; all other areas lie outside.
std::vector<KeyRange> KeyRanges(int db);

std::string CountsKey(int db);
std::string GenerationKey();
std::string CursorKey(uint16_t slot);

struct ExpiryIndexEntry {
  uint64_t expiry_ms = 0;
  std::string_view key;  // user key
};
std::string ExpiryIndexKey(int db, uint64_t expiry_ms, std::string_view key);
// The entries of `db` with an expiry below `end_ms`.
KeyRange ExpiryIndexRange(int db, uint64_t end_ms);
// All entries of `db`.
KeyRange ExpiryIndexRange(int db);
std::optional<ExpiryIndexEntry> ParseExpiryIndexKey(std::string_view data_key);

}  // namespace nokv::redis
