// What becomes of a snapshot whose stream breaks: it goes on where it broke.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/crc32c.h"
#include "base/random.h"
#include "rpc/call_test_util.h"
#include "rpc/in_process.h"
#include "runtime/sim_runtime.h"
#include "transport/snapshot_part.h"
#include "transport/transport.h"
#include "vfs/memory_fs.h"

namespace nokv::transport {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

constexpr char kFolder[] = "/node/snapshots";
constexpr size_t kChunkBytes = 1000;
constexpr size_t kPartBytes = 3000;
constexpr size_t kSnapshotBytes = 20'500;

class Ear final : public Receiver {
 public:
  void Receive(NodeId /*from*/, Batch messages) override {
    for (GroupMessage& message : messages) {
      taken.emplace_back(message.message.snapshot->data.view());
    }
  }
  void ReportUnreachable(GroupId /*group*/, raft::NodeId /*to*/) override {}
  void ReportSnapshot(GroupId /*group*/, raft::NodeId /*to*/, bool arrived) override {
    reports.push_back(arrived);
  }

  std::vector<std::string> taken;
  std::vector<bool> reports;
};

struct Node {
  Ear ear;
  metrics::Registry registry;
  std::unique_ptr<Transport> transport;
  std::unique_ptr<rpc::Server> server;

  ~Node() {
    server.reset();
    transport.reset();
  }
  uint64_t Count(const std::string& name, const metrics::Labels& labels = {}) {
    return registry.GetCounter("nokv_transport_" + name, "", labels).value();
  }
};

std::string Content(uint64_t seed, size_t size = kSnapshotBytes) {
  base::Random random(seed);
  std::string content(size, '\0');
  for (char& byte : content) byte = static_cast<char>(random.Uniform(256));
  return content;
}

GroupMessage SnapshotOf(std::string content, GroupId group = 3, raft::LogIndex index = 5) {
  raft::Snapshot snapshot{
      .data = raft::Payload(std::move(content)), .conf_state = {}, .index = index, .term = 1};
  snapshot.conf_state.voters = {1, 2};
  GroupMessage message{
      .group = group, .message = {.type = raft::MessageType::kSnap, .to = 2, .from = 1, .term = 1}};
  message.message.snapshot = std::make_shared<raft::Snapshot>(std::move(snapshot));
  return message;
}

// Node 1 sends to node 2, which has a disk.
class ResumeTest : public testing::Test {
 protected:
  ResumeTest()
      : runtime_(runtime::NewSimRuntime(1)),
        disk_(NewDisk()),
        // A chunk at a time, so that those before one that is lost have arrived.
        network_(
            *runtime_,
            [this](const std::string& from, const std::string& /*to*/) {
              return from == "1" && ++said_ == breaks_at_ ? std::nullopt
                                                          : std::optional<uint64_t>(100);
            },
            kChunkBytes) {
    sender_ = Start(1, nullptr);
    receiver_ = Start(2, disk_.get());
  }
  ~ResumeTest() override {
    sender_.reset();
    receiver_.reset();
    Run();
  }

  rpc::Executor executor() {
    return [this](std::function<void()> task) {
      runtime_->Post(runtime::Lane::kLog, std::move(task));
    };
  }
  // With the node's own folder.
  static std::unique_ptr<vfs::MemoryFileSystem> NewDisk() {
    auto disk = vfs::NewMemoryFileSystem();
    EXPECT_TRUE(disk->CreateDirs("/node").ok());
    EXPECT_TRUE(disk->SyncDir("/").ok());
    return disk;
  }
  std::unique_ptr<Node> Start(NodeId id, vfs::FileSystem* files, bool is_old = false) {
    auto node = std::make_unique<Node>();
    TransportOptions options = options_;
    options.node = id;
    TransportDoors doors{runtime_->clock(), base::NullLogger(), node->registry,
                         [this, id](const std::string& address) {
                           return network_.NewChannel(std::to_string(id), address, executor());
                         }};
    doors.files = files;
    doors.runtime = runtime_.get();
    node->transport = std::make_unique<Transport>(options, std::move(doors), node->ear);
    node->transport->SetPeer(3 - id, std::to_string(3 - id));
    std::vector<rpc::Service> services;
    services.push_back(node->transport->MakeService(executor()));
    if (is_old) services.back().methods.pop_back();
    auto server = network_.Listen(std::to_string(id), std::move(services));
    EXPECT_TRUE(server.ok()) << server.status();
    node->server = *std::move(server);
    return node;
  }
  void Restart(std::unique_ptr<vfs::MemoryFileSystem> disk, bool is_old = false) {
    receiver_.reset();
    Run(0);
    disk_ = std::move(disk);
    receiver_ = Start(2, disk_.get(), is_old);
    Run(0);
  }
  void Run(uint64_t ms = 200) { runtime_->Advance(ms * 1000); }
  void BeginToSend(GroupMessage message) { sender_->transport->Send(2, {std::move(message)}); }
  void Send(GroupMessage message) {
    BeginToSend(std::move(message));
    Run();
  }
  // The stream breaks at this chunk, counted from 0; before it are the call, the hello, the header.
  void SendAndBreakAt(uint64_t chunk, GroupMessage message) {
    breaks_at_ = said_ + 4 + chunk;
    Send(std::move(message));
  }
  std::vector<std::string> Files() {
    const auto names = disk_->List(kFolder);
    return names.ok() ? *names : std::vector<std::string>();
  }
  // Of the bytes that came in earlier streams, those that did not come again.
  uint64_t kept() { return receiver_->Count("snapshot_bytes_kept_total"); }

  TransportOptions options_ = {.cluster = 77,
                               .snapshot_chunk_bytes = kChunkBytes,
                               .snapshot_folder = kFolder,
                               .snapshot_part_bytes = kPartBytes,
                               .max_partial_bytes = 100'000,
                               .partial_kept_ms = 60'000};
  uint64_t said_ = 0;
  uint64_t breaks_at_ = 0;
  std::unique_ptr<runtime::SimRuntime> runtime_;
  std::unique_ptr<vfs::MemoryFileSystem> disk_;
  rpc::InProcessNetwork network_;
  std::unique_ptr<Node> sender_;
  std::unique_ptr<Node> receiver_;
};

TEST_F(ResumeTest, GoesOnWhereItBroke) {
  const std::string content = Content(1);
  SendAndBreakAt(10, SnapshotOf(content));
  EXPECT_THAT(sender_->ear.reports, ElementsAre(false));
  EXPECT_THAT(receiver_->ear.taken, IsEmpty());
  const size_t parts = Files().size();
  EXPECT_GE(parts, 3U);
  SendAndBreakAt(5, SnapshotOf(content));
  EXPECT_GT(Files().size(), parts);
  Send(SnapshotOf(content));
  EXPECT_THAT(receiver_->ear.taken, ElementsAre(content));
  EXPECT_THAT(sender_->ear.reports, ElementsAre(false, false, true));
  EXPECT_EQ(receiver_->Count("snapshots_resumed_total"), 2U);
  EXPECT_GE(kept(), 20 * kChunkBytes) << "what came before the breaks, twice what came first";
  EXPECT_THAT(Files(), IsEmpty());
}

TEST_F(ResumeTest, AWholeSnapshotLeavesNothing) {
  Send(SnapshotOf(Content(1)));
  EXPECT_THAT(receiver_->ear.taken, SizeIs(1));
  EXPECT_THAT(Files(), IsEmpty());
  EXPECT_EQ(kept(), 0U);
}

TEST_F(ResumeTest, GoesOnAfterAPowerLossWithWhatIsDurable) {
  const std::string content = Content(1);
  BeginToSend(SnapshotOf(content));
  for (int i = 0; i < 1000 && Files().size() < 3; i++) runtime_->Advance(100);
  Restart(disk_->CrashClone(vfs::MemoryFileSystem::Loss::kEverything, 1));
  Send(SnapshotOf(content));
  EXPECT_THAT(receiver_->ear.taken, ElementsAre(content));
  EXPECT_GE(kept(), 2 * kPartBytes);
  EXPECT_EQ(kept() % kPartBytes, 0U) << "whole parts";
  EXPECT_THAT(Files(), IsEmpty());
}

TEST_F(ResumeTest, AnotherSnapshotTakesItsPlace) {
  for (const GroupMessage& other :
       {SnapshotOf(Content(2)), SnapshotOf(Content(1), 3, 6), SnapshotOf(Content(1, 20'400))}) {
    receiver_->ear.taken.clear();
    SendAndBreakAt(10, SnapshotOf(Content(1)));
    Send(other);
    EXPECT_THAT(receiver_->ear.taken, ElementsAre(other.message.snapshot->data.view()));
    EXPECT_EQ(kept(), 0U);
    EXPECT_THAT(Files(), IsEmpty());
  }
}

TEST_F(ResumeTest, GoesOnBeforeAPartThatIsDamaged) {
  const std::string content = Content(1);
  SendAndBreakAt(10, SnapshotOf(content));
  const std::string path = std::string(kFolder) + "/" + PartName(3, 2, 1);
  std::string bytes = *disk_->ReadFile(path, 1 << 20);
  bytes[bytes.size() / 2] ^= 1;
  ASSERT_TRUE(disk_->Overwrite(path, bytes).ok());
  Send(SnapshotOf(content));
  EXPECT_THAT(receiver_->ear.taken, ElementsAre(content));
  EXPECT_EQ(kept(), kPartBytes);
}

TEST_F(ResumeTest, KeepsNoMoreThanIsAllowed) {
  options_.max_partial_bytes = 2 * kSnapshotBytes;
  Restart(NewDisk());
  for (GroupId group = 1; group <= 4; group++) {
    SendAndBreakAt(15, SnapshotOf(Content(group), group));
    uint64_t bytes = 0;
    for (const std::string& name : Files()) {
      bytes += *disk_->FileSize(std::string(kFolder) + "/" + name);
    }
    EXPECT_LE(bytes, options_.max_partial_bytes);
    EXPECT_GE(bytes, 10 * kChunkBytes);
  }
  Send(SnapshotOf(Content(1), 1));
  EXPECT_EQ(kept(), 0U) << "what was used least lately goes";
  Send(SnapshotOf(Content(4), 4));
  EXPECT_GT(kept(), 0U);
}

TEST_F(ResumeTest, RemovesWhatNobodyAsksFor) {
  SendAndBreakAt(10, SnapshotOf(Content(1)));
  EXPECT_FALSE(Files().empty());
  Run(options_.partial_kept_ms / 2);
  Restart(disk_->KillClone());
  EXPECT_FALSE(Files().empty());
  Run(2 * options_.partial_kept_ms);
  EXPECT_THAT(Files(), IsEmpty());
}

TEST_F(ResumeTest, RemovesWhatWasBeingWritten) {
  SendAndBreakAt(10, SnapshotOf(Content(1)));
  const size_t parts = Files().size();
  ASSERT_TRUE((*disk_->CreateAppend(std::string(kFolder) + "/3-2-9.part.tmp"))->Close().ok());
  Restart(disk_->KillClone());
  EXPECT_EQ(Files().size(), parts);
}

TEST_F(ResumeTest, AFullDiskCostsOnlyWhatIsKept) {
  disk_->SetCapacity(2 * kPartBytes);
  const std::string content = Content(1);
  SendAndBreakAt(15, SnapshotOf(content));
  EXPECT_THAT(Files(), IsEmpty());
  Send(SnapshotOf(content));
  EXPECT_THAT(receiver_->ear.taken, ElementsAre(content));
  EXPECT_EQ(kept(), 0U);
}

TEST_F(ResumeTest, ANodeThatKnowsNoneOfItGetsItWhole) {
  Restart(NewDisk(), /*is_old=*/true);
  const std::string content = Content(1);
  Send(SnapshotOf(content));
  Send(SnapshotOf(content));
  EXPECT_THAT(receiver_->ear.taken, ElementsAre(content, content));
  EXPECT_THAT(sender_->ear.reports, ElementsAre(true, true));
}

// A receiver that asks for what there is not.
class Greedy final : public rpc::CallHandler {
 public:
  explicit Greedy(uint64_t offset) : offset_(offset) {}
  void OnMessage(rpc::Call& call, std::string /*message*/) override {
    if (messages_++ == 1) call.Send(EncodeSnapshotProgress({.offset = offset_}));
  }
  void OnDone(rpc::Call& /*call*/, const Status& /*status*/) override {}

 private:
  const uint64_t offset_;
  int messages_ = 0;
};

TEST_F(ResumeTest, RefusesAnOffsetBehindTheEnd) {
  for (const uint64_t offset : {uint64_t{kSnapshotBytes + 1}, UINT64_MAX}) {
    receiver_.reset();
    rpc::Service service{
        .name = "nokv.raft.v1.RaftTransport", .methods = {}, .executor = executor(), .limits = {}};
    service.methods.push_back({"ResumeSnapshot", [offset](const std::shared_ptr<rpc::Call>&) {
                                 return std::make_shared<Greedy>(offset);
                               }});
    const auto server = network_.Listen("2", {service});
    ASSERT_TRUE(server.ok());
    sender_->ear.reports.clear();
    Send(SnapshotOf(Content(1)));
    EXPECT_THAT(sender_->ear.reports, ElementsAre(false));
  }
  EXPECT_EQ(sender_->Count("refused_total", {{"reason", "chunk"}}), 2U);
}

TEST_F(ResumeTest, RefusesChunksThatItDidNotAskFor) {
  const std::string content = Content(1);
  SendAndBreakAt(10, SnapshotOf(content));
  const std::string hello = EncodeSnapshotHello({.cluster = 77, .from = 1, .to = 2});
  const std::string header = EncodeSnapshotHeader({.message = SnapshotOf(content),
                                                   .size_bytes = content.size(),
                                                   .crc32c = base::Crc32c(content)});
  const auto refused = [&] { return receiver_->Count("refused_total", {{"reason", "chunk"}}); };
  const auto channel = network_.NewChannel("x", "2", executor());
  for (const bool waits : {false, true}) {
    const uint64_t before = refused();
    const auto handler = std::make_shared<rpc::RecordingHandler>();
    const auto call = channel->Open("/nokv.raft.v1.RaftTransport/ResumeSnapshot", {}, handler);
    call->Send(hello);
    call->Send(header);
    if (waits) Run();
    // From the beginning, which is there.
    call->Send(EncodeSnapshotChunk(0, content.substr(0, kChunkBytes)));
    Run();
    EXPECT_EQ(handler->WaitForDone().code(), StatusCode::kInvalidArgument);
    EXPECT_EQ(refused(), before + 1);
  }
}

// A wrong checksum of all must not bring the same bytes back for ever.
TEST_F(ResumeTest, WhatIsNotWhatWasPromisedIsNotKept) {
  const std::string content = Content(1);
  const std::string hello = EncodeSnapshotHello({.cluster = 77, .from = 1, .to = 2});
  const std::string header = EncodeSnapshotHeader({.message = SnapshotOf(content),
                                                   .size_bytes = content.size(),
                                                   .crc32c = base::Crc32c(content) ^ 1});
  const auto channel = network_.NewChannel("x", "2", executor());
  const auto handler = std::make_shared<rpc::RecordingHandler>();
  const auto call = channel->Open("/nokv.raft.v1.RaftTransport/ResumeSnapshot", {}, handler);
  call->Send(hello);
  call->Send(header);
  Run();
  for (size_t offset = 0; offset < content.size(); offset += kChunkBytes) {
    call->Send(EncodeSnapshotChunk(offset, content.substr(offset, kChunkBytes)));
    Run(1);
  }
  Run();
  EXPECT_EQ(handler->WaitForDone().code(), StatusCode::kInvalidArgument);
  EXPECT_THAT(Files(), IsEmpty());
  EXPECT_THAT(receiver_->ear.taken, IsEmpty());
}

TEST(SnapshotPartTest, DamageIsSeenWhereverItIs) {
  const SnapshotPart part = {
      .of = {.group = 1, .member = 2, .index = 3, .term = 4, .size_bytes = 100, .crc32c = 5},
      .offset = 50,
      .data = "some bytes"};
  const std::string bytes = EncodePart(part);
  const auto decoded = DecodePart(bytes);
  ASSERT_TRUE(decoded.ok());
  EXPECT_EQ(decoded->of, part.of);
  EXPECT_EQ(decoded->offset, part.offset);
  EXPECT_EQ(decoded->data, part.data);
  for (size_t i = 0; i < bytes.size(); i++) {
    std::string damaged = bytes;
    damaged[i] ^= 1;
    EXPECT_FALSE(DecodePart(damaged).ok()) << i;
    EXPECT_FALSE(DecodePart(bytes.substr(0, i)).ok()) << i;
  }
  SnapshotPart too_long = part;
  too_long.offset = 91;
  EXPECT_FALSE(DecodePart(EncodePart(too_long)).ok());
}

TEST(SnapshotPartTest, NamesHaveOneSpelling) {
  GroupId group = 0;
  raft::NodeId member = 0;
  uint64_t number = 0;
  ASSERT_TRUE(ParsePartName(PartName(3, 12, 7), &group, &member, &number));
  EXPECT_EQ(group, 3U);
  EXPECT_EQ(member, 12U);
  EXPECT_EQ(number, 7U);
  for (const char* name : {"", "3", "3-12", "3-12-7", "3-12-7.part.tmp", "03-12-7.part",
                           "3-12--7.part", "3-12-99999999999999999999.part", "a-1-2.part"}) {
    EXPECT_FALSE(ParsePartName(name, &group, &member, &number)) << name;
  }
}

}  // namespace
}  // namespace nokv::transport
