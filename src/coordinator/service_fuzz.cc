// Feeds arbitrary requests to a whole coordinator, over a root in this process: each begins with a
// byte for the method and one for its length. Every call ends, and the copy of the root's state is
// what the root has.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/check.h"
#include "coordinator/machine_root_test_util.h"
#include "coordinator/service.h"
#include "rpc/in_process.h"
#include "rpc/unary.h"
#include "runtime/sim_runtime.h"

namespace nokv::coordinator {
namespace {

constexpr uint64_t kSecond = 1'000'000;
constexpr size_t kMaxRequests = 16;

struct Request {
  std::string_view method;
  std::string_view bytes;
};

std::vector<Request> RequestsOf(std::string_view bytes, const rpc::Service& service) {
  std::vector<Request> requests;
  while (bytes.size() >= 2 && requests.size() < kMaxRequests) {
    const auto method = static_cast<uint8_t>(bytes[0]);
    const size_t length = std::min<size_t>(static_cast<uint8_t>(bytes[1]), bytes.size() - 2);
    requests.push_back(
        {service.methods[method % service.methods.size()].name, bytes.substr(2, length)});
    bytes.remove_prefix(2 + length);
  }
  return requests;
}

}  // namespace

void FuzzOne(std::string_view bytes) {
  const auto runtime = runtime::NewSimRuntime(1);
  MachineRoot root(*runtime);
  root.Create();
  (void)root.Take(
      {.events = {metaroot::StoreJoined{1, "s1:1"}, metaroot::StoreJoined{2, "s2:1"},
                  metaroot::LayoutCreated{{{.id = 1, .epoch = {1, 1}, .peers = {{1, 101}}}}}}});
  CoordinatorOptions options;
  options.allocator.holder = {.id = "c1", .addr = "a:1", .incarnation = "1"};
  const auto coordinator = Coordinator::Make(options, {root, *runtime, base::NullLogger()});
  coordinator->Start();
  rpc::InProcessNetwork network(*runtime);
  const rpc::Service service = MakeService(coordinator, rpc::AtOnce());
  const std::vector<Request> requests = RequestsOf(bytes, service);
  auto server = network.Listen("a:1", {service});
  NOKV_CHECK(server.ok());
  auto channel = network.NewChannel("client", "a:1", rpc::AtOnce());
  runtime->Advance(kSecond / 10);
  size_t ended = 0;
  for (const Request& request : requests) {
    const auto call = channel->Open(
        rpc::MethodPath(service.name, std::string(request.method)), {.deadline_ms = 4'000},
        rpc::CollectAnswers(SIZE_MAX, [&ended](const rpc::Answers& /*answers*/) { ended++; }));
    call->Send(std::string(request.bytes));
    call->End(Status::Ok());
    runtime->Advance(kSecond / 100);
  }
  runtime->Advance(5 * kSecond);
  NOKV_CHECK(ended == requests.size());
  NOKV_CHECK(coordinator->catalog().Read(
      [&](const Catalog::Now& now) { return now.view.root() == root.state(); }));
  (void)coordinator->Alarms();
  channel.reset();
  server->reset();
  runtime->Advance(kSecond);
}

}  // namespace nokv::coordinator

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  nokv::coordinator::FuzzOne({reinterpret_cast<const char*>(data), size});
  return 0;
}
