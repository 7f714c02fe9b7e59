// Load: so many requests at a time for a while, each followed by the next when it is answered.
//
// Thread safety: owned by one thread, which waits in RunLoad; answers come from any.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "nokv/status.h"
#include "runtime/runtime.h"

namespace nokv::bench {

// Starts request `slot`; `done` is called once with whether it was answered as asked.
using Ask = std::function<void(uint64_t slot, std::function<void(bool ok)> done)>;

struct LoadOptions {
  uint64_t outstanding = 1;
  uint64_t duration_us = 0;
};

struct LoadResult {
  uint64_t operations = 0;
  uint64_t failures = 0;
  uint64_t wall_us = 0;
  uint64_t p50_us = 0;
  uint64_t p99_us = 0;
};

// Keeps requests under way for that long, then waits for the last of them.
LoadResult RunLoad(runtime::Runtime& runtime, const Ask& ask, const LoadOptions& options);

// For a load that another process runs.
std::string Encode(const LoadOptions& options);
std::string Encode(const LoadResult& result);
Result<LoadOptions> DecodeLoadOptions(std::string_view bytes);
Result<LoadResult> DecodeLoadResult(std::string_view bytes);

}  // namespace nokv::bench
