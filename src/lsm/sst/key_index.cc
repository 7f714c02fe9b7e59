#include "lsm/sst/key_index.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "base/check.h"
#include "base/coding.h"

namespace nokv::lsm::internal {

namespace {

constexpr size_t kLineBytes = 64;
// A line: slots, how many of them are taken, and whether a prefix that belongs here went on to the
// next line because they all are.
constexpr size_t kSlotBytes = 5;
constexpr size_t kSlots = 12;
constexpr size_t kCountAt = kSlots * kSlotBytes;
constexpr size_t kWentOnAt = kCountAt + 1;
// Of ten lines' worth of slots eight and a half are taken: then one line in ten has one that went
// on.
constexpr size_t kPrefixesPerTenLines = 102;
// A slot: block, offset and, in the bits that are left, the low ones of the hash.
constexpr int kSlotBits = 8 * kSlotBytes;
constexpr int kLeastFingerprintBits = 10;

uint64_t LowBits(uint64_t value, int bits) {
  return value & ((uint64_t{1} << bits) - 1);
}

// Reads three bytes more than the slot has, all of them in the line.
uint64_t LoadSlot(const char* line, size_t slot) {
  return LowBits(base::LoadFixed64(line + slot * kSlotBytes), kSlotBits);
}

void StoreSlot(char* line, size_t slot, uint64_t value) {
  char bytes[sizeof value];
  base::StoreFixed64(bytes, value);
  std::memcpy(line + slot * kSlotBytes, bytes, kSlotBytes);
}

// Into the first line with a free slot, from `line` on. REQUIRES: there is one.
void Insert(std::string* lines, size_t line, uint64_t value) {
  for (;; line = (line + 1) * kLineBytes % lines->size() / kLineBytes) {
    char* bytes = lines->data() + line * kLineBytes;
    const auto count = static_cast<size_t>(static_cast<uint8_t>(bytes[kCountAt]));
    if (count == kSlots) {
      bytes[kWentOnAt] = 1;
      continue;
    }
    StoreSlot(bytes, count, value);
    bytes[kCountAt]++;
    return;
  }
}

}  // namespace

void KeyIndexBuilder::Add(KeyPlace place) {
  block_begins_.resize(place.block + 1, static_cast<uint32_t>(offsets_.size()));
  offsets_.push_back(place.offset);
  farthest_ = std::max(farthest_, place.offset);
}

std::string KeyIndexBuilder::Finish(PrefixHashes* hashes) {
  NOKV_CHECK(hashes->size() == offsets_.size()) << "as many prefixes as places";
  if (hashes->empty()) return {};
  const int offset_bits = std::bit_width(farthest_);
  const int block_bits = std::bit_width(block_begins_.size() - 1);
  const int fingerprint_bits = kSlotBits - offset_bits - block_bits;
  if (fingerprint_bits < kLeastFingerprintBits) return {};
  const size_t lines = hashes->size() * 10 / kPrefixesPerTenLines + 1;
  std::string out;
  out.reserve(lines * kLineBytes + 2);
  out.resize(lines * kLineBytes);
  uint64_t block = 0;
  for (uint32_t i = 0; !hashes->empty(); i++) {
    while (block + 1 < block_begins_.size() && block_begins_[block + 1] <= i) block++;
    const uint64_t hash = hashes->front();
    const uint64_t place = block << offset_bits | offsets_.front();
    Insert(&out, static_cast<size_t>(((hash >> 32) * lines) >> 32),
           place << fingerprint_bits | LowBits(hash, fingerprint_bits));
    hashes->pop_front();
    offsets_.pop_front();
  }
  out.push_back(static_cast<char>(block_bits));
  out.push_back(static_cast<char>(offset_bits));
  return out;
}

bool KeyIndex::Init(std::string_view contents) {
  if (contents.size() < kLineBytes + 2 || contents.size() % kLineBytes != 2) return false;
  const int block_bits = static_cast<uint8_t>(contents[contents.size() - 2]);
  const int offset_bits = static_cast<uint8_t>(contents.back());
  const int most = kSlotBits - kLeastFingerprintBits;
  if (block_bits > most || offset_bits > most - block_bits) return false;
  block_bits_ = block_bits;
  offset_bits_ = offset_bits;
  lines_.resize(contents.size() / kLineBytes);
  std::memcpy(lines_.data(), contents.data(), contents.size() - 2);
  return true;
}

KeyIndex::Answer KeyIndex::Find(uint64_t hash, KeyPlace* place) const {
  const int fingerprint_bits = kSlotBits - block_bits_ - offset_bits_;
  const uint64_t fingerprint = LowBits(hash, fingerprint_bits);
  size_t matches = 0;
  uint64_t match = 0;
  size_t at = LineOf(hash);
  for (size_t seen = 0; seen < lines_.size(); seen++) {
    const char* line = lines_[at].bytes;
    const size_t count = std::min<size_t>(static_cast<uint8_t>(line[kCountAt]), kSlots);
    for (size_t slot = 0; slot < count; slot++) {
      const uint64_t value = LoadSlot(line, slot);
      if (LowBits(value, fingerprint_bits) != fingerprint) continue;
      match = value >> fingerprint_bits;
      matches++;
    }
    if (line[kWentOnAt] == 0) break;
    if (++at == lines_.size()) at = 0;
  }
  if (matches == 0) return Answer::kAbsent;
  if (matches > 1) return Answer::kAmbiguous;
  place->block = static_cast<uint32_t>(match >> offset_bits_);
  place->offset = static_cast<uint32_t>(LowBits(match, offset_bits_));
  return Answer::kPlace;
}

}  // namespace nokv::lsm::internal
