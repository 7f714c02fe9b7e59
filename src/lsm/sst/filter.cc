#include "lsm/sst/filter.h"

#include <algorithm>
#include <cstring>

#include "base/prefetch.h"

namespace nokv::lsm::internal {

namespace {

constexpr size_t kLineBytes = 64;
constexpr uint64_t kLineBits = kLineBytes * 8;
constexpr int kMaxProbes = 30;

// The high half of a hash picks the line, the low half the bits in it.
size_t LineOf(uint64_t hash, size_t lines) {
  return static_cast<size_t>(((hash >> 32) * lines) >> 32);
}

// Calls `probe` with each bit number (0 to 511) for a hash, until it returns false.
template <typename Probe>
bool ForEachBit(uint64_t hash, int probes, Probe probe) {
  auto bits = static_cast<uint32_t>(hash);
  const uint32_t step = (bits >> 17 | bits << 15) | 1;
  for (int i = 0; i < probes; i++) {
    // The top nine bits of a multiplicative mix: plain double hashing modulo 512 repeats itself.
    if (!probe((bits * 0x9e3779b9U) >> 23)) return false;
    bits += step;
  }
  return true;
}

int ProbesFor(int bits_per_key) {
  // ln 2 per bit is best for a plain Bloom filter; within a line a little less is.
  return std::clamp(bits_per_key * 6 / 10, 1, kMaxProbes);
}

}  // namespace

bool FilterBuilder::AddPrefix(std::string_view prefix) {
  if (!hashes_.empty() && prefix == last_prefix_) return false;
  last_prefix_.assign(prefix);
  hashes_.push_back(base::Hash64(prefix));
  return true;
}

std::string FilterBuilder::Finish() const {
  if (hashes_.empty() || bits_per_key_ <= 0) return {};
  const uint64_t bits = hashes_.size() * static_cast<uint64_t>(bits_per_key_);
  const size_t lines = static_cast<size_t>((bits + kLineBits - 1) / kLineBits);
  const int probes = ProbesFor(bits_per_key_);
  std::string out;
  out.reserve(lines * kLineBytes + 1);
  out.resize(lines * kLineBytes);
  for (const uint64_t hash : hashes_) {
    char* line = out.data() + LineOf(hash, lines) * kLineBytes;
    ForEachBit(hash, probes, [line](uint32_t bit) {
      line[bit / 8] = static_cast<char>(static_cast<uint8_t>(line[bit / 8]) | 1U << bit % 8);
      return true;
    });
  }
  out.push_back(static_cast<char>(probes));
  return out;
}

bool Filter::Init(std::string_view contents) {
  if (contents.size() < kLineBytes + 1 || contents.size() % kLineBytes != 1) return false;
  probes_ = static_cast<uint8_t>(contents.back());
  if (probes_ < 1 || probes_ > kMaxProbes) return false;
  lines_.resize(contents.size() / kLineBytes);
  std::memcpy(lines_.data(), contents.data(), contents.size() - 1);
  return true;
}

void Filter::Prefetch(uint64_t hash) const {
  if (!lines_.empty()) base::Prefetch(&lines_[LineOf(hash, lines_.size())]);
}

bool Filter::MayContain(uint64_t hash) const {
  if (lines_.empty()) return true;
  const Line& line = lines_[LineOf(hash, lines_.size())];
  // Bit b of the stored bytes is bit b % 64 of little-endian word b / 64.
  return ForEachBit(hash, probes_, [&line](uint32_t bit) {
    return (line.words[bit / 64] >> (bit % 64) & 1) != 0;
  });
}

}  // namespace nokv::lsm::internal
