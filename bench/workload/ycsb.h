// The YCSB core workloads over a KvEngine: loading the records, and the operations of a phase.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "bench/engines/engine.h"
#include "bench/measure/driver.h"
#include "bench/workload/distribution.h"
#include "bench/workload/inserts.h"

namespace nokv::bench {

enum class Popularity : uint8_t { kZipfian, kUniform, kLatest };
std::string_view PopularityName(Popularity popularity);

// Shares of the operations in percent; what is left are reads.
struct Mix {
  std::string_view name;
  std::string_view summary;
  uint64_t update = 0, insert = 0, scan = 0, read_modify_write = 0;
  Popularity popularity = Popularity::kZipfian;
};

// A to F as in the paper, and U: updates only.
const std::vector<Mix>& Mixes();
// Null if there is none.
const Mix* FindMix(std::string_view name);

struct YcsbOptions {
  Mix mix;
  uint64_t records = 0;
  uint64_t ops = 0;
  uint64_t value_bytes = 0;
  uint64_t scan_rows = 100;  // the longest scan
  uint64_t seed = 0;
};

// Thread safety: thread-safe; its clients belong to one thread each.
class YcsbWorkload {
 public:
  explicit YcsbWorkload(const YcsbOptions& options);

  // Clients borrow the engine.
  // A client that inserts record `op` with operation `op`.
  std::unique_ptr<Client> NewLoader(KvEngine& engine, uint64_t thread);
  // A client of the mix. A read that finds nothing, or another value than the key's, is an error.
  std::unique_ptr<Client> NewRunner(KvEngine& engine, uint64_t thread);

  // How many distinct records operations other than inserts have named, and how many should have
  // been, on average, after `draws` of them and `inserts` inserts.
  uint64_t Distinct() const { return touched_.Count(); }
  double ExpectedDistinct(uint64_t draws, uint64_t inserts) const;

 private:
  class Runner;

  const YcsbOptions options_;
  const Zipfian zipfian_;
  const Scrambler scrambler_;
  Inserts inserts_;
  TouchedRecords touched_;
};

// True if a count of distinct records is what chance allows around what is expected.
bool DistinctIsPlausible(uint64_t distinct, double expected);

}  // namespace nokv::bench
