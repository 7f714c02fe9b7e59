// The frame of an sstable: where blocks are, how one is stored and checked, and the footer.
// docs/formats/sst.md has the bytes. Internal to lsm/sst.
//
// Thread safety: pure functions, and a reader that any number of threads may use.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "lsm/sst/table_builder.h"
#include "nokv/status.h"
#include "vfs/vfs.h"

namespace nokv::lsm::internal {

inline constexpr uint32_t kPlainVersion = 1;     // every value is in its entry
inline constexpr uint32_t kPointerVersion = 2;   // entries may point to values elsewhere
inline constexpr uint32_t kExternalVersion = 3;  // written outside a database, to be ingested
inline constexpr uint32_t kFormatVersion = kExternalVersion;  // the newest
inline constexpr size_t kBlockTrailerBytes = 5;               // compression, masked CRC
inline constexpr size_t kFooterBytes = 48;                    // in every format version
// No block is longer than this before compression; a longer one is damage.
inline constexpr uint64_t kMaxBlockBytes = uint64_t{1} << 30;

inline constexpr std::string_view kFilterBlock = "filter.blocked-bloom";
inline constexpr std::string_view kKeyIndexBlock = "key-index";
inline constexpr std::string_view kRangeFilterBlock = "range-filter";
// What the properties say of it; one in another format is not looked at.
inline constexpr std::string_view kRangeFilterFormat = "block-cells.1";
inline constexpr std::string_view kIndexBlock = "index";
inline constexpr std::string_view kPropertiesBlock = "properties";
inline constexpr std::string_view kTombstoneBlock = "range-tombstones";

// Where a block lies; `size` is its stored length without the block trailer.
struct BlockLocation {
  uint64_t offset = 0;
  uint64_t size = 0;

  uint64_t end() const { return offset + size + kBlockTrailerBytes; }
};

void PutBlockLocation(std::string* out, const BlockLocation& location);
bool GetBlockLocation(std::string_view* in, BlockLocation* location);

// Appends `contents` to `*out` as a stored block with its trailer: compressed if that saves at
// least an eighth. Returns the stored length without the trailer.
uint64_t AppendStoredBlock(std::string_view contents, Compression compression, std::string* out);

// What stands behind a block that was stored as it is.
void AppendPlainTrailer(std::string_view contents, std::string* out);

struct Footer {
  BlockLocation metaindex;
  uint64_t file_number = 0;  // 0 if the table is external
  uint32_t format_version = kPlainVersion;

  bool external() const { return format_version == kExternalVersion; }

  std::string Encode() const;
};

// "none", "lz4", "zstd".
std::string_view CompressionName(Compression compression);
// Corruption, with the way out: "WHAT at offset N", "block at offset N: WHAT". Whoever knows the
// path puts it in front.
Status DamageAt(std::string_view what, uint64_t offset);
Status BlockDamage(uint64_t offset, std::string_view what);

// Reads and checks the parts of one file, which is borrowed.
class BlockReader {
 public:
  explicit BlockReader(const vfs::RandomFile& file) : file_(file) {}

  // An external table goes by any number. kDataLoss if the footer is damaged or not this file's,
  // kUnimplemented if it is of a newer
  // format version.
  Result<Footer> ReadFooter(uint64_t expected_file_number) const;
  // The uncompressed content of a block whose checksum matched.
  Result<std::string> ReadBlock(const BlockLocation& location) const;

 private:
  // The bytes are in the file's memory, or else in `*scratch`.
  Result<std::string_view> Read(uint64_t offset, size_t length, std::string* scratch) const;

  const vfs::RandomFile& file_;
};

}  // namespace nokv::lsm::internal
