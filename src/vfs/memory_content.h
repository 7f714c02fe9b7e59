// Bytes that are cheap to copy: a copy shares its blocks with the original until one of them writes
// to a block (copy on write). Blocks that were never written are zeros and take no space.
//
// Thread safety: thread-compatible; copies may be used by different threads.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace nokv::vfs {

class Content {
 public:
  Content() = default;
  explicit Content(std::string_view bytes) { Write(0, bytes); }

  uint64_t size() const { return size_; }
  // Copies up to `length` bytes at `offset` to `out`; returns how many there were.
  size_t Read(uint64_t offset, size_t length, char* out) const;
  std::string ToString() const;
  // Writes `bytes` at `offset`, growing as needed; a gap reads as zeros.
  void Write(uint64_t offset, std::string_view bytes);
  // Cuts, or grows with zeros.
  void Resize(uint64_t size);

 private:
  static constexpr size_t kBlockBytes = 16 << 10;
  using Block = std::array<char, kBlockBytes>;
  using Blocks = std::vector<std::shared_ptr<Block>>;  // null: a block of zeros

  // The list of blocks, or one block, owned by nobody else.
  Blocks& OwnBlocks();
  Block& OwnBlock(size_t index);

  uint64_t size_ = 0;
  std::shared_ptr<Blocks> blocks_;  // null: no blocks; bytes at and after size_ are zero
};

}  // namespace nokv::vfs
