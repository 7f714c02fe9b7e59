#include "vfs/memory_content.h"

#include <algorithm>
#include <cstring>

namespace nokv::vfs {

size_t Content::Read(uint64_t offset, size_t length, char* out) const {
  if (offset >= size_) return 0;
  length = static_cast<size_t>(std::min<uint64_t>(length, size_ - offset));
  for (size_t done = 0; done < length;) {
    const size_t start = (offset + done) % kBlockBytes;
    const size_t count = std::min(length - done, kBlockBytes - start);
    const std::shared_ptr<Block>& block = (*blocks_)[(offset + done) / kBlockBytes];
    if (block == nullptr) {
      std::memset(out + done, 0, count);
    } else {
      std::memcpy(out + done, block->data() + start, count);
    }
    done += count;
  }
  return length;
}

std::string Content::ToString() const {
  std::string bytes(size_, '\0');
  Read(0, bytes.size(), bytes.data());
  return bytes;
}

void Content::Write(uint64_t offset, std::string_view bytes) {
  if (bytes.empty()) return;
  if (offset + bytes.size() > size_) Resize(offset + bytes.size());
  for (size_t done = 0; done < bytes.size();) {
    const size_t start = (offset + done) % kBlockBytes;
    const size_t count = std::min(bytes.size() - done, kBlockBytes - start);
    Block& block = OwnBlock((offset + done) / kBlockBytes);
    std::memcpy(block.data() + start, bytes.data() + done, count);
    done += count;
  }
}

void Content::Resize(uint64_t size) {
  const size_t blocks = (size + kBlockBytes - 1) / kBlockBytes;
  if (blocks != (size_ + kBlockBytes - 1) / kBlockBytes) OwnBlocks().resize(blocks);
  const size_t tail = size % kBlockBytes;
  if (size < size_ && tail != 0 && (*blocks_)[blocks - 1] != nullptr) {
    Block& last = OwnBlock(blocks - 1);
    std::memset(last.data() + tail, 0, kBlockBytes - tail);
  }
  size_ = size;
}

Content::Blocks& Content::OwnBlocks() {
  if (blocks_ == nullptr) {
    blocks_ = std::make_shared<Blocks>();
  } else if (blocks_.use_count() > 1) {
    blocks_ = std::make_shared<Blocks>(*blocks_);
  }
  return *blocks_;
}

Content::Block& Content::OwnBlock(size_t index) {
  std::shared_ptr<Block>& block = OwnBlocks()[index];
  if (block == nullptr) {
    block = std::make_shared<Block>();
    block->fill('\0');
  } else if (block.use_count() > 1) {
    block = std::make_shared<Block>(*block);
  }
  return *block;
}

}  // namespace nokv::vfs
