#include "bench/measure/pause.h"

namespace nokv::bench {

void Pause(runtime::Runtime& runtime, uint64_t micros) {
  const auto over = runtime.NewEvent();
  runtime.PostAfter(runtime::Lane::kLog, micros, [&] { over->Set(); });
  over->Wait();
}

}  // namespace nokv::bench
