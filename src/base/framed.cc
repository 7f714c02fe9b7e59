#include "base/framed.h"

#include "base/coding.h"
#include "base/crc32c.h"

namespace nokv::base {

namespace {

constexpr size_t kMagicBytes = 8;
constexpr size_t kHeaderBytes = kMagicBytes + 4 + 8;
constexpr size_t kChecksumBytes = 4;

}  // namespace

std::string EncodeFramed(std::string_view magic, uint32_t format, std::string_view body) {
  std::string bytes(magic);
  PutFixed32(&bytes, format);
  PutFixed64(&bytes, body.size());
  bytes += body;
  PutFixed32(&bytes, MaskCrc(Crc32c(bytes)));
  return bytes;
}

Result<std::string_view> DecodeFramed(std::string_view bytes, std::string_view magic,
                                      uint32_t format, const std::string& what) {
  if (bytes.size() < kHeaderBytes + kChecksumBytes || !bytes.starts_with(magic)) {
    return FrameDamage(what, "does not begin with " + std::string(magic) + ", or is too short");
  }
  const uint32_t found = LoadFixed32(bytes.data() + kMagicBytes);
  if (found != format) {
    return Status::Unimplemented(what + ": has format " + std::to_string(found) +
                                 "; this version knows " + std::to_string(format))
        .WithHint("use the version that wrote it")
        .WithErrorNumber(1305);
  }
  const std::string_view checked = bytes.substr(0, bytes.size() - kChecksumBytes);
  const std::string_view body = checked.substr(kHeaderBytes);
  if (LoadFixed64(bytes.data() + kMagicBytes + 4) != body.size()) {
    return FrameDamage(what, "does not have as many bytes as it says");
  }
  if (UnmaskCrc(LoadFixed32(checked.data() + checked.size())) != Crc32c(checked)) {
    return FrameDamage(what, "checksum mismatch");
  }
  return body;
}

Status FrameDamage(const std::string& what, std::string_view how) {
  return Status::Corruption(what + ": " + std::string(how) + "; nothing was changed");
}

}  // namespace nokv::base
