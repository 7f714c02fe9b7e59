#include "workload.h"

#include <cstdio>

#include "base/macros.h"
#include "base/random.h"

namespace nokv::crash {

namespace {

constexpr uint32_t kTrimEvery = 200;
constexpr uint32_t kKept = 400;
constexpr uint32_t kMaxValueBytes = 800;

std::string Prefix(uint32_t thread) {
  return "thread" + std::to_string(thread) + "/";
}

// Decimal, so wide that the order of texts is that of the numbers.
std::string Padded(uint32_t number) {
  const std::string digits = std::to_string(number);
  return std::string(10 - digits.size(), '0') + digits;
}

}  // namespace

Options SmallOptions() {
  Options options;
  options.memtable_bytes = 64 << 10;
  options.immutable_memtable_bytes = 256 << 10;
  options.log_segment_bytes = 128 << 10;
  options.table_bytes = 64 << 10;
  options.base_level_bytes = 256 << 10;
  options.block_cache_bytes = 1 << 20;
  return options;
}

std::string LastKey(uint32_t thread) {
  return Prefix(thread) + "last";
}
std::string LowKey(uint32_t thread) {
  return Prefix(thread) + "low";
}

std::string BatchPrefix(uint32_t thread, uint32_t batch) {
  return Prefix(thread) + "batch/" + Padded(batch) + "/";
}

uint32_t EntryCount(uint32_t batch) {
  return batch % 5;
}

std::string EntryKey(uint32_t thread, uint32_t batch, uint32_t entry) {
  return BatchPrefix(thread, batch) + std::to_string(entry);
}

std::string EntryValue(uint32_t thread, uint32_t batch, uint32_t entry) {
  base::Random random(base::MixSeed(uint64_t{thread} << 40 | uint64_t{batch} << 8 | entry));
  std::string value(1 + random.Uniform(kMaxValueBytes), '\0');
  for (char& byte : value) byte = static_cast<char>(random.Next());
  return value;
}

uint32_t TrimmedTo(uint32_t batch) {
  return batch % kTrimEvery == 0 && batch > kKept ? batch - kKept : 0;
}

Result<uint32_t> ReadNumber(DB& db, const std::string& key) {
  ASSIGN_OR_RETURN(const auto value, db.Get({}, key));
  if (!value.has_value()) return uint32_t{0};
  return static_cast<uint32_t>(std::stoul(value->data));
}

}  // namespace nokv::crash
