// BlockCursor: a cursor over the content of one block; RestartSearch: the first part of a search in
// one, in steps. Internal to lsm/sst.
//
// The bytes have passed their checksum, yet every length and key is checked again before it is
// used: a damaged block makes the cursor invalid and damaged(), never a wild read.
//
// Thread safety: thread-compatible.
#pragma once

#include <cstdint>
#include <cstring>
#include <memory>
#include <string_view>

#include "lsm/seek_key.h"

namespace nokv::lsm::internal {

// A key under assembly; keys of ordinary length take no allocation.
class KeyBuffer {
 public:
  KeyBuffer() = default;
  KeyBuffer(const KeyBuffer&) = delete;
  KeyBuffer& operator=(const KeyBuffer&) = delete;

  // Keeps the first `shared` bytes and appends `rest`. REQUIRES: shared <= view().size().
  void Assemble(size_t shared, std::string_view rest) {
    if (shared + rest.size() > capacity_) Grow(shared, shared + rest.size());
    std::memcpy(data_ + shared, rest.data(), rest.size());
    size_ = shared + rest.size();
  }
  void Clear() { size_ = 0; }
  std::string_view view() const { return {data_, size_}; }
  size_t size() const { return size_; }

 private:
  static constexpr size_t kInlineBytes = 128;

  void Grow(size_t keep, size_t needed);

  char inline_[kInlineBytes];
  std::unique_ptr<char[]> heap_;
  char* data_ = inline_;
  size_t size_ = 0;
  size_t capacity_ = kInlineBytes;
};

// Where the parts of a block are. It borrows the bytes.
class BlockView {
 public:
  // False if there is no sound restart array: then it is empty.
  bool Init(std::string_view contents);
  // With everything taken for entries, and no restart points: what is read behind the last entry is
  // none.
  void InitUnbounded(std::string_view contents);

  std::string_view contents() const { return contents_; }
  size_t limit() const { return limit_; }  // where entries end and the restart array begins
  uint32_t restarts() const { return restarts_; }
  uint32_t RestartOffset(uint32_t index) const {
    return base::LoadFixed32(contents_.data() + limit_ + index * sizeof(uint32_t));
  }
  // The key stored whole at a restart point; false if it is damaged.
  bool RestartKey(uint32_t index, std::string_view* key) const;
  // Reads the lengths of the entry at `offset`; nullptr if it does not fit.
  const char* DecodeLengths(size_t offset, uint32_t* shared, uint32_t* rest,
                            uint32_t* payload) const;

 private:
  std::string_view contents_;
  size_t limit_ = 0;
  uint32_t restarts_ = 0;
};

// Finds the last restart point whose key sorts before the target; the first of all if none does.
// After each step the processor fetches what the next one looks at, so that several searches that
// are taken in turns wait for memory together.
class RestartSearch {
 public:
  RestartSearch() = default;
  // Of an empty block: damaged().
  explicit RestartSearch(const BlockView& block);

  // Halves what is left; false if nothing was left to do, or if there is damage.
  bool Narrow(const SeekKey& target);
  const BlockView& block() const { return block_; }
  bool damaged() const { return damaged_; }
  uint32_t found() const { return left_; }

 private:
  uint32_t middle() const { return left_ + (right_ - left_ + 1) / 2; }
  void PrefetchMiddle() const;

  BlockView block_;
  uint32_t left_ = 0;
  uint32_t right_ = 0;
  bool damaged_ = true;
};

class BlockCursor {
 public:
  BlockCursor() = default;

  // To before the first entry of `contents`, which is borrowed. False (and damaged) if there is no
  // sound restart array.
  bool Init(std::string_view contents);

  bool Valid() const { return valid_; }
  bool damaged() const { return damaged_; }
  std::string_view key() const { return key_.view(); }
  std::string_view payload() const { return payload_; }

  void SeekToFirst();
  void SeekToLast();
  void Seek(const SeekKey& target);
  // As Init and Seek, from the end of a search of the block for `target`.
  void SeekFrom(const RestartSearch& search, const SeekKey& target);
  // As Init and Seek, but only among the entries from the restart point at `offset` on.
  void SeekOn(std::string_view contents, size_t offset, const SeekKey& target);
  // As SeekOn, if that comes to an entry of the target's engine key; what it finds otherwise need
  // not be an entry. It does not look where the entries end: most lookups would wait for that line
  // of memory alone. False if there is nothing.
  bool FindOn(std::string_view contents, size_t offset, const SeekKey& target);
  void SeekForPrev(const SeekKey& target);
  // REQUIRES for both: Valid().
  void Next();
  void Prev();

 private:
  // Makes the entry at `offset` current; the key before it must be in key_ unless `offset` is a
  // restart point. At the end of the entries the cursor becomes invalid.
  void Load(size_t offset);
  void LoadRestart(uint32_t index);
  void Damage();

  BlockView block_;
  size_t current_ = 0;  // offset of the current entry
  size_t next_ = 0;     // offset of the one behind it
  KeyBuffer key_;
  std::string_view payload_;
  bool valid_ = false;
  bool damaged_ = false;
};

}  // namespace nokv::lsm::internal
