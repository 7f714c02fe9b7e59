// Pause: lets real time pass, for benchmarks that watch something from outside.
#pragma once

#include <cstdint>

#include "runtime/runtime.h"

namespace nokv::bench {

// Returns after `micros`. Never called from a task of `runtime`.
void Pause(runtime::Runtime& runtime, uint64_t micros);

}  // namespace nokv::bench
