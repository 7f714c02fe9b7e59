// Client: asks coordinators: for timestamps, for ids, and for whatever else they offer.
//
//   Client client(runtime, {.addresses = {"a:2379", "b:2379"}}, dial);
//   client.Timestamps(16, 2'000, [](Result<uint64_t> first) { … });
//
// Coordinators are asked in turns, beginning with the one that answered last. For numbers the
// holder of the lease is asked; who is not the holder says who is, and is believed. Requests for
// timestamps that come while others are under way travel together, in one stream. Nothing waits:
// answers come to callbacks, in the executor of the channels that `dial` makes or in `runtime`, at
// the latest shortly after the deadline.
//
// Thread safety: thread-safe, but for construction and destruction. Not to be destroyed by a
// callback.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "nokv/status.h"
#include "rpc/endpoints.h"
#include "runtime/runtime.h"

namespace nokv::coordinator {

struct ClientOptions {
  std::vector<std::string> addresses;  // at least one
  uint64_t attempt_ms = 1'000;         // that one coordinator gets for an answer
  uint64_t pause_ms = 20;  // after none had one; longer each time, up to four times this
  size_t max_waiting = size_t{1} << 16;  // requests for timestamps
};

class TimestampQueue;

class Client {
 public:
  using Numbers = std::function<void(Result<uint64_t> first)>;

  // `runtime` is borrowed. `dial` is rpc::grpc::NewChannel, or that of an InProcessNetwork.
  Client(runtime::Runtime& runtime, const ClientOptions& options, const rpc::Dial& dial);
  // Whatever is under way ends with kCancelled.
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  // `count` timestamps, or ids, that follow each other: from 1 to 65536, else kInvalidArgument.
  // kDeadlineExceeded, with what the last coordinator said, if none gave any in time;
  // kResourceExhausted if too many wait. Numbers that were given to a request which failed are not
  // given again.
  void Timestamps(uint64_t count, uint64_t deadline_ms, Numbers done);
  void AllocateIds(uint64_t count, uint64_t deadline_ms, Numbers done);

  // Any method of nokv.coordinator.v1.Coordinator that has one answer: `request` and the answer are
  // messages of proto/. Asked again, of another, while none answers: it may be taken twice.
  void Ask(const std::string& method, std::string request, uint64_t deadline_ms,
           std::function<void(Result<std::string>)> done);
  // As Ask, once, and of one coordinator.
  void AskOne(const std::string& address, const std::string& method, std::string request,
              uint64_t deadline_ms, std::function<void(Result<std::string>)> done);

 private:
  void Ask(rpc::Question question, std::function<void(Result<std::string>)> done);

  const ClientOptions options_;
  const std::shared_ptr<rpc::Endpoints> endpoints_;
  const std::shared_ptr<TimestampQueue> timestamps_;
};

}  // namespace nokv::coordinator
