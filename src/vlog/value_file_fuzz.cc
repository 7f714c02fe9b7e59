// Feeds arbitrary bytes to what reads values: a value file, or a log segment, of which nothing or
// only the header is sound, and pointers into it. No value that is shown may differ from what its
// checksum covers, and nothing outside the file is read.
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"
#include "base/crc32c.h"
#include "vfs/memory_fs.h"
#include "vlog/format.h"
#include "vlog/value_file.h"

namespace nokv::vlog {
namespace {

constexpr uint64_t kNumber = 7;

void CheckPointer(const ValueFile& file, ValuePointer pointer, std::string_view content) {
  std::string scratch;
  std::string_view value;
  file.Prefetch(pointer, /*cold=*/true);
  file.Prefetch(pointer, /*cold=*/false);
  if (!file.Read(pointer, &scratch, &value).ok()) {
    if (pointer.offset > content.size() || pointer.length > content.size() - pointer.offset) return;
    // The same place with the checksum that it has.
    pointer.crc = base::MaskCrc(base::Crc32c(content.substr(pointer.offset, pointer.length)));
    NOKV_CHECK(file.Read(pointer, &scratch, &value).ok());
  }
  NOKV_CHECK(value == content.substr(pointer.offset, pointer.length));
  NOKV_CHECK(base::MaskCrc(base::Crc32c(value)) == pointer.crc);
}

// `pointers` is read as pointers, whatever it is.
void RunOne(std::string_view content, std::string_view pointers, ValueFileId::Kind kind) {
  const ValueFileId id{kNumber, kind};
  const auto fs = vfs::NewMemoryFileSystem();
  NOKV_CHECK(fs->CreateDirs("/db").ok());
  NOKV_CHECK(vfs::WriteFileAtomically(*fs, "/db/" + ValueFileName(id), content).ok());
  const bool moved = kind == ValueFileId::Kind::kMoved;
  const auto file = ValueFile::Open(*fs, "/db", id, vfs::ReadMode::kMapped);
  NOKV_CHECK(!moved || file.ok() == CheckHeader(content, kNumber).ok());
  if (!file.ok()) return;
  (*file)->ExtendTo(content.size());
  ValuePointer pointer;
  while (GetPointer(&pointers, &pointer)) {
    char stored[kMaxPointerBytes];
    std::string_view again(stored, static_cast<size_t>(StorePointer(stored, pointer) - stored));
    ValuePointer decoded;
    NOKV_CHECK(GetPointer(&again, &decoded) && decoded == pointer && again.empty());
    pointer.file = id;
    CheckPointer(**file, pointer, content);
  }
}

}  // namespace
}  // namespace nokv::vlog

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using nokv::vlog::ValueFileId;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  nokv::vlog::RunOne(bytes, bytes, ValueFileId::Kind::kMoved);
  nokv::vlog::RunOne(bytes, bytes, ValueFileId::Kind::kSegment);
  // Behind a sound header.
  nokv::vlog::RunOne(nokv::vlog::EncodeHeader(nokv::vlog::kNumber, {}) + std::string(bytes), bytes,
                     ValueFileId::Kind::kMoved);
  return 0;
}
