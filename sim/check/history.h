// History: what clients asked a store of registers for and what they were told, and when.
//
// A register holds a number or nothing; a key-value map is one register per key. Every operation
// but a plain write also tells what was there before it, so that a history says much about the
// order.
//
// Thread safety: values; thread-compatible.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace nokv::sim {

using RegisterValue = std::optional<int64_t>;

enum class OperationKind : uint8_t {
  kRead,
  kWrite,  // argument
  kCas,    // argument, if there is `expected`
  kDelete,
  kAdd,  // argument to what is there; nothing counts as 0
};

struct HistoryOperation {
  static constexpr uint64_t kNever = UINT64_MAX;

  uint64_t client = 0;
  uint64_t key = 0;
  OperationKind kind = OperationKind::kRead;
  int64_t argument = 0;
  RegisterValue expected = {};
  uint64_t invoked_us = 0;
  // kNever: the client does not know whether it took effect, now, later or not at all.
  uint64_t returned_us = kNever;
  // What was there before it; unset inside: nothing. Meaningless for writes and while unknown.
  RegisterValue before = {};

  bool known() const { return returned_us != kNever; }
  // Whether it tells what was there.
  bool observes() const { return known() && kind != OperationKind::kWrite; }
};

using History = std::vector<HistoryOperation>;

// What a register that held `before` holds after the operation.
RegisterValue Apply(const HistoryOperation& operation, const RegisterValue& before);

// "client 3: cas key 1 from 7 to 9, was 7 [1200, 1350]".
std::string ToString(const HistoryOperation& operation);

}  // namespace nokv::sim
