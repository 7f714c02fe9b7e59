#include "vlog/value_file.h"

#include "base/crc32c.h"
#include "base/macros.h"

namespace nokv::vlog {

namespace {
constexpr std::string_view kWayOut =
    "restore the file from a backup or a replica; nothing was changed";
}  // namespace

Result<std::shared_ptr<const ValueFile>> ValueFile::Open(vfs::FileSystem& fs,
                                                         const std::string& dir, ValueFileId id) {
  const std::string path = vfs::JoinPath(dir, ValueFileName(id));
  ASSIGN_OR_RETURN(auto opened, fs.OpenRandom(path));
  std::shared_ptr<const ValueFile> file(new ValueFile(id, path, std::move(opened)));
  RETURN_IF_ERROR(file->CheckHeader().Prefixed(path));
  return file;
}

Status ValueFile::CheckHeader() const {
  char scratch[wal::kSegmentHeaderBytes];
  std::string_view bytes;
  RETURN_IF_ERROR(file_->Read(0, sizeof scratch, scratch, &bytes));
  const auto header = wal::DecodeSegmentHeader(bytes);
  if (header.status().code() == StatusCode::kUnimplemented) {
    return header.status().WithErrorNumber(1305);
  }
  if (!header.ok()) return header.status().WithHint(kWayOut).WithErrorNumber(1306);
  if (header->segment == id_.number) return Status::Ok();
  return Status::Corruption("the file holds segment " + std::to_string(header->segment))
      .WithHint(kWayOut)
      .WithErrorNumber(1306);
}

Status ValueFile::Damage(const ValuePointer& pointer, std::string_view what) const {
  return Status::Corruption(path_ + ": value of " + std::to_string(pointer.length) +
                            " bytes at offset " + std::to_string(pointer.offset) + ": " +
                            std::string(what))
      .WithHint(kWayOut)
      .WithErrorNumber(1306);
}

Status ValueFile::Read(const ValuePointer& pointer, std::string* scratch,
                       std::string_view* value) const {
  // Before anything is allocated: a pointer is only bytes from a disk.
  if (pointer.end() > file_->Size()) return Damage(pointer, "it lies past the end of the file");
  scratch->resize(pointer.length);
  RETURN_IF_ERROR(file_->Read(pointer.offset, pointer.length, scratch->data(), value));
  if (value->size() != pointer.length) return Damage(pointer, "the file ends too early");
  if (base::MaskCrc(base::Crc32c(*value)) != pointer.crc) {
    return Damage(pointer, "checksum mismatch");
  }
  return Status::Ok();
}

Result<std::shared_ptr<const ValueFile>> ValueFiles::Use(ValueFileId id) {
  base::MutexLock lock(mu_);
  std::weak_ptr<const ValueFile>& known = files_[id];
  if (auto file = known.lock()) return file;
  ASSIGN_OR_RETURN(auto file, ValueFile::Open(fs_, dir_, id));
  known = file;
  return file;
}

std::set<ValueFileId> ValueFiles::InUse() const {
  base::MutexLock lock(mu_);
  std::erase_if(files_, [](const auto& entry) { return entry.second.expired(); });
  std::set<ValueFileId> ids;
  for (const auto& [id, file] : files_) ids.insert(id);
  return ids;
}

}  // namespace nokv::vlog
