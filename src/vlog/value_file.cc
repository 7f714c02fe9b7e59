#include "vlog/value_file.h"

#include <algorithm>

#include "base/atomic_max.h"
#include "base/crc32c.h"
#include "base/macros.h"
#include "base/prefetch.h"
#include "vlog/format.h"

namespace nokv::vlog {

namespace {
constexpr std::string_view kWayOut =
    "restore the file from a backup or a replica; nothing was changed";

// As DecodeHeader of vlog/format.h, for a segment of the log.
Result<ValueGroup> CheckSegment(std::string_view bytes, uint64_t number) {
  ASSIGN_OR_RETURN(const wal::SegmentHeader header, wal::DecodeSegmentHeader(bytes));
  if (header.segment == number) return ValueGroup();
  return Status::Corruption("the file holds segment " + std::to_string(header.segment));
}
}  // namespace

Result<std::shared_ptr<const ValueFile>> ValueFile::Open(vfs::FileSystem& fs,
                                                         const std::string& dir, ValueFileId id,
                                                         vfs::ReadMode mode) {
  const std::string path = vfs::JoinPath(dir, ValueFileName(id));
  ASSIGN_OR_RETURN(auto opened, fs.OpenRandom(path, mode));
  std::shared_ptr<ValueFile> file(new ValueFile(id, path, std::move(opened)));
  RETURN_IF_ERROR(file->ReadHeader().Prefixed(path));
  return std::shared_ptr<const ValueFile>(std::move(file));
}

Status ValueFile::ReadHeader() {
  const bool moved = id_.kind == ValueFileId::Kind::kMoved;
  char scratch[std::max<size_t>(kHeaderBytes, wal::kSegmentHeaderBytes)];
  std::string_view bytes;
  RETURN_IF_ERROR(file_->Read(0, moved ? kHeaderBytes : wal::kSegmentHeaderBytes, scratch, &bytes));
  const auto group = moved ? DecodeHeader(bytes, id_.number) : CheckSegment(bytes, id_.number);
  if (group.ok()) {
    group_ = *group;
    return Status::Ok();
  }
  const Status& status = group.status();
  if (status.code() == StatusCode::kUnimplemented) return status.WithErrorNumber(1305);
  return status.WithHint(kWayOut).WithErrorNumber(1306);
}

Status ValueFile::Damage(const ValuePointer& pointer, std::string_view what) const {
  return Status::Corruption(path_ + ": value of " + std::to_string(pointer.length) +
                            " bytes at offset " + std::to_string(pointer.offset) + ": " +
                            std::string(what))
      .WithHint(kWayOut)
      .WithErrorNumber(1306);
}

void ValueFile::ExtendTo(uint64_t end) const {
  base::AtomicMax(&values_end_, std::min(end, size()));
}

bool ValueFile::Known(const ValuePointer& pointer) const {
  const uint64_t end = values_end_.load(std::memory_order_relaxed);
  return pointer.offset <= end && pointer.length <= end - pointer.offset;
}

Status ValueFile::ReadBytes(const ValuePointer& pointer, std::string* scratch,
                            std::string_view* value) const {
  // Before anything is allocated: a pointer is only bytes from a disk.
  if (!Known(pointer)) return Damage(pointer, "it lies past the end of the values in this file");
  const std::string_view memory = file_->memory();
  if (!memory.empty()) {
    *value = memory.substr(pointer.offset, pointer.length);
    return Status::Ok();
  }
  scratch->resize(pointer.length);
  RETURN_IF_ERROR(file_->Read(pointer.offset, pointer.length, scratch->data(), value));
  if (value->size() != pointer.length) return Damage(pointer, "the file ends too early");
  return Status::Ok();
}

Status ValueFile::Read(const ValuePointer& pointer, std::string* scratch,
                       std::string_view* value) const {
  RETURN_IF_ERROR(ReadBytes(pointer, scratch, value));
  if (base::MaskCrc(base::Crc32c(*value)) != pointer.crc) {
    return Damage(pointer, "checksum mismatch");
  }
  return Status::Ok();
}

void ValueFile::Fetch(uint64_t offset, uint64_t length) const {
  const uint64_t end = values_end_.load(std::memory_order_relaxed);
  if (offset < end) file_->Prefetch(offset, std::min(length, end - offset));
}

void ValueFile::PrefetchPages(const ValuePointer& pointer) const {
  const std::string_view memory = file_->memory();
  if (memory.empty() || pointer.length == 0 || !Known(pointer)) return;
  base::Prefetch(memory.data() + pointer.offset);
  base::Prefetch(memory.data() + pointer.end() - 1);
}

void ValueFile::Prefetch(const ValuePointer& pointer) const {
  if (!Known(pointer)) return;
  constexpr uint64_t kLines = 16;
  const std::string_view memory = file_->memory();
  if (memory.empty()) return;
  base::PrefetchBytes(memory.substr(
      pointer.offset, std::min<uint64_t>(pointer.length, kLines * base::kCacheLineBytes)));
}

Result<std::shared_ptr<const ValueFile>> ValueFiles::Use(ValueFileId id) {
  base::MutexLock lock(mu_);
  std::weak_ptr<const ValueFile>& known = files_[id];
  auto file = known.lock();
  if (file != nullptr) return file;
  auto opened = ValueFile::Open(fs_, dir_, id, mode_);
  if (opened.ok()) {
    known = *opened;
  } else {
    files_.erase(id);  // it was never used
  }
  return opened;
}

std::set<ValueFileId> ValueFiles::InUse() const {
  base::MutexLock lock(mu_);
  std::set<ValueFileId> ids;
  for (const auto& [id, file] : files_) {
    if (!file.expired()) ids.insert(id);
  }
  return ids;
}

std::vector<ValueFileId> ValueFiles::TakeUnused() {
  base::MutexLock lock(mu_);
  std::vector<ValueFileId> ids;
  std::erase_if(files_, [&ids](const auto& entry) {
    if (!entry.second.expired()) return false;
    ids.push_back(entry.first);
    return true;
  });
  return ids;
}

}  // namespace nokv::vlog
