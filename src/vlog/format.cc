#include "vlog/format.h"

#include "base/coding.h"
#include "base/crc32c.h"

namespace nokv::vlog {

namespace {
constexpr std::string_view kMagic = "nokvval1";
constexpr size_t kVersionAt = 8;
constexpr size_t kGroupAt = 12;  // bucket, and a bit for old values
constexpr size_t kNumberAt = 16;
constexpr size_t kCrcAt = 28;
}  // namespace

std::string EncodeHeader(uint64_t number, ValueGroup group) {
  std::string header(kMagic);
  base::PutFixed32(&header, kValueFileVersion);
  base::PutFixed32(&header, uint32_t{group.bucket} | (group.old ? uint32_t{1} << 16 : 0));
  base::PutFixed64(&header, number);
  base::PutFixed32(&header, 0);
  base::PutFixed32(&header, base::MaskCrc(base::Crc32c(header)));
  return header;
}

Result<ValueGroup> DecodeHeader(std::string_view bytes, uint64_t number) {
  if (bytes.size() < kHeaderBytes || !bytes.starts_with(kMagic)) {
    return Status::Corruption("this is not a value file");
  }
  if (base::UnmaskCrc(base::LoadFixed32(bytes.data() + kCrcAt)) !=
      base::Crc32c(bytes.substr(0, kCrcAt))) {
    return Status::Corruption("offset 0: the header's checksum is wrong");
  }
  const uint32_t version = base::LoadFixed32(bytes.data() + kVersionAt);
  if (version != kValueFileVersion) {
    return Status::Unimplemented("format version " + std::to_string(version) +
                                 " found, this program knows version " +
                                 std::to_string(kValueFileVersion))
        .WithHint("use the nokv release that wrote it, or a later one; nothing was changed");
  }
  const uint64_t found = base::LoadFixed64(bytes.data() + kNumberAt);
  if (found != number) {
    return Status::Corruption("the file holds value file " + std::to_string(found));
  }
  const uint32_t group = base::LoadFixed32(bytes.data() + kGroupAt);
  return ValueGroup{static_cast<uint16_t>(group), (group >> 16 & 1) != 0};
}

}  // namespace nokv::vlog
