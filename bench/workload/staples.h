// The staples of db_bench: one kind of operation each, over keys that sort as their numbers do.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "bench/engines/engine.h"
#include "bench/measure/driver.h"

namespace nokv::bench {

struct StapleOptions {
  uint64_t records = 0;
  uint64_t value_bytes = 0;
  uint64_t seed = 0;
  // deleterandom ran before: reads may find nothing.
  bool holes = false;
};

// The entries that one operation of readseq reads.
inline constexpr uint64_t kReadSeqRows = 100;

// Makes the client of a thread. Borrows the engine.
using StapleMaker = std::unique_ptr<Client> (*)(const StapleOptions& options, KvEngine& engine,
                                                uint64_t thread);

struct Staple {
  std::string_view name;
  StapleMaker make = nullptr;
  // It fills an empty database; the others want one that is filled.
  bool fills = false;
  // Of a further client that works meanwhile without being counted; null: there is none.
  StapleMaker make_beside = nullptr;
};

const std::vector<Staple>& Staples();
// Null if there is none.
const Staple* FindStaple(std::string_view name);

}  // namespace nokv::bench
