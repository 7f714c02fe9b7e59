#include "nokv/sst_writer.h"

#include <utility>

#include "base/bytes.h"
#include "base/macros.h"
#include "engine/db.h"
#include "engine/plain_keys.h"
#include "engine/write_batch.h"
#include "lsm/entry.h"
#include "lsm/sst/table_builder.h"
#include "manifest/format.h"

namespace nokv::engine {

namespace {

class SstWriterImpl final : public SstWriter {
 public:
  SstWriterImpl(vfs::FileSystem& fs, std::string path, const lsm::TableOptions& options,
                std::unique_ptr<vfs::AppendFile> file)
      : fs_(fs),
        path_(std::move(path)),
        builder_(options, std::move(file), /*file_number=*/0, /*level=*/0) {}
  // What cannot be removed is no table: it has no end.
  ~SstWriterImpl() override {
    if (!finished_) (void)fs_.Remove(path_);
  }

  Status Put(std::string_view key, std::string_view value, const PutOptions& options) override {
    RETURN_IF_ERROR(CheckValue(value).Prefixed(path_));
    lsm::EntryAttributes attributes;
    attributes.expiry_ms = options.expiry_ms;
    attributes.user_meta = options.user_meta;
    return Add(key, keys::Kind::kPut, attributes, value);
  }
  Status Delete(std::string_view key) override { return Add(key, keys::Kind::kDelete, {}, {}); }

  Status DeleteRange(std::string_view begin, std::string_view end) override {
    RETURN_IF_ERROR(CheckUsable());
    RETURN_IF_ERROR(CheckRange(begin, end).Prefixed(path_));
    ForEachPlainRange(begin, end, [this](std::string_view from, std::string_view to) {
      builder_.AddRangeTombstone({std::string(from), std::string(to), 0});
    });
    return Status::Ok();
  }

  Result<ExternalTable> Finish() override {
    RETURN_IF_ERROR(CheckUsable());
    if (builder_.empty()) return Status::InvalidArgument(path_ + ": nothing was added");
    auto summary = builder_.Finish();
    failure_ = summary.status();
    if (failure_.ok()) failure_ = fs_.SyncDir(vfs::DirName(path_));
    RETURN_IF_ERROR(failure_);
    finished_ = true;
    return ExternalTable{path_, summary->file_bytes, summary->entries, summary->range_tombstones};
  }

 private:
  Status CheckUsable() const {
    return finished_ ? Status::FailedPrecondition(path_ + " is finished") : failure_;
  }

  Status Add(std::string_view key, keys::Kind kind, const lsm::EntryAttributes& attributes,
             std::string_view value) {
    RETURN_IF_ERROR(CheckUsable());
    RETURN_IF_ERROR(CheckKey(key).Prefixed(path_));
    if (builder_.entries() > 0 && key <= last_key_) {
      return Status::InvalidArgument(path_ + ": key \"" + base::EscapeBytes(key.substr(0, 64)) +
                                     "\" is not behind \"" +
                                     base::EscapeBytes(last_key_.substr(0, 64)) + "\"");
    }
    internal_key_.clear();
    keys::AppendInternalKey(PlainEngineKey(key), keys::PackTrailer(0, kind), &internal_key_);
    payload_.clear();
    lsm::AppendEntryPayload(attributes, value, &payload_);
    failure_ = builder_.Add(internal_key_, payload_).Prefixed(path_);
    RETURN_IF_ERROR(failure_);
    last_key_.assign(key);
    return Status::Ok();
  }

  vfs::FileSystem& fs_;
  const std::string path_;
  lsm::TableBuilder builder_;
  bool finished_ = false;
  Status failure_;  // the first of the file
  std::string last_key_;
  std::string internal_key_, payload_;  // scratch
};

}  // namespace

Result<std::unique_ptr<SstWriter>> CreateSstWriter(const Options& options, const std::string& path,
                                                   vfs::FileSystem& fs) {
  lsm::TableOptions table;
  table.filter_bits_per_key = options.filter_bits_per_key;
  table.key_index = options.key_index;
  table.restart_interval = options.restart_interval;
  table.compression = options.compression.empty()
                          ? lsm::Compression::kNone
                          : static_cast<lsm::Compression>(options.compression.back());
  table.external_comparator = manifest::kComparatorName;
  ASSIGN_OR_RETURN(auto file, fs.CreateAppend(path));
  return std::unique_ptr<SstWriter>(
      std::make_unique<SstWriterImpl>(fs, path, table, std::move(file)));
}

}  // namespace nokv::engine

namespace nokv {

Result<std::unique_ptr<SstWriter>> SstWriter::Create(const Options& options,
                                                     const std::string& path) {
  return engine::CreateSstWriter(options, path, vfs::PosixFileSystem());
}

}  // namespace nokv
