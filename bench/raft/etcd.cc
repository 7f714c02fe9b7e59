#include "bench/raft/etcd.h"

#include <atomic>
#include <optional>
#include <utility>

#include "base/coding.h"
#include "base/macros.h"
#include "base/random.h"
#include "bench/raft/call_and_wait.h"
#include "rpc/grpc/grpc.h"
#include "rpc/unary.h"

namespace nokv::bench {
namespace {

constexpr size_t kServers = 3;
constexpr size_t kChannels = 4;
constexpr uint64_t kKeys = 100'000;
constexpr int kTries = 100;
constexpr uint64_t kRetryMicros = 100'000;

// The few fields of etcdserverpb that are needed, as protobuf writes them.
void PutBytes(std::string* out, uint32_t field, std::string_view bytes) {
  base::PutVarint64(out, field << 3 | 2);
  base::PutVarint64(out, bytes.size());
  out->append(bytes);
}

std::string PutRequest(uint64_t key, const std::string& value) {
  std::string request;
  PutBytes(&request, 1, "key" + std::to_string(key));
  PutBytes(&request, 2, value);
  return request;
}

struct Numbers {
  uint64_t member = 0;
  uint64_t leader = 0;
};

// Of a StatusResponse: header.member_id (1.2) and leader (4).
bool ReadStatus(std::string_view in, bool header, Numbers* numbers) {
  while (!in.empty()) {
    uint64_t tag;
    uint64_t value;
    if (!base::GetVarint64(&in, &tag) || !base::GetVarint64(&in, &value)) return false;
    if ((tag & 7) == 0) {
      if (header && tag >> 3 == 2) numbers->member = value;
      if (!header && tag >> 3 == 4) numbers->leader = value;
      continue;
    }
    if ((tag & 7) != 2 || value > in.size()) return false;
    if (!header && tag >> 3 == 1 && !ReadStatus(in.substr(0, value), true, numbers)) return false;
    in.remove_prefix(value);
  }
  return true;
}

std::unique_ptr<rpc::Channel> Dial(const std::string& address) {
  rpc::grpc::ChannelOptions options;
  options.executor = rpc::AtOnce();
  return rpc::grpc::NewChannel(address, options);
}

}  // namespace

EtcdCluster::~EtcdCluster() {
  channels_.clear();
}

Result<std::unique_ptr<EtcdCluster>> EtcdCluster::Start(runtime::Runtime& runtime,
                                                        const std::string& directory) {
  std::unique_ptr<EtcdCluster> cluster(new EtcdCluster());
  std::vector<std::string> addresses;
  std::vector<uint16_t> ports;
  std::vector<std::string> peers;
  std::string members;
  for (size_t i = 0; i < kServers; i++) {
    ASSIGN_OR_RETURN(const uint16_t port, FreePort());
    ASSIGN_OR_RETURN(const uint16_t peer_port, FreePort());
    ports.push_back(port);
    addresses.push_back("127.0.0.1:" + std::to_string(port));
    peers.push_back("http://127.0.0.1:" + std::to_string(peer_port));
    members += (i == 0 ? "n" : ",n") + std::to_string(i) + "=" + peers.back();
  }
  for (size_t i = 0; i < kServers; i++) {
    const std::string name = "n" + std::to_string(i);
    const std::string client = "http://" + addresses[i];
    ASSIGN_OR_RETURN(
        ChildProcess server,
        ChildProcess::Start(
            runtime,
            {"etcd", "--name", name, "--data-dir", directory + "/" + name, "--listen-client-urls",
             client, "--advertise-client-urls", client, "--listen-peer-urls", peers[i],
             "--initial-advertise-peer-urls", peers[i], "--initial-cluster", members},
            directory + "/" + name + ".log"));
    cluster->servers_.push_back(std::move(server));
  }
  for (size_t i = 0; i < kServers; i++) {
    RETURN_IF_ERROR(WaitForPort(ports[i], cluster->servers_[i]));
  }
  RETURN_IF_ERROR(cluster->FindLeader(runtime, addresses));
  return cluster;
}

Status EtcdCluster::FindLeader(runtime::Runtime& runtime,
                               const std::vector<std::string>& addresses) {
  for (int i = 0; i < kTries; i++) {
    for (const std::string& address : addresses) {
      const auto channel = Dial(address);
      const auto status = CallAndWait(runtime, *channel, "/etcdserverpb.Maintenance/Status", "");
      Numbers numbers;
      if (!status.ok() || !ReadStatus(*status, false, &numbers)) continue;
      if (numbers.leader == 0 || numbers.leader != numbers.member) continue;
      for (size_t j = 0; j < kChannels; j++) channels_.push_back(Dial(address));
      return Status::Ok();
    }
    const std::shared_ptr<runtime::Event> later = runtime.NewEvent();
    runtime.PostAfter(runtime::Lane::kUrgent, kRetryMicros, [later] { later->Set(); });
    later->Wait();
  }
  return Status::Unavailable("the etcd servers elected no leader");
}

Ask EtcdCluster::Puts(const std::string& value) {
  return [this, value, next = std::make_shared<std::atomic<uint64_t>>(0)](
             uint64_t slot, std::function<void(bool ok)> done) {
    rpc::CallUnary(*channels_[slot % kChannels], "/etcdserverpb.KV/Put",
                   PutRequest(base::MixSeed((*next)++) % kKeys, value), {},
                   [done = std::move(done)](const Result<std::string>& got) { done(got.ok()); });
  };
}

Result<uint64_t> EtcdCluster::CpuMicros() const {
  return bench::CpuMicros(servers_);
}

}  // namespace nokv::bench
