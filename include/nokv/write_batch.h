// WriteBatch: changes that take effect together or not at all, in the order in which they were
// added; of several changes to one key the last one counts.
//
// Keys longer than 1 MiB and values longer than 512 MiB are refused when the batch is written.
//
// Thread safety: thread-compatible.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include "nokv/options.h"

namespace nokv {

class WriteBatch {
 public:
  WriteBatch();
  ~WriteBatch();
  WriteBatch(WriteBatch&&) noexcept;
  WriteBatch& operator=(WriteBatch&&) noexcept;

  // Key and value are copied.
  void Put(std::string_view key, std::string_view value, const PutOptions& options = {});
  // Deleting a key that is not there is fine.
  void Delete(std::string_view key);
  // Deletes the keys in [begin, end). An empty range (begin >= end) is refused when written.
  void DeleteRange(std::string_view begin, std::string_view end);

  void Clear();
  // Number of changes.
  size_t Count() const;
  // Bytes that the batch takes in the log.
  size_t SizeBytes() const;

  struct Rep;  // internal

 private:
  friend class WriteBatchAccess;
  std::unique_ptr<Rep> rep_;
};

}  // namespace nokv
