#include "bench/workload/record.h"

#include <algorithm>
#include <cstring>

namespace nokv::bench {

namespace {

constexpr size_t kDigits = 20;
constexpr std::string_view kPrefix = "user";
constexpr size_t kPieceBytes = 100;
constexpr size_t kPoolBytes = size_t{1} << 20;
constexpr size_t kCacheLine = 64;

// FNV-1a of the eight bytes of `value`.
uint64_t Fnv64(uint64_t value) {
  uint64_t hash = 0xcbf29ce484222325;
  for (int i = 0; i < 8; ++i, value >>= 8) hash = (hash ^ (value & 0xff)) * 0x100000001b3;
  return hash;
}

// As many bytes of the record's number as fit.
size_t StampBytes(uint64_t value_bytes) {
  return std::min<size_t>(sizeof(uint64_t), value_bytes);
}

}  // namespace

std::string_view OrderedKey(uint64_t record, KeyBuffer* buffer) {
  std::memcpy(buffer->data(), kPrefix.data(), kPrefix.size());
  char* digit = buffer->data() + kPrefix.size() + kDigits;
  for (size_t i = 0; i < kDigits; ++i, record /= 10) {
    *--digit = static_cast<char>('0' + record % 10);
  }
  return {buffer->data(), buffer->size()};
}

std::string_view HashedKey(uint64_t record, KeyBuffer* buffer) {
  return OrderedKey(Fnv64(record), buffer);
}

ValueMaker::ValueMaker(uint64_t seed, uint64_t value_bytes) : random_(seed) {
  pool_.reserve(kPoolBytes + value_bytes + kPieceBytes);
  while (pool_.size() < kPoolBytes + value_bytes) {
    std::string half(kPieceBytes / 2, '\0');
    for (char& c : half) c = static_cast<char>(' ' + random_.Uniform(95));
    pool_ += half + half;
  }
  value_.resize(value_bytes);
}

std::string_view ValueMaker::Make(uint64_t record) {
  std::memcpy(value_.data(), pool_.data() + random_.Uniform(kPoolBytes), value_.size());
  std::memcpy(value_.data(), &record, StampBytes(value_.size()));
  return value_;
}

void ValueCheck::Row(std::string_view key, std::string_view value) {
  lengths_right_ = lengths_right_ && value.size() == value_bytes_;
  uint64_t seen = static_cast<uint8_t>(key.back());
  for (size_t i = 0; i < value.size(); i += kCacheLine) seen += static_cast<uint8_t>(value[i]);
  // Nobody uses the sum; the compiler must not know.
  asm volatile("" : : "r"(seen));
  stamp_ = 0;
  std::memcpy(&stamp_, value.data(), StampBytes(value.size()));
}

bool ValueCheck::IsOf(uint64_t record) const {
  uint64_t stamp = 0;
  std::memcpy(&stamp, &record, StampBytes(value_bytes_));
  return stamp == stamp_;
}

}  // namespace nokv::bench
