// Request and Reply: how a client of a simulated store of registers asks, and is answered.
//
// Each request is a session's next one and keeps its number when it is sent again, so that a store
// can see to it that it takes effect once.
//
// Thread safety: values.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>

#include "sim/check/history.h"

namespace nokv::sim {

// How a read is served.
enum class ReadPath : uint8_t { kReadIndex, kLog };

struct Request {
  uint64_t client = 0;
  uint64_t number = 0;  // of the client's, from 1 on
  OperationKind kind = OperationKind::kRead;
  uint64_t key = 0;
  int64_t argument = 0;
  RegisterValue expected;
  ReadPath path = ReadPath::kReadIndex;  // of a read
  uint64_t padding_bytes = 0;            // makes it large
};

struct Reply {
  // False: it was not taken here, which says nothing about earlier tries.
  bool done = false;
  RegisterValue before;
  std::optional<uint64_t> leader;  // the address of who may know better
};

using SendReply = std::function<void(const Reply&)>;

// A store that takes requests at several addresses.
class RequestTarget {
 public:
  virtual ~RequestTarget() = default;
  // The addresses where somebody may listen now.
  virtual std::vector<uint64_t> Addresses() = 0;
  // `request` arrived at `address`; `reply` is called there, or never.
  virtual void Arrive(uint64_t address, const Request& request, SendReply reply) = 0;
};

}  // namespace nokv::sim
