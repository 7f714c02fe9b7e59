#include "lsm/sst/block.h"

#include <algorithm>

#include "base/coding.h"
#include "base/prefetch.h"

namespace nokv::lsm::internal {

void KeyBuffer::Grow(size_t keep, size_t needed) {
  const size_t capacity = std::max(needed, capacity_ * 2);
  auto memory = std::make_unique_for_overwrite<char[]>(capacity);
  std::memcpy(memory.get(), data_, keep);
  heap_ = std::move(memory);
  data_ = heap_.get();
  capacity_ = capacity;
}

bool BlockView::Init(std::string_view contents) {
  *this = BlockView();
  if (contents.size() < 2 * sizeof(uint32_t)) return false;
  const uint32_t count = base::LoadFixed32(contents.data() + contents.size() - sizeof(uint32_t));
  const size_t room = contents.size() / sizeof(uint32_t) - 1;
  if (count == 0 || count > room) return false;
  const size_t limit = contents.size() - (size_t{count} + 1) * sizeof(uint32_t);
  if (base::LoadFixed32(contents.data() + limit) != 0) return false;
  contents_ = contents;
  limit_ = limit;
  restarts_ = count;
  return true;
}

void BlockView::InitUnbounded(std::string_view contents) {
  contents_ = contents;
  limit_ = contents.size();
  restarts_ = 0;
}

const char* BlockView::DecodeLengths(size_t offset, uint32_t* shared, uint32_t* rest,
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

bool BlockView::RestartKey(uint32_t index, std::string_view* key) const {
  const size_t offset = RestartOffset(index);
  if (offset >= limit_) return false;
  uint32_t shared = 0, rest = 0, payload = 0;
  const char* bytes = DecodeLengths(offset, &shared, &rest, &payload);
  if (bytes == nullptr || shared != 0) return false;
  *key = {bytes, rest};
  return keys::IsInternalKey(*key);
}

RestartSearch::RestartSearch(const BlockView& block)
    : block_(block), damaged_(block.restarts() == 0) {
  if (damaged_) return;
  right_ = block.restarts() - 1;
  PrefetchMiddle();
}

void RestartSearch::PrefetchMiddle() const {
  const size_t offset = block_.RestartOffset(middle());
  if (offset < block_.limit()) base::Prefetch(block_.contents().data() + offset);
}

bool RestartSearch::Narrow(const SeekKey& target) {
  if (left_ == right_ || damaged_) return false;
  std::string_view key;
  if (!block_.RestartKey(middle(), &key)) {
    damaged_ = true;
    return false;
  }
  if (target.Compare(key) > 0) {
    left_ = middle();
  } else {
    right_ = middle() - 1;
  }
  PrefetchMiddle();
  return true;
}

bool BlockCursor::Init(std::string_view contents) {
  valid_ = damaged_ = false;
  if (!block_.Init(contents)) Damage();
  return !damaged_;
}

void BlockCursor::Damage() {
  damaged_ = true;
  valid_ = false;
}

void BlockCursor::Load(size_t offset) {
  current_ = offset;
  valid_ = false;
  if (offset >= block_.limit()) return;
  uint32_t shared = 0, rest = 0, payload = 0;
  const char* bytes = block_.DecodeLengths(offset, &shared, &rest, &payload);
  if (bytes == nullptr || shared > key_.size()) return Damage();
  key_.Assemble(shared, {bytes, rest});
  if (!keys::IsInternalKey(key_.view())) return Damage();
  payload_ = {bytes + rest, payload};
  next_ = static_cast<size_t>(bytes - block_.contents().data()) + rest + payload;
  valid_ = true;
}

void BlockCursor::LoadRestart(uint32_t index) {
  key_.Clear();
  const size_t offset = block_.RestartOffset(index);
  if (offset > block_.limit()) return Damage();
  Load(offset);
}

void BlockCursor::SeekToFirst() {
  if (!damaged_) LoadRestart(0);
}

void BlockCursor::SeekToLast() {
  if (damaged_) return;
  LoadRestart(block_.restarts() - 1);
  while (valid_ && next_ < block_.limit()) Load(next_);
}

void BlockCursor::Seek(const SeekKey& target) {
  if (damaged_) return;
  RestartSearch search(block_);
  while (search.Narrow(target)) continue;
  SeekFrom(search, target);
}

void BlockCursor::SeekFrom(const RestartSearch& search, const SeekKey& target) {
  block_ = search.block();
  valid_ = false;
  damaged_ = search.damaged();
  if (damaged_) return;
  LoadRestart(search.found());
  while (valid_ && target.Compare(key()) > 0) Load(next_);
}

void BlockCursor::SeekOn(std::string_view contents, size_t offset, const SeekKey& target) {
  if (!Init(contents)) return;
  if (offset >= block_.limit()) return Damage();
  key_.Clear();
  Load(offset);
  while (valid_ && target.Compare(key()) > 0) Load(next_);
}

bool BlockCursor::FindOn(std::string_view contents, size_t offset, const SeekKey& target) {
  block_.InitUnbounded(contents);
  key_.Clear();
  Load(offset);
  while (valid_ && target.Compare(key()) > 0) Load(next_);
  return valid_;
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
  uint32_t right = block_.restarts();
  while (left < right) {  // first restart point at or behind `end`
    const uint32_t middle = left + (right - left) / 2;
    if (block_.RestartOffset(middle) < end) {
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
