#include "redis/layout.h"

#include "base/check.h"
#include "base/coding.h"
#include "keys/keys.h"

namespace nokv::redis {

namespace {

constexpr uint8_t kCountsArea = 0x20;
constexpr uint8_t kExpiryIndexArea = 0x21;
constexpr uint8_t kCursorArea = 0x22;
constexpr char kGenerationId = '\xff';
// Before the key of a reserved area: the mark of the reserved area and the area byte.
const size_t kAreaPrefixBytes = keys::kReservedBegin.size() + 1;

std::string ExpiryIndexPrefix(int db) {
  return keys::EncodeReservedKey(kExpiryIndexArea, std::string(1, static_cast<char>(db)));
}

}  // namespace

std::string DataKey(int db, std::string_view key) {
  return db == 0 ? keys::EncodePlainKey(key)
                 : keys::EncodeReservedKey(static_cast<uint8_t>(db), key);
}

bool IsKeyOfClients(std::string_view data_key) {
  if (!data_key.starts_with(keys::kReservedBegin) || data_key.size() < kAreaPrefixBytes)
    return true;
  return static_cast<uint8_t>(data_key[kAreaPrefixBytes - 1]) < kDatabases;
}

std::string_view UserKey(int db, std::string_view data_key, std::string* scratch) {
  if (db != 0) return data_key.substr(kAreaPrefixBytes);
  const auto key = keys::DecodePlainKey(data_key, scratch);
  NOKV_CHECK(key.has_value()) << "not a plain key";
  return *key;
}

std::vector<KeyRange> KeyRanges(int db) {
  if (db == 0) {
    return {{"", std::string(keys::kReservedBegin)}, {std::string(keys::kReservedEnd), ""}};
  }
  return {{keys::EncodeReservedKey(static_cast<uint8_t>(db), ""),
           keys::EncodeReservedKey(static_cast<uint8_t>(db + 1), "")}};
}

std::string CountsKey(int db) {
  return keys::EncodeReservedKey(kCountsArea, std::string(1, static_cast<char>(db)));
}

std::string GenerationKey() {
  return keys::EncodeReservedKey(kCountsArea, std::string(1, kGenerationId));
}

std::string CursorKey(uint16_t slot) {
  const char bytes[] = {static_cast<char>(slot >> 8), static_cast<char>(slot & 0xff)};
  return keys::EncodeReservedKey(kCursorArea, std::string_view(bytes, sizeof bytes));
}

std::string ExpiryIndexKey(int db, uint64_t expiry_ms, std::string_view key) {
  std::string out = ExpiryIndexPrefix(db);
  char time[8];
  base::StoreBigEndian64(time, expiry_ms);
  out.append(time, sizeof time);
  out.append(key);
  return out;
}

KeyRange ExpiryIndexRange(int db, uint64_t end_ms) {
  return {ExpiryIndexPrefix(db), ExpiryIndexKey(db, end_ms, "")};
}

KeyRange ExpiryIndexRange(int db) {
  return {ExpiryIndexPrefix(db), ExpiryIndexPrefix(db + 1)};
}

std::optional<ExpiryIndexEntry> ParseExpiryIndexKey(std::string_view data_key) {
  const size_t prefix = kAreaPrefixBytes + 1;
  if (data_key.size() < prefix + 8) return std::nullopt;
  return ExpiryIndexEntry{base::LoadBigEndian64(data_key.data() + prefix),
                          data_key.substr(prefix + 8)};
}

}  // namespace nokv::redis
