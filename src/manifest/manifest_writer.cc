#include "manifest/manifest_writer.h"

#include <optional>
#include <vector>

#include "base/macros.h"
#include "manifest/current.h"
#include "manifest/manifest_names.h"
#include "manifest/manifest_record.h"

namespace nokv::manifest {

ManifestWriter::ManifestWriter(std::unique_ptr<vfs::AppendFile> file, std::string path,
                               uint64_t number)
    : file_(std::move(file)), path_(std::move(path)), number_(number) {}

Result<std::unique_ptr<ManifestWriter>> ManifestWriter::Create(vfs::FileSystem& fs,
                                                               const std::string& dir,
                                                               uint64_t number,
                                                               const VersionEdit& snapshot) {
  std::string path = vfs::JoinPath(dir, ManifestName(number));
  ASSIGN_OR_RETURN(std::unique_ptr<vfs::AppendFile> file, fs.CreateAppend(path));
  std::unique_ptr<ManifestWriter> writer(
      new ManifestWriter(std::move(file), std::move(path), number));
  const std::string header = EncodeHeader(number);
  RETURN_IF_ERROR(writer->file_->Append(header));
  writer->offset_ = header.size();
  RETURN_IF_ERROR(writer->Append({snapshot}));
  RETURN_IF_ERROR(fs.SyncDir(dir));
  RETURN_IF_ERROR(WriteCurrent(fs, dir, number));
  return writer;
}

Status ManifestWriter::Append(const EditGroup& group) {
  RETURN_IF_ERROR(failure_);
  const Status appended = AppendGroup(group);
  if (!appended.ok()) {
    failure_ = appended.Prefixed("write " + path_)
                   .WithHint("the database takes no changes until it is opened again");
    return failure_;
  }
  // The group is durable, whatever becomes of its mark; but nothing may follow half a mark.
  const std::string mark = EncodeMark(offset_);
  const Status marked = file_->Append(mark);
  offset_ += mark.size();
  if (!marked.ok()) failure_ = marked.Prefixed("write " + path_);
  return Status::Ok();
}

Status ManifestWriter::AppendGroup(const EditGroup& group) {
  const std::string record = EncodeGroup(group, offset_);
  RETURN_IF_ERROR(file_->Append(record));
  RETURN_IF_ERROR(file_->Sync());
  offset_ += record.size();
  return Status::Ok();
}

Status RemoveStrayManifests(vfs::FileSystem& fs, const std::string& dir, uint64_t keep) {
  ASSIGN_OR_RETURN(const std::vector<std::string> names, fs.List(dir));
  for (const std::string& name : names) {
    const std::optional<uint64_t> number = ParseManifestName(name);
    if (name != kCurrentTempName && (!number || *number == keep)) continue;
    RETURN_IF_ERROR(fs.Remove(vfs::JoinPath(dir, name)));
  }
  return Status::Ok();
}

}  // namespace nokv::manifest
