#include "lsm/sst/block.h"

#include <algorithm>

#include "base/coding.h"

namespace nokv::lsm::internal {

void KeyBuffer::Grow(size_t keep, size_t needed) {
  const size_t capacity = std::max(needed, capacity_ * 2);
  auto memory = std::make_unique_for_overwrite<char[]>(capacity);
  std::memcpy(memory.get(), data_, keep);
  heap_ = std::move(memory);
  data_ = heap_.get();
  capacity_ = capacity;
}

bool BlockCursor::Init(std::string_view contents) {
  contents_ = contents;
  valid_ = damaged_ = false;
  restarts_ = 0;
  limit_ = 0;
  if (contents.size() < 2 * sizeof(uint32_t)) return Damage(), false;
  const uint32_t count = base::LoadFixed32(contents.data() + contents.size() - sizeof(uint32_t));
  const size_t room = contents.size() / sizeof(uint32_t) - 1;
  if (count == 0 || count > room) return Damage(), false;
  limit_ = contents.size() - (size_t{count} + 1) * sizeof(uint32_t);
  restarts_ = count;
  if (RestartOffset(0) != 0) return Damage(), false;
  return true;
}

void BlockCursor::Damage() {
  damaged_ = true;
  valid_ = false;
}

const char* BlockCursor::DecodeLengths(size_t offset, uint32_t* shared, uint32_t* rest,
                                       uint32_t* payload) const {
  std::string_view in = contents_.substr(offset, limit_ - offset);
  if (in.size() < 3) return nullptr;
  const auto* p = reinterpret_cast<const uint8_t*>(in.data());
  if ((p[0] | p[1] | p[2]) < 0x80) {  // all three in one byte each: the common case
    *shared = p[0];
    *rest = p[1];
    *payload = p[2];
    in.remove_prefix(3);
  } else if (!base::GetVarint32(&in, shared) || !base::GetVarint32(&in, rest) ||
             !base::GetVarint32(&in, payload)) {
    return nullptr;
  }
  return uint64_t{*rest} + *payload <= in.size() ? in.data() : nullptr;
}

bool BlockCursor::RestartKey(uint32_t index, std::string_view* key) const {
  const size_t offset = RestartOffset(index);
  if (offset >= limit_) return false;
  uint32_t shared = 0, rest = 0, payload = 0;
  const char* bytes = DecodeLengths(offset, &shared, &rest, &payload);
  if (bytes == nullptr || shared != 0) return false;
  *key = {bytes, rest};
  return keys::IsInternalKey(*key);
}

void BlockCursor::Load(size_t offset) {
  current_ = offset;
  valid_ = false;
  if (offset >= limit_) return;
  uint32_t shared = 0, rest = 0, payload = 0;
  const char* bytes = DecodeLengths(offset, &shared, &rest, &payload);
  if (bytes == nullptr || shared > key_.size()) return Damage();
  key_.Assemble(shared, {bytes, rest});
  if (!keys::IsInternalKey(key_.view())) return Damage();
  payload_ = {bytes + rest, payload};
  next_ = static_cast<size_t>(bytes - contents_.data()) + rest + payload;
  valid_ = true;
}

void BlockCursor::LoadRestart(uint32_t index) {
  key_.Clear();
  const size_t offset = RestartOffset(index);
  if (offset > limit_) return Damage();
  Load(offset);
}

void BlockCursor::SeekToFirst() {
  if (!damaged_) LoadRestart(0);
}

void BlockCursor::SeekToLast() {
  if (damaged_) return;
  LoadRestart(restarts_ - 1);
  while (valid_ && next_ < limit_) Load(next_);
}

bool BlockCursor::FindRestart(const SeekKey& target, uint32_t* index) {
  uint32_t left = 0;
  uint32_t right = restarts_ - 1;
  while (left < right) {
    const uint32_t middle = left + (right - left + 1) / 2;
    std::string_view key;
    if (!RestartKey(middle, &key)) return Damage(), false;
    if (target.Compare(key) > 0) {
      left = middle;
    } else {
      right = middle - 1;
    }
  }
  *index = left;
  return true;
}

void BlockCursor::Seek(const SeekKey& target) {
  uint32_t index = 0;
  if (damaged_ || !FindRestart(target, &index)) return;
  LoadRestart(index);
  while (valid_ && target.Compare(key()) > 0) Load(next_);
}

void BlockCursor::SeekForPrev(const SeekKey& target) {
  Seek(target);
  if (damaged_) return;
  if (!valid_) {
    SeekToLast();
  } else if (target.Compare(key()) != 0) {
    Prev();
  }
}

void BlockCursor::Next() {
  Load(next_);
}

void BlockCursor::Prev() {
  // From the last restart point before the current entry, forward to the entry in front of it.
  const size_t end = current_;
  uint32_t left = 0;
  uint32_t right = restarts_;
  while (left < right) {  // first restart point at or behind `end`
    const uint32_t middle = left + (right - left) / 2;
    if (RestartOffset(middle) < end) {
      left = middle + 1;
    } else {
      right = middle;
    }
  }
  if (left == 0) {
    valid_ = false;
    return;
  }
  LoadRestart(left - 1);
  while (valid_ && next_ < end) Load(next_);
}

}  // namespace nokv::lsm::internal
