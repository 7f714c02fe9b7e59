// requester ADDRESSES PACE_MS: asks coordinators for timestamps and ids until it is killed, several
// requests at a time, each again PACE_MS after its answer. Standard output gets a line per answer:
//
//   KIND START END FIRST COUNT
//
// KIND is t for timestamps and i for ids; START and END are when it was asked for and given, in
// nanoseconds of the system's monotonic clock, which all processes share. A request that failed is
// a line "e START END MESSAGE".
#include <unistd.h>

#include <cstdio>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "coordinator/client/client.h"
#include "rpc/grpc/grpc.h"
#include "runtime/runtime.h"

namespace nokv::cluster {
namespace {

constexpr uint64_t kDeadlineMs = 10'000;

// Requests of one kind, one after the other.
class Asker {
 public:
  Asker(char kind, uint64_t count, uint64_t pace_ms, coordinator::Client& client,
        runtime::Runtime& runtime)
      : kind_(kind), count_(count), pace_ms_(pace_ms), client_(client), runtime_(runtime) {}

  void Ask() {
    const uint64_t start = runtime_.clock().MonotonicNanos();
    auto done = [this, start](const Result<uint64_t>& first) { Answered(start, first); };
    if (kind_ == 't') {
      client_.Timestamps(count_, kDeadlineMs, std::move(done));
    } else {
      client_.AllocateIds(count_, kDeadlineMs, std::move(done));
    }
  }

 private:
  void Answered(uint64_t start, const Result<uint64_t>& first) {
    const std::string when =
        " " + std::to_string(start) + " " + std::to_string(runtime_.clock().MonotonicNanos()) + " ";
    const std::string line =
        first.ok() ? kind_ + when + std::to_string(*first) + " " + std::to_string(count_) + "\n"
                   : "e" + when + first.status().ToString() + "\n";
    // Lines this short are written whole, whichever thread writes another one.
    if (::write(STDOUT_FILENO, line.data(), line.size()) < 0) _exit(0);  // nobody reads any more
    runtime_.PostAfter(runtime::Lane::kLog, pace_ms_ * 1000, [this] { Ask(); });
  }

  const char kind_;
  const uint64_t count_;
  const uint64_t pace_ms_;
  coordinator::Client& client_;
  runtime::Runtime& runtime_;
};

std::vector<std::string> Split(const std::string& text) {
  std::vector<std::string> parts = {""};
  for (const char c : text) {
    if (c == ',') {
      parts.emplace_back();
    } else {
      parts.back() += c;
    }
  }
  return parts;
}

int Run(const std::string& addresses, uint64_t pace_ms) {
  const auto runtime = runtime::NewThreadRuntime({});
  coordinator::Client client(
      *runtime, {.addresses = Split(addresses)}, [](const std::string& address) {
        return rpc::grpc::NewChannel(address, {.executor = [](auto task) { task(); }});
      });
  std::deque<Asker> askers;
  for (const uint64_t count : {1, 1, 16, 1000}) {
    askers.emplace_back('t', count, pace_ms, client, *runtime);
  }
  for (const uint64_t count : {1, 50}) askers.emplace_back('i', count, pace_ms, client, *runtime);
  for (Asker& asker : askers) asker.Ask();
  runtime->NewEvent()->Wait();  // for ever
  return 0;
}

}  // namespace
}  // namespace nokv::cluster

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: requester ADDRESS,... PACE_MS\n");
    return 2;
  }
  return nokv::cluster::Run(argv[1], std::stoull(argv[2]));
}
