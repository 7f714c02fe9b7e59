// Feeds arbitrary bytes to the batch decoder, as a damaged log would. What is accepted must survive
// being written again, and fit into a memtable that can be read.
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"
#include "base/coding.h"
#include "engine/batch.h"
#include "engine/engine_impl.h"
#include "lsm/memtable/memtable.h"

namespace nokv::engine {
namespace {

// Every entry again, as the writer encodes it; false if the bytes are malformed.
bool Rewrite(std::string_view encoding, Batch* batch) {
  BatchReader reader(encoding);
  BatchEntry entry;
  while (reader.Next(&entry, /*verify_values=*/true)) {
    switch (entry.kind) {
      case keys::Kind::kPut:
        NOKV_CHECK(encoding.substr(entry.value_offset, entry.value.size()) == entry.value);
        batch->Put(entry.key, entry.value, entry.attributes);
        break;
      case keys::Kind::kRangeDelete:
        batch->DeleteRange(entry.key, entry.value);
        break;
      default:
        batch->Delete(entry.key);
    }
  }
  return reader.status().ok();
}

void CheckMemtable(std::string_view encoding, bool verify_values) {
  lsm::Memtable memtable;
  if (!InsertBatch(encoding, 1, {}, vlog::Placement(16), verify_values, &memtable).ok()) return;
  const auto tombstones = memtable.range_tombstones();
  const auto it = memtable.NewIterator();
  uint64_t entries = 0;
  for (it->SeekToFirst(); it->Valid(); it->Next()) {
    entries++;
    (void)tombstones->MaxCovering(keys::InternalPrefixOf(it->key()), keys::kMaxSequence);
  }
  NOKV_CHECK(entries == memtable.entries());
}

void RunOne(std::string_view input) {
  Batch batch;
  if (Rewrite(input, &batch)) {
    Batch again;
    NOKV_CHECK(Rewrite(batch.encoding(), &again));
    NOKV_CHECK(again.encoding() == batch.encoding());
  }
  CheckMemtable(input, /*verify_values=*/true);
  // Without the checksums of values, so that the rest is reached more often.
  CheckMemtable(input, /*verify_values=*/false);
}

}  // namespace
}  // namespace nokv::engine

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  nokv::engine::RunOne(bytes);
  // Behind a header that counts few entries.
  if (size > 0) {
    std::string encoding(nokv::engine::kBatchHeaderBytes, '\0');
    nokv::base::StoreFixed32(encoding.data() + 8, data[0] % 8);
    encoding.append(bytes.substr(1));
    nokv::engine::RunOne(encoding);
  }
  return 0;
}
