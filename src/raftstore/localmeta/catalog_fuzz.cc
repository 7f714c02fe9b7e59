// Feeds arbitrary bytes to the decoder of the catalog. What is accepted must survive being written
// again.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "base/framed.h"
#include "raftstore/localmeta/catalog.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace nokv::raftstore;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  (void)DecodeCatalog(bytes, kCatalogName);
  // Behind a valid header, with a valid checksum, so that the regions are reached.
  const std::string framed = nokv::base::EncodeFramed("nokvreg1", 1, bytes);
  const nokv::Result<Catalog> catalog = DecodeCatalog(framed, kCatalogName);
  if (catalog.ok()) {
    const nokv::Result<Catalog> again = DecodeCatalog(EncodeCatalog(*catalog), kCatalogName);
    NOKV_CHECK(again.ok() && *again == *catalog);
  }
  return 0;
}
