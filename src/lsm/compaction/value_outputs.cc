#include "lsm/compaction/value_outputs.h"

#include <utility>

#include "base/hash.h"
#include "base/macros.h"
#include "keys/keys.h"

namespace nokv::lsm {

ValueOutputs::ValueOutputs(vfs::FileSystem& fs, std::string dir,
                           std::function<uint64_t()> new_file_number,
                           const ValueOutputOptions& options)
    : fs_(fs),
      dir_(std::move(dir)),
      new_file_number_(std::move(new_file_number)),
      options_(options),
      open_(size_t{2} * options.buckets) {}

Result<vlog::ValuePointer> ValueOutputs::Add(std::string_view engine_key, bool old,
                                             std::string_view value, uint32_t crc) {
  vlog::ValueGroup group;
  group.bucket = static_cast<uint16_t>(base::Hash64(keys::PrefixOf(engine_key)) % options_.buckets);
  group.old = old;
  std::unique_ptr<vlog::ValueWriter>& file = open_[size_t{2} * group.bucket + (old ? 1 : 0)];
  if (file != nullptr && file->file_bytes() >= options_.target_file_bytes) {
    RETURN_IF_ERROR(FinishFile(&file));
  }
  if (file == nullptr) {
    const uint64_t number = new_file_number_();
    ASSIGN_OR_RETURN(file, vlog::ValueWriter::Create(fs_, dir_, number, group));
    numbers_.push_back(number);
  }
  return file->Add(value, crc);
}

Status ValueOutputs::FinishFile(std::unique_ptr<vlog::ValueWriter>* file) {
  if (*file == nullptr) return Status::Ok();
  RETURN_IF_ERROR((*file)->Finish());
  bytes_written_ += (*file)->file_bytes();
  file->reset();
  return Status::Ok();
}

Status ValueOutputs::Finish() {
  for (auto& file : open_) RETURN_IF_ERROR(FinishFile(&file));
  return Status::Ok();
}

void ValueOutputs::Remove() {
  for (auto& file : open_) file.reset();
  for (const uint64_t number : std::exchange(numbers_, {})) {
    const vlog::ValueFileId id{number, vlog::ValueFileId::Kind::kMoved};
    (void)fs_.Remove(vfs::JoinPath(dir_, vlog::ValueFileName(id)));
  }
}

}  // namespace nokv::lsm
