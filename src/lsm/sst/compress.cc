#include "lsm/sst/compress.h"

#include <lz4.h>
#include <zstd.h>

#include "base/coding.h"

namespace nokv::lsm::internal {

namespace {
constexpr int kZstdLevel = 3;
// The most that one stored byte can stand for: a length byte of an lz4 match; a zstd block of
// 128 KiB takes at least 4 bytes.
constexpr uint64_t kLz4MaxRatio = 255;
constexpr uint64_t kZstdMaxRatio = 32 << 10;
}  // namespace

bool AppendCompressed(Compression compression, std::string_view contents, size_t max_bytes,
                      std::string* out) {
  if (contents.size() > LZ4_MAX_INPUT_SIZE) return false;
  const size_t begin = out->size();
  base::PutVarint32(out, static_cast<uint32_t>(contents.size()));
  const size_t header = out->size() - begin;
  if (max_bytes <= header) return false;
  const size_t room = max_bytes - header;
  out->resize(begin + max_bytes);
  char* destination = out->data() + begin + header;
  size_t written = 0;
  if (compression == Compression::kLz4) {
    const int size = LZ4_compress_default(
        contents.data(), destination, static_cast<int>(contents.size()), static_cast<int>(room));
    if (size <= 0) return false;
    written = static_cast<size_t>(size);
  } else {
    written = ZSTD_compress(destination, room, contents.data(), contents.size(), kZstdLevel);
    if (ZSTD_isError(written)) return false;
  }
  out->resize(begin + header + written);
  return true;
}

bool Decompress(Compression compression, std::string_view stored, uint64_t max_bytes,
                std::string* contents) {
  uint32_t length = 0;
  if (!base::GetVarint32(&stored, &length) || length > max_bytes || stored.empty()) return false;
  const uint64_t ratio = compression == Compression::kLz4 ? kLz4MaxRatio : kZstdMaxRatio;
  if (length > stored.size() * ratio) return false;
  if (compression == Compression::kZstd &&
      ZSTD_getFrameContentSize(stored.data(), stored.size()) != length) {
    return false;
  }
  contents->resize(length);
  if (compression == Compression::kLz4) {
    return LZ4_decompress_safe(stored.data(), contents->data(), static_cast<int>(stored.size()),
                               static_cast<int>(length)) == static_cast<int>(length);
  }
  return ZSTD_decompress(contents->data(), length, stored.data(), stored.size()) == length;
}

}  // namespace nokv::lsm::internal
