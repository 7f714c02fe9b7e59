// Opens arbitrary bytes as a table and reads all of it both ways. Whatever the bytes are, the
// answer is an error or entries, never a crash.
//
// The first byte chooses: odd inputs are taken as they are; even ones get the checksums that their
// blocks should have, so that the code behind the checksums is reached too.
#include <cstdint>
#include <memory>
#include <string>

#include "base/coding.h"
#include "base/crc32c.h"
#include "lsm/sst/block.h"
#include "lsm/sst/format.h"
#include "lsm/sst/string_file.h"
#include "lsm/sst/table.h"

namespace nokv::lsm {
namespace {

constexpr uint64_t kNumber = 1;

void SealBlock(std::string* file, const internal::BlockLocation& at) {
  if (at.offset > file->size() || at.size > file->size() - at.offset ||
      file->size() - at.offset - at.size < internal::kBlockTrailerBytes) {
    return;
  }
  const auto covered = std::string_view(*file).substr(at.offset, at.size + 1);
  base::StoreFixed32(file->data() + at.offset + at.size + 1, base::MaskCrc(base::Crc32c(covered)));
}

// Seals the data blocks that an index speaks of.
void SealDataBlocks(std::string* file, const internal::BlockLocation& index) {
  if (index.offset > file->size() || index.size > file->size() - index.offset) return;
  const std::string contents = file->substr(index.offset, index.size);
  internal::BlockCursor cursor;
  cursor.Init(contents);
  for (cursor.SeekToFirst(); cursor.Valid(); cursor.Next()) {
    std::string_view in = cursor.payload();
    internal::BlockLocation block;
    if (internal::GetBlockLocation(&in, &block)) SealBlock(file, block);
  }
}

// Writes a sound footer over the end, and the checksums of the metaindex and of every block that
// it and the index speak of.
void Seal(std::string* file) {
  if (file->size() < internal::kFooterBytes) return;
  const size_t footer_at = file->size() - internal::kFooterBytes;
  internal::Footer footer;
  footer.metaindex.offset = base::LoadFixed32(file->data() + footer_at) % (footer_at + 1);
  footer.metaindex.size = base::LoadFixed32(file->data() + footer_at + 8) % (footer_at + 1);
  footer.file_number = kNumber;
  file->replace(footer_at, internal::kFooterBytes, footer.Encode());
  if (footer.metaindex.end() > footer_at) return;
  const std::string metaindex = file->substr(footer.metaindex.offset, footer.metaindex.size);
  std::string_view in = metaindex;
  std::string_view name;
  internal::BlockLocation block;
  while (base::GetLengthPrefixed(&in, &name) && internal::GetBlockLocation(&in, &block)) {
    if (name == internal::kIndexBlock) SealDataBlocks(file, block);
    SealBlock(file, block);
  }
  SealBlock(file, footer.metaindex);
}

void ReadAll(const Table& table) {
  const auto it = table.NewIterator(true);
  std::string some_key;
  for (it->SeekToFirst(); it->Valid(); it->Next()) {
    if (some_key.empty()) some_key = it->key();
  }
  for (it->SeekToLast(); it->Valid(); it->Prev()) {
  }
  if (some_key.empty()) return;
  it->Seek(some_key);
  it->SeekForPrev(some_key);
  const std::string end = std::string(keys::InternalPrefixOf(some_key)) + "b";
  const auto bounded = table.NewIterator(true, end);
  for (bounded->Seek(some_key); bounded->Valid(); bounded->Next()) {
  }
  TableEntry entry;
  (void)table.Get({keys::EngineKeyOf(some_key), keys::kMaxSequence}, &entry);
  // Where a key index leads to is bytes from the disk, too.
  for (int i = 0; i < 16; i++) {
    const std::string absent =
        keys::EncodeEngineKey(keys::Keyspace::kData, std::string(1, static_cast<char>(i)));
    (void)table.Get({absent, keys::kMaxSequence}, &entry);
  }
}

}  // namespace
}  // namespace nokv::lsm

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace nokv::lsm;
  if (size == 0) return 0;
  std::string file(reinterpret_cast<const char*>(data + 1), size - 1);
  if (data[0] % 2 == 0) Seal(&file);
  BlockCache cache(1 << 20);
  const auto table =
      Table::Open(std::make_unique<nokv::lsm::internal::StringRandomFile>(std::move(file)),
                  "fuzz.sst", kNumber, cache);
  if (!table.ok()) return 0;
  ReadAll(**table);
  (void)(*table)->Verify();
  return 0;
}
