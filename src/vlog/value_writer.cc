#include "vlog/value_writer.h"

#include "base/coding.h"
#include "base/macros.h"
#include "vlog/format.h"

namespace nokv::vlog {

namespace {
// Values are handed to the file in pieces of about this size.
constexpr size_t kWriteBytes = 256 << 10;
}  // namespace

ValueWriter::ValueWriter(uint64_t number, ValueGroup group, std::unique_ptr<vfs::AppendFile> file)
    : number_(number), file_(std::move(file)), pending_(EncodeHeader(number, group)) {}

Result<std::unique_ptr<ValueWriter>> ValueWriter::Create(vfs::FileSystem& fs,
                                                         const std::string& dir, uint64_t number,
                                                         ValueGroup group) {
  const ValueFileId id{number, ValueFileId::Kind::kMoved};
  ASSIGN_OR_RETURN(auto file, fs.CreateAppend(vfs::JoinPath(dir, ValueFileName(id))));
  return std::unique_ptr<ValueWriter>(new ValueWriter(number, group, std::move(file)));
}

Result<ValuePointer> ValueWriter::Add(std::string_view value, uint32_t crc) {
  base::PutFixed32(&pending_, crc);
  base::PutFixed32(&pending_, static_cast<uint32_t>(value.size()));
  const ValuePointer pointer{
      {number_, ValueFileId::Kind::kMoved}, file_bytes(), static_cast<uint32_t>(value.size()), crc};
  pending_.append(value);
  if (pending_.size() >= kWriteBytes) {
    RETURN_IF_ERROR(file_->Append(pending_));
    written_ += pending_.size();
    pending_.clear();
  }
  return pointer;
}

Status ValueWriter::Finish() {
  RETURN_IF_ERROR(file_->Append(pending_));
  written_ += pending_.size();
  pending_.clear();
  RETURN_IF_ERROR(file_->Sync());
  return file_->Close();
}

}  // namespace nokv::vlog
