// The driver: clients on threads of their own, each doing one operation after the other, and what
// each operation took.
//
// Closed loop: a client begins an operation when its last one has ended. Open loop: operations are
// due at a fixed rate, whoever is free takes the next one, and its latency counts from the moment
// at which it was due, so that a stall is seen by all that it held up.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>

#include "bench/measure/latency.h"
#include "nokv/status.h"
#include "runtime/runtime.h"

namespace nokv::bench {

enum class OpKind : uint8_t { kRead, kUpdate, kInsert, kReadModifyWrite, kScan, kDelete };
inline constexpr size_t kOpKinds = 6;
// "read_modify_write"
std::string_view OpName(OpKind kind);

// What one operation was.
struct OpReport {
  OpKind kind = OpKind::kRead;
  uint64_t rows = 0;       // that a scan brought
  uint64_t puts = 0;       // keys that were written
  uint64_t put_bytes = 0;  // keys and values that were written
};

// One thread's work. Made and used by that thread.
class Client {
 public:
  virtual ~Client() = default;
  // Does operation number `op` of the phase. An error ends the phase.
  virtual Status Step(uint64_t op, OpReport* report) = 0;
};

struct PhaseOptions {
  uint64_t threads = 1;
  uint64_t ops = 0;
  // Operations per second of all threads together; 0: closed loop.
  uint64_t rate = 0;
  // Further threads that work beside, without being counted, until the others are done.
  uint64_t background_threads = 0;
};

struct PhaseResult {
  uint64_t ops = 0;
  double seconds = 0;
  uint64_t rows = 0, puts = 0, put_bytes = 0;
  // Nanoseconds.
  Latency all;
  std::array<Latency, kOpKinds> by_kind;

  double rate() const { return seconds > 0 ? static_cast<double>(ops) / seconds : 0; }
};

// Makes the client of thread `thread`; background threads have the numbers after the others.
using ClientFactory = std::function<std::unique_ptr<Client>(uint64_t thread)>;

// Runs a phase to its end. `tick` is called by this thread some twenty times a second with the
// number of operations done. Borrows `runtime`, to wait.
Result<PhaseResult> RunPhase(runtime::Runtime& runtime, const PhaseOptions& options,
                             const ClientFactory& factory,
                             const std::function<void(uint64_t done)>& tick);

}  // namespace nokv::bench
