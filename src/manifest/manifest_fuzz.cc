// Feeds arbitrary bytes to the decoders of edits, manifests and CURRENT. What is accepted must
// survive being written again.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "manifest/current.h"
#include "manifest/manifest_record.h"
#include "manifest/version_edit.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace nokv::manifest;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const nokv::Result<VersionEdit> edit = DecodeEdit(bytes);
  if (edit.ok()) {
    std::string again;
    AppendEdit(*edit, &again);
    const nokv::Result<VersionEdit> decoded = DecodeEdit(again);
    NOKV_CHECK(decoded.ok() && *decoded == *edit);
  }
  (void)ParseManifest(bytes, 1, "MANIFEST-000001");
  // Behind a valid header, so that the records are reached.
  (void)ParseManifest(EncodeHeader(1) + std::string(bytes), 1, "MANIFEST-000001");
  (void)DecodeCurrent(bytes, "CURRENT");
  return 0;
}
