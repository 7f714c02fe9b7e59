#include "keys/keys.h"

namespace nokv::keys {

namespace {
// After the reserved byte: 0x00 opens the reserved area, 0x01 says "the reserved byte itself".
constexpr char kAreaMark = '\x00';
constexpr char kEscapeMark = '\x01';
constexpr char kReservedBeginBytes[] = {kReservedByte, kAreaMark};
constexpr char kReservedEndBytes[] = {kReservedByte, kEscapeMark};
}  // namespace

const std::string_view kReservedBegin(kReservedBeginBytes, 2);
const std::string_view kReservedEnd(kReservedEndBytes, 2);

namespace {
void AppendSuffix(uint64_t version, std::string* out) {
  char suffix[kSuffixBytes];
  base::StoreBigEndian64(suffix, ~version);
  out->append(suffix, kSuffixBytes);
}
}  // namespace

void AppendEngineKey(Keyspace keyspace, std::string_view key, uint64_t version, std::string* out) {
  out->push_back(static_cast<char>(keyspace));
  out->append(key);
  AppendSuffix(version, out);
}

std::string EncodeEngineKey(Keyspace keyspace, std::string_view key, uint64_t version) {
  std::string out;
  out.reserve(1 + key.size() + kSuffixBytes + kTrailerBytes);
  AppendEngineKey(keyspace, key, version, &out);
  return out;
}

std::string EncodePrefix(Keyspace keyspace, std::string_view key) {
  std::string out(1, static_cast<char>(keyspace));
  out.append(key);
  return out;
}

bool IsEngineKey(std::string_view engine_key) {
  if (engine_key.size() < 1 + kSuffixBytes) return false;
  const auto keyspace = static_cast<uint8_t>(engine_key[0]);
  return keyspace >= static_cast<uint8_t>(Keyspace::kData) &&
         keyspace <= static_cast<uint8_t>(Keyspace::kLocal);
}

int CompareEngineKeys(std::string_view a, std::string_view b) {
  const int prefix_order = PrefixOf(a).compare(PrefixOf(b));
  if (prefix_order != 0) return prefix_order;
  const uint64_t suffix_a = base::LoadBigEndian64(a.data() + a.size() - kSuffixBytes);
  const uint64_t suffix_b = base::LoadBigEndian64(b.data() + b.size() - kSuffixBytes);
  return suffix_a < suffix_b ? -1 : (suffix_a > suffix_b ? 1 : 0);
}

void AppendInternalKey(std::string_view engine_key, uint64_t trailer, std::string* out) {
  out->append(engine_key);
  base::PutFixed64(out, trailer);
}

std::string EncodeInternalKey(std::string_view engine_key, uint64_t trailer) {
  std::string out;
  out.reserve(engine_key.size() + kTrailerBytes);
  AppendInternalKey(engine_key, trailer, &out);
  return out;
}

bool IsInternalKey(std::string_view internal_key) {
  return internal_key.size() > kTrailerBytes && IsEngineKey(EngineKeyOf(internal_key)) &&
         (TrailerOf(internal_key) & 0xff) <= kMaxKind;
}

int CompareInternalKeys(std::string_view a, std::string_view b) {
  const int order = CompareEngineKeys(EngineKeyOf(a), EngineKeyOf(b));
  if (order != 0) return order;
  const uint64_t trailer_a = TrailerOf(a);
  const uint64_t trailer_b = TrailerOf(b);
  return trailer_a > trailer_b ? -1 : (trailer_a < trailer_b ? 1 : 0);
}

std::string FirstInternalKey(std::string_view prefix) {
  std::string key(prefix);
  key.append(kSuffixBytes, '\0');  // the newest version
  base::PutFixed64(&key, SeekTrailer(kMaxSequence));
  return key;
}

std::string LastInternalKey(std::string_view prefix) {
  std::string key(prefix);
  key.append(kSuffixBytes, '\xff');  // the oldest version
  base::PutFixed64(&key, 0);
  return key;
}

void AppendPlainKey(std::string_view user_key, std::string* out) {
  if (!user_key.empty() && user_key[0] == kReservedByte) {
    out->append(kReservedEnd);
    user_key.remove_prefix(1);
  }
  out->append(user_key);
}

std::string EncodePlainKey(std::string_view user_key) {
  std::string out;
  AppendPlainKey(user_key, &out);
  return out;
}

void AppendPlainEngineKey(std::string_view user_key, std::string* out) {
  out->push_back(static_cast<char>(Keyspace::kData));
  AppendPlainKey(user_key, out);
  AppendSuffix(0, out);
}

std::optional<std::string_view> DecodePlainKey(std::string_view data_key, std::string* scratch) {
  if (data_key.empty() || data_key[0] != kReservedByte) return data_key;
  if (data_key.size() < 2 || data_key[1] != kEscapeMark) return std::nullopt;
  scratch->assign(1, kReservedByte);
  scratch->append(data_key.substr(2));
  return std::string_view(*scratch);
}

std::string EncodeReservedKey(uint8_t area, std::string_view key) {
  std::string out(kReservedBegin);
  out.push_back(static_cast<char>(area));
  out.append(key);
  return out;
}

}  // namespace nokv::keys
