// keys: how every key of the system is built and taken apart. No other module does either.
//
//   engine key   = keyspace byte | key bytes | 8-byte version suffix
//   internal key = engine key | 8-byte trailer (sequence number << 8 | kind, little-endian)
//
// The version suffix is the big-endian complement of the commit timestamp, so the newest version of
// a key sorts first. Stand-alone writes and unversioned keyspaces use version 0. The part of an
// engine key before the suffix is its *prefix*; order is split-aware: prefixes compare bytewise,
// and only equal prefixes compare their suffixes (comparing whole strings would misplace a key that
// is a prefix of another). Equal engine keys order by descending sequence number.
//
// Inside the data keyspace the first byte kReservedByte belongs to the Redis gateway's databases 1
// to 15 and to the sub-keys of structures; plain user keys that begin with it are escaped, and
// their order stays that of the unescaped keys.
//
// Thread safety: pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/coding.h"

namespace nokv::keys {

enum class Keyspace : uint8_t { kData = 1, kLock = 2, kTxn = 3, kLocal = 4 };

// What an entry is. The numbers are on disk.
enum class Kind : uint8_t {
  kDelete = 0,
  kPut = 1,
  kVersionedDelete = 2,  // an MVCC version that says "deleted"
  kLockOnly = 3,         // a commit that wrote nothing
  kRangeDelete = 4,      // key = start prefix, value = end prefix
  kMerge = 5,            // reserved
};
inline constexpr uint8_t kMaxKind = 5;

using SequenceNumber = uint64_t;
inline constexpr SequenceNumber kMaxSequence = (SequenceNumber{1} << 56) - 1;

inline constexpr size_t kSuffixBytes = 8;
inline constexpr size_t kTrailerBytes = 8;
inline constexpr char kReservedByte = '\xff';
// The longest user key that is accepted; longer ones are refused, none is cut.
inline constexpr size_t kMaxUserKeyBytes = size_t{1} << 20;
inline constexpr size_t kMaxValueBytes = size_t{512} << 20;

// --- engine keys ---

std::string EncodeEngineKey(Keyspace keyspace, std::string_view key, uint64_t version = 0);
// As EncodeEngineKey, appended to `*out`.
void AppendEngineKey(Keyspace keyspace, std::string_view key, uint64_t version, std::string* out);
// keyspace byte | key bytes: where a range over keys begins or ends.
std::string EncodePrefix(Keyspace keyspace, std::string_view key);

// True if `engine_key` has a known keyspace byte and a suffix. For bytes that came from disk.
bool IsEngineKey(std::string_view engine_key);
inline std::string_view PrefixOf(std::string_view engine_key) {
  return engine_key.substr(0, engine_key.size() - kSuffixBytes);
}
inline std::string_view KeyOf(std::string_view engine_key) {
  return engine_key.substr(1, engine_key.size() - 1 - kSuffixBytes);
}
inline uint64_t VersionOf(std::string_view engine_key) {
  return ~base::LoadBigEndian64(engine_key.data() + engine_key.size() - kSuffixBytes);
}
// <0, 0, >0 as a sorts before, with or after b. Both are engine keys.
int CompareEngineKeys(std::string_view a, std::string_view b);

// --- internal keys ---

inline uint64_t PackTrailer(SequenceNumber sequence, Kind kind) {
  return sequence << 8 | static_cast<uint8_t>(kind);
}
// The trailer that sorts first among those visible at `sequence`: seek with it.
inline uint64_t SeekTrailer(SequenceNumber sequence) {
  return sequence << 8 | 0xff;
}

std::string EncodeInternalKey(std::string_view engine_key, uint64_t trailer);
void AppendInternalKey(std::string_view engine_key, uint64_t trailer, std::string* out);
// True if the bytes can be taken apart by the functions below. For bytes that came from disk.
bool IsInternalKey(std::string_view internal_key);
inline std::string_view EngineKeyOf(std::string_view internal_key) {
  return internal_key.substr(0, internal_key.size() - kTrailerBytes);
}
inline uint64_t TrailerOf(std::string_view internal_key) {
  return base::LoadFixed64(internal_key.data() + internal_key.size() - kTrailerBytes);
}
inline SequenceNumber SequenceOf(std::string_view internal_key) {
  return TrailerOf(internal_key) >> 8;
}
inline Kind KindOf(std::string_view internal_key) {
  return static_cast<Kind>(TrailerOf(internal_key) & 0xff);
}
inline std::string_view InternalPrefixOf(std::string_view internal_key) {
  return PrefixOf(EngineKeyOf(internal_key));
}
int CompareInternalKeys(std::string_view a, std::string_view b);
// What sorts before and after every entry of `prefix`: seek with them.
std::string FirstInternalKey(std::string_view prefix);
std::string LastInternalKey(std::string_view prefix);

// --- user keys in the data keyspace ---

// The data key of a plain user key (what DB::Put takes): escaped if it begins with kReservedByte.
void AppendPlainKey(std::string_view user_key, std::string* out);
std::string EncodePlainKey(std::string_view user_key);
// The engine key, at version 0, of a plain user key; appended to `*out`.
void AppendPlainEngineKey(std::string_view user_key, std::string* out);
// The user key of a data key; nullopt for keys of the reserved area.
std::optional<std::string_view> DecodePlainKey(std::string_view data_key, std::string* scratch);
// The reserved area is [kReservedBegin, kReservedEnd) among data keys; plain keys lie on both
// sides.
extern const std::string_view kReservedBegin;
extern const std::string_view kReservedEnd;
// A data key in the reserved area: kReservedByte 0x00 | `area` | key.
std::string EncodeReservedKey(uint8_t area, std::string_view key);

}  // namespace nokv::keys
