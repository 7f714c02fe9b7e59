// Files that are a string, for tests and fuzz targets of sstables.
//
// Thread safety: StringAppendFile is thread-compatible, StringRandomFile is immutable.
#pragma once

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "vfs/vfs.h"

namespace nokv::lsm::internal {

class StringAppendFile : public vfs::AppendFile {
 public:
  // `out` and `synced` (optional) are borrowed.
  explicit StringAppendFile(std::string* out, bool* synced = nullptr)
      : out_(out), synced_(synced) {}
  Status Append(std::string_view data) override {
    out_->append(data);
    return {};
  }
  Status Sync() override {
    if (synced_ != nullptr) *synced_ = true;
    return {};
  }
  Status Close() override { return {}; }

 private:
  std::string* const out_;
  bool* const synced_;
};

class StringRandomFile : public vfs::RandomFile {
 public:
  explicit StringRandomFile(std::string bytes) : bytes_(std::move(bytes)) {}
  Status Read(uint64_t offset, size_t length, char* scratch,
              std::string_view* result) const override {
    const size_t at = std::min<uint64_t>(offset, bytes_.size());
    const size_t count = bytes_.copy(scratch, length, at);
    *result = {scratch, count};
    return {};
  }
  uint64_t Size() const override { return bytes_.size(); }

 private:
  const std::string bytes_;
};

}  // namespace nokv::lsm::internal
