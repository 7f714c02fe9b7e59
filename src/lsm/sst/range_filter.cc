#include "lsm/sst/range_filter.h"

#include <algorithm>
#include <bit>
#include <utility>

#include "base/check.h"
#include "base/coding.h"

namespace nokv::lsm::internal {

namespace {

constexpr int kCellBits = 16;
// Of a key at most so many bytes behind what all of its block begin with are looked at.
constexpr size_t kMaxDigits = 24;
constexpr size_t kMaxCommon = UINT8_MAX;

// What is known of a block beside its cells.
struct Header {
  uint64_t first = 0;      // its first key as a number
  uint32_t cells_end = 0;  // how many cells it and those before have
  uint8_t common = 0;      // bytes that all keys begin with
  uint8_t least = 0;       // of the bytes behind those
  uint8_t greatest = 0;
  uint8_t shift = 0;  // from a distance to its cell

  static Header Load(const char* bytes) {
    Header header;
    header.first = base::LoadFixed64(bytes);
    header.cells_end = base::LoadFixed32(bytes + 8);
    header.common = static_cast<uint8_t>(bytes[12]);
    header.least = static_cast<uint8_t>(bytes[13]);
    header.greatest = static_cast<uint8_t>(bytes[14]);
    header.shift = static_cast<uint8_t>(bytes[15]);
    return header;
  }
  void AppendTo(std::string* out) const {
    base::PutFixed64(out, first);
    base::PutFixed32(out, cells_end);
    for (const uint8_t byte : {common, least, greatest, shift}) {
      out->push_back(static_cast<char>(byte));
    }
  }
};

// A key, without what it shares with the block, as a number that grows with it. Its digits are 0
// for the end of the key and 1 and more for the bytes of the block; what is below or above those
// stands for the smallest or largest number from there on.
struct Number {
  uint64_t value = 0;
  bool exact = true;  // any key of the block that is less has a lower number
};

Number NumberOf(std::string_view rest, const Header& header) {
  const uint64_t base = uint64_t{header.greatest} - header.least + 2;
  const uint64_t most = UINT64_MAX / 2 / base;
  Number number;
  uint64_t numbers = 1;  // that so many digits can make
  uint64_t filler = 0;
  size_t digits = 0;
  for (; digits < kMaxDigits && numbers <= most; digits++, numbers *= base) {
    uint64_t digit = filler;
    if (number.exact && digits < rest.size()) {
      const auto byte = static_cast<uint8_t>(rest[digits]);
      number.exact = byte >= header.least && byte <= header.greatest;
      if (byte > header.greatest) filler = base - 1;
      digit = number.exact ? uint64_t{byte} - header.least + 1 : filler;
    }
    number.value = number.value * base + digit;
  }
  number.exact = number.exact && rest.size() <= digits;
  return number;
}

size_t SharedBytes(std::string_view a, std::string_view b) {
  const auto differ = std::mismatch(a.begin(), a.end(), b.begin(), b.end());
  return static_cast<size_t>(differ.first - a.begin());
}

}  // namespace

std::string_view RangeFilterBuilder::PrefixAt(size_t i) const {
  const size_t begin = i == 0 ? 0 : ends_[i - 1];
  return std::string_view(bytes_).substr(begin, ends_[i] - begin);
}

void RangeFilterBuilder::AddPrefix(std::string_view prefix) {
  if (!ends_.empty() && PrefixAt(ends_.size() - 1) == prefix) return;
  bytes_.append(prefix);
  ends_.push_back(bytes_.size());
}

void RangeFilterBuilder::EndBlock() {
  NOKV_CHECK(!ends_.empty()) << "no block is empty";
  const std::string_view first = PrefixAt(0);
  const std::string_view last = PrefixAt(ends_.size() - 1);
  Header header;
  header.common = static_cast<uint8_t>(std::min(SharedBytes(first, last), kMaxCommon));
  header.least = UINT8_MAX;
  for (size_t i = 0; i < ends_.size(); i++) {
    for (const char byte : PrefixAt(i).substr(header.common)) {
      header.least = std::min(header.least, static_cast<uint8_t>(byte));
      header.greatest = std::max(header.greatest, static_cast<uint8_t>(byte));
    }
  }
  header.least = std::min(header.least, header.greatest);
  const auto number = [&](std::string_view prefix) {
    return NumberOf(prefix.substr(header.common), header).value;
  };
  header.first = number(first);
  const int bits = static_cast<int>(std::bit_width(number(last) - header.first));
  header.shift = static_cast<uint8_t>(std::max(bits - kCellBits, 0));
  uint64_t cell_before = UINT64_MAX;
  for (size_t i = 0; i < ends_.size(); i++) {
    const uint64_t cell = (number(PrefixAt(i)) - header.first) >> header.shift;
    if (cell == cell_before) continue;
    cell_before = cell;
    cells_.push_back(static_cast<char>(cell & 0xff));
    cells_.push_back(static_cast<char>(cell >> 8));
  }
  header.cells_end = static_cast<uint32_t>(cells_.size() / RangeFilter::kCellBytes);
  header.AppendTo(&headers_);
  bytes_.clear();
  ends_.clear();
}

std::string RangeFilterBuilder::Finish() {
  headers_.append(cells_);
  return std::move(headers_);
}

bool RangeFilter::Init(std::string contents, size_t blocks) {
  if (blocks == 0 || contents.size() / kHeaderBytes < blocks) return false;
  const size_t cells = (contents.size() - blocks * kHeaderBytes) / kCellBytes;
  uint32_t before = 0;
  for (size_t block = 0; block < blocks; block++) {
    const Header header = Header::Load(contents.data() + block * kHeaderBytes);
    if (header.cells_end <= before || header.least > header.greatest ||
        header.shift > 64 - kCellBits) {
      return false;
    }
    before = header.cells_end;
  }
  if (before != cells || contents.size() % kCellBytes != 0) return false;
  contents_ = std::move(contents);
  blocks_ = blocks;
  return true;
}

bool RangeFilter::MayHold(size_t block, std::string_view last, std::string_view begin,
                          std::string_view end) const {
  if (empty() || end > last) return true;
  const Header header = Header::Load(contents_.data() + block * kHeaderBytes);
  const std::string_view common = last.substr(0, header.common);
  // Not behind the last and not like it: before the first.
  if (!end.starts_with(common)) return false;
  const Number behind = NumberOf(end.substr(common.size()), header);
  if (behind.value < header.first + (behind.exact ? 1 : 0)) return false;
  const uint64_t high = (behind.value - (behind.exact ? 1 : 0) - header.first) >> header.shift;
  uint64_t low = 0;
  if (begin.starts_with(common)) {
    const uint64_t value = NumberOf(begin.substr(common.size()), header).value;
    low = (std::max(value, header.first) - header.first) >> header.shift;
  }
  const char* const cells = contents_.data() + blocks_ * kHeaderBytes;
  size_t left = 0;
  if (block > 0) left = Header::Load(contents_.data() + (block - 1) * kHeaderBytes).cells_end;
  size_t right = header.cells_end;
  const auto cell = [&](size_t at) {
    const char* const bytes = cells + at * kCellBytes;
    return uint64_t{static_cast<uint8_t>(bytes[0])} | uint64_t{static_cast<uint8_t>(bytes[1])} << 8;
  };
  const size_t behind_all = right;
  while (left < right) {  // the first cell that is not before `low`
    const size_t middle = left + (right - left) / 2;
    if (cell(middle) < low) {
      left = middle + 1;
    } else {
      right = middle;
    }
  }
  return left < behind_all && cell(left) <= high;
}

}  // namespace nokv::lsm::internal
