// root_filler ADDRESS,ADDRESS,ADDRESS COMMANDS: gives the metadata root that many commands of a
// megabyte, one after the other. It refuses them, and keeps them in its log all the same.
#include <algorithm>
#include <cstdio>
#include <memory>
#include <string>
#include <utility>

#include "metaroot/client/client.h"
#include "rpc/grpc/grpc.h"
#include "runtime/runtime.h"

namespace nokv::badinput {
namespace {

constexpr uint64_t kDeadlineMs = 30'000;

// Regions on a store that there is not.
metaroot::Command LargeCommand() {
  metaroot::LayoutCreated layout;
  for (uint64_t i = 1; i <= 4'000; i++) {
    topology::Region region = {.id = i, .epoch = {1, 1}, .peers = {{.store = 1, .peer = i}}};
    region.range = {.start = std::string(250, 'k') + std::to_string(100'000 + i),
                    .end = std::string(250, 'k') + std::to_string(100'001 + i)};
    layout.regions.push_back(std::move(region));
  }
  return {.events = {std::move(layout)}};
}

Status Tell(runtime::Runtime& runtime, metaroot::Client& client, const metaroot::Command& command) {
  Status told = Status::Ok();
  const auto done = runtime.NewEvent();
  client.Append(command, kDeadlineMs, [&](const Result<metaroot::Outcome>& outcome) {
    told = outcome.status();
    done->Set();
  });
  done->Wait();
  return told;
}

int Run(const std::string& addresses, uint64_t commands) {
  const auto runtime = runtime::NewThreadRuntime({});
  metaroot::ClientOptions options;
  for (size_t begin = 0; begin < addresses.size();) {
    const size_t end = std::min(addresses.find(',', begin), addresses.size());
    options.members.push_back({options.members.size() + 1, addresses.substr(begin, end - begin)});
    begin = end + 1;
  }
  metaroot::Client client(*runtime, options, [](const std::string& address) {
    rpc::grpc::ChannelOptions channel;
    channel.executor = rpc::AtOnce();
    channel.limits.max_message_bytes = metaroot::kMaxWireBytes;
    return rpc::grpc::NewChannel(address, channel);
  });
  const metaroot::Command command = LargeCommand();
  for (uint64_t i = 0; i < commands; i++) {
    const Status told = Tell(*runtime, client, command);
    if (told.ok()) continue;
    std::fprintf(stderr, "command %llu: %s\n", static_cast<unsigned long long>(i),
                 told.ToString().c_str());
    return 1;
  }
  return 0;
}

}  // namespace
}  // namespace nokv::badinput

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: root_filler ADDRESS,... COMMANDS\n");
    return 2;
  }
  return nokv::badinput::Run(argv[1], std::stoull(argv[2]));
}
