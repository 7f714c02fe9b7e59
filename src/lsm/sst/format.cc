#include "lsm/sst/format.h"

#include "base/coding.h"
#include "base/crc32c.h"
#include "base/macros.h"
#include "lsm/sst/compress.h"

namespace nokv::lsm::internal {

namespace {
constexpr std::string_view kMagic("nokvsst1", 8);
// Of the footer: what its CRC covers, and where the rest lies.
constexpr size_t kVersionAt = 32;
constexpr size_t kCrcAt = 36;
constexpr size_t kMagicAt = 40;

constexpr std::string_view kWayOut = "restore the file from a backup; nothing was changed";

// `crc` is that of the stored bytes.
void AppendTrailer(uint32_t crc, Compression compression, std::string* out) {
  const auto tag = static_cast<char>(compression);
  out->push_back(tag);
  base::PutFixed32(out, base::MaskCrc(base::Crc32c({&tag, 1}, crc)));
}
}  // namespace

void PutBlockLocation(std::string* out, const BlockLocation& location) {
  base::PutVarint64(out, location.offset);
  base::PutVarint64(out, location.size);
}

bool GetBlockLocation(std::string_view* in, BlockLocation* location) {
  return base::GetVarint64(in, &location->offset) && base::GetVarint64(in, &location->size);
}

uint64_t AppendStoredBlock(std::string_view contents, Compression compression, std::string* out) {
  const size_t begin = out->size();
  Compression used = Compression::kNone;
  if (compression != Compression::kNone) {
    // Less than an eighth saved is not worth the time of every later reader.
    if (AppendCompressed(compression, contents, contents.size() - contents.size() / 8, out)) {
      used = compression;
    } else {
      out->resize(begin);
    }
  }
  if (used == Compression::kNone) out->append(contents);
  const size_t stored = out->size() - begin;
  AppendTrailer(base::Crc32c(std::string_view(*out).substr(begin)), used, out);
  return stored;
}

void AppendPlainTrailer(std::string_view contents, std::string* out) {
  AppendTrailer(base::Crc32c(contents), Compression::kNone, out);
}

std::string Footer::Encode() const {
  std::string out;
  base::PutFixed64(&out, metaindex.offset);
  base::PutFixed64(&out, metaindex.size);
  base::PutFixed64(&out, file_number);
  base::PutFixed64(&out, 0);  // reserved
  base::PutFixed32(&out, format_version);
  base::PutFixed32(&out, base::MaskCrc(base::Crc32c(out)));
  out.append(kMagic);
  return out;
}

std::string_view CompressionName(Compression compression) {
  switch (compression) {
    case Compression::kNone:
      return "none";
    case Compression::kLz4:
      return "lz4";
    case Compression::kZstd:
      return "zstd";
  }
  return "unknown";
}

Status DamageAt(std::string_view what, uint64_t offset) {
  return Status::Corruption(std::string(what) + " at offset " + std::to_string(offset))
      .WithHint(kWayOut)
      .WithErrorNumber(1303);
}

Status BlockDamage(uint64_t offset, std::string_view what) {
  return Status::Corruption("block at offset " + std::to_string(offset) + ": " + std::string(what))
      .WithHint(kWayOut)
      .WithErrorNumber(1303);
}

Result<std::string_view> BlockReader::Read(uint64_t offset, size_t length,
                                           std::string* scratch) const {
  std::string_view got = file_.memory();
  if (!got.empty()) {
    got = got.substr(std::min<uint64_t>(offset, got.size()), length);
  } else {
    scratch->resize(length);
    RETURN_IF_ERROR(file_.Read(offset, length, scratch->data(), &got));
  }
  if (got.size() != length) return DamageAt("the file ends too early", offset + got.size());
  return got;
}

Result<Footer> BlockReader::ReadFooter(uint64_t expected_file_number) const {
  const uint64_t size = file_.Size();
  if (size < kFooterBytes) return DamageAt("too short for a footer", size);
  const uint64_t offset = size - kFooterBytes;
  std::string scratch;
  ASSIGN_OR_RETURN(const std::string_view view, Read(offset, kFooterBytes, &scratch));
  if (view.substr(kMagicAt) != kMagic) {
    return DamageAt("no sstable footer (wrong magic)", offset + kMagicAt);
  }
  if (base::UnmaskCrc(base::LoadFixed32(view.data() + kCrcAt)) !=
      base::Crc32c(view.substr(0, kCrcAt))) {
    return DamageAt("footer: checksum mismatch", offset);
  }
  Footer footer;
  footer.metaindex.offset = base::LoadFixed64(view.data());
  footer.metaindex.size = base::LoadFixed64(view.data() + 8);
  footer.file_number = base::LoadFixed64(view.data() + 16);
  footer.format_version = base::LoadFixed32(view.data() + kVersionAt);
  if (footer.format_version < kPlainVersion || footer.format_version > kFormatVersion) {
    return Status::Unimplemented("format version " + std::to_string(footer.format_version) +
                                 " found, this program reads versions up to " +
                                 std::to_string(kFormatVersion))
        .WithHint("use the nokv release that wrote it, or a later one; nothing was changed")
        .WithErrorNumber(1305);
  }
  if (footer.external()) expected_file_number = 0;
  if (footer.file_number != expected_file_number) {
    return DamageAt("belongs to another file (it was written as number " +
                        std::to_string(footer.file_number) + ", expected " +
                        std::to_string(expected_file_number) + "): footer",
                    offset);
  }
  return footer;
}

Result<std::string> BlockReader::ReadBlock(const BlockLocation& location) const {
  const uint64_t limit = file_.Size() - std::min<uint64_t>(file_.Size(), kFooterBytes);
  const auto damage = [&](std::string_view what) { return BlockDamage(location.offset, what); };
  if (location.offset > limit || location.size > limit - location.offset ||
      limit - location.offset - location.size < kBlockTrailerBytes) {
    return damage("lies outside the file");
  }
  if (location.size > kMaxBlockBytes) return damage("longer than a block can be");
  std::string scratch;
  ASSIGN_OR_RETURN(std::string_view bytes,
                   Read(location.offset, location.size + kBlockTrailerBytes, &scratch));
  const std::string_view covered = bytes.substr(0, location.size + 1);
  if (base::UnmaskCrc(base::LoadFixed32(bytes.data() + location.size + 1)) !=
      base::Crc32c(covered)) {
    return damage("checksum mismatch");
  }
  const auto type = static_cast<uint8_t>(bytes[location.size]);
  bytes = bytes.substr(0, location.size);
  if (type == static_cast<uint8_t>(Compression::kNone)) {
    if (bytes.data() != scratch.data()) return std::string(bytes);
    scratch.resize(location.size);
    return scratch;
  }
  if (type > static_cast<uint8_t>(Compression::kZstd)) return damage("unknown compression");
  std::string contents;
  if (!Decompress(static_cast<Compression>(type), bytes, kMaxBlockBytes, &contents)) {
    return damage("cannot be decompressed");
  }
  return contents;
}

}  // namespace nokv::lsm::internal
