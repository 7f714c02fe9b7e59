#include "server/meta_root.h"

#include <utility>
#include <vector>

#include "base/checked_line.h"
#include "base/hash.h"
#include "base/macros.h"
#include "base/random.h"
#include "engine/directory.h"
#include "raftnode/group_status.h"

namespace nokv::server {

namespace {

using metaroot::kRootGroup;

constexpr std::string_view kSnapshotFolder = "snapshots";
constexpr std::string_view kIdentity = "nokv-meta-root";
constexpr uint64_t kMaxIdentityBytes = 16 << 10;
constexpr int kElectionTicks = 5;
constexpr raft::Term kFoundingTerm = 1;
constexpr uint64_t kIncarnationSalt = 0x696e6361726e6174;
constexpr uint64_t kMaxUncommittedBytes = uint64_t{64} << 20;

// "1=127.0.0.1:3380 2=127.0.0.1:3381 3=127.0.0.1:3382"
std::string PeersText(const std::map<uint64_t, std::string>& peers) {
  std::string text;
  for (const auto& [id, address] : peers) {
    text += (text.empty() ? "" : " ") + std::to_string(id) + "=" + address;
  }
  return text;
}

std::string IdentityOf(const MetaRootOptions& options) {
  return "node " + std::to_string(options.node) + " of " + PeersText(options.peers);
}

// By what the nodes of one root know each other, before they have agreed on anything.
uint64_t TransportCluster(const MetaRootOptions& options) {
  return base::Hash64(PeersText(options.peers)) | 1;
}

raft::Config RaftConfig(const MetaRootOptions& options) {
  raft::Config config;
  config.election_ticks = kElectionTicks;
  config.heartbeat_ticks = 1;
  config.max_uncommitted_bytes = kMaxUncommittedBytes;
  config.check_quorum = true;
  config.pre_vote = true;
  config.seed = options.seed;
  return config;
}

// Says whose the directory is, if nobody has yet.
Status TakeDirectory(vfs::FileSystem& fs, const MetaRootOptions& options) {
  const std::string path = vfs::JoinPath(options.workdir, kMetaRootName);
  const std::string wanted = IdentityOf(options);
  ASSIGN_OR_RETURN(const bool exists, fs.Exists(path));
  if (!exists) {
    return vfs::WriteFileAtomically(fs, path, base::EncodeCheckedLine(wanted, kIdentity));
  }
  ASSIGN_OR_RETURN(const std::string content, fs.ReadFile(path, kMaxIdentityBytes));
  ASSIGN_OR_RETURN(const std::string_view found, base::DecodeCheckedLine(content, kIdentity, path));
  if (found == wanted) return Status::Ok();
  return Status::FailedPrecondition(options.workdir + " belongs to " + std::string(found) +
                                    ", not to " + wanted)
      .WithHint("give --node-id and --peer as that node has them, or another --workdir")
      .WithErrorNumber(2304);
}

// Of what the node could not go on without, whether its disk was the reason.
Status Explained(const Status& status, const MetaRootOptions& options) {
  const bool disk =
      status.code() == StatusCode::kResourceExhausted || status.code() == StatusCode::kUnavailable;
  if (!disk || status.error_number() != 0) return status;
  const bool full = status.code() == StatusCode::kResourceExhausted && !status.hint().empty();
  // Not "unavailable": asking again does not help.
  return Status::ResourceExhausted("node " + std::to_string(options.node) + " cannot write to " +
                                   options.workdir + ": " + std::string(status.message()))
      .WithHint(std::string(full ? status.hint() : "mend the disk") +
                ", then start it again; nothing is lost, and the other nodes go on")
      .WithErrorNumber(2307);
}

}  // namespace

Result<std::unique_ptr<MetaRoot>> MetaRoot::Open(const MetaRootOptions& options,
                                                 const MetaRootDoors& doors) {
  if (!options.peers.contains(options.node)) {
    return Status::InvalidArgument("node " + std::to_string(options.node) +
                                   " is none of the peers " + PeersText(options.peers))
        .WithHint("--node-id is the id of one of the --peer");
  }
  std::unique_ptr<MetaRoot> root(new MetaRoot(options, doors));
  const Status opened = root->OpenDirectory();
  if (!opened.ok()) return Explained(opened, options);
  return root;
}

MetaRoot::MetaRoot(const MetaRootOptions& options, const MetaRootDoors& doors)
    : options_(options), doors_(doors), machine_(doors.runtime.clock(), this) {}

MetaRoot::~MetaRoot() = default;

Status MetaRoot::OpenDirectory() {
  RETURN_IF_ERROR(engine::CreateDirectory(doors_.fs, options_.workdir));
  ASSIGN_OR_RETURN(lock_, engine::LockDirectory(doors_.fs, options_.workdir, /*read_only=*/false));
  RETURN_IF_ERROR(TakeDirectory(doors_.fs, options_));
  raftlog::RaftLogOptions log_options;
  log_options.segment_bytes = options_.segment_bytes;
  log_options.salt_seed = options_.seed;
  log_options.logger = &doors_.logger;
  ASSIGN_OR_RETURN(log_, raftlog::RaftLog::Open(doors_.fs, options_.workdir, log_options));
  RETURN_IF_ERROR(OpenIdentity());
  OpenRaft();
  return Status::Ok();
}

Status MetaRoot::OpenIdentity() {
  RootIdentityOptions options;
  options.workdir = options_.workdir;
  options.node = options_.node;
  for (const auto& [id, address] : options_.peers) {
    if (id != options_.node) options.others.insert(id);
  }
  options.incarnation = base::Random(options_.seed ^ kIncarnationSalt).Next() | 1;
  ASSIGN_OR_RETURN(identity_, RootIdentity::Open(options, doors_.fs, doors_.runtime, doors_.logger,
                                                 [failed = doors_.failed](const Status& why) {
                                                   if (failed) failed(why);
                                                 }));
  const raftlog::GroupStorage& storage = log_->StorageOf(kRootGroup);
  ASSIGN_OR_RETURN(const raft::Storage::Saved saved, storage.Load());
  // Nothing but that with which every node begins.
  const bool is_new = saved.hard_state.term <= kFoundingTerm &&
                      saved.hard_state.vote == raft::kNoNode && storage.LastIndex() <= 1;
  if (is_new) identity_->SetNew();
  return Status::Ok();
}

void MetaRoot::OpenRaft() {
  raftnode::NodeOptions node_options;
  node_options.tick_us = options_.tick_us;
  node_options.seed = options_.seed;
  node_options.logger = &doors_.logger;
  node_options.registry = &doors_.registry;
  node_options.observer = options_.observer;
  transport::TransportOptions transport_options;
  transport_options.cluster = TransportCluster(options_);
  transport_options.node = options_.node;
  // There are two others: a node that is back is heard at once.
  transport_options.max_backoff_ms = 100;
  transport_options.snapshot_folder = vfs::JoinPath(options_.workdir, kSnapshotFolder);
  raft_ = std::make_unique<raftnode::ClusterNode>(
      doors_.runtime, *log_, node_options, transport_options,
      transport::TransportDoors{doors_.runtime.clock(), doors_.logger, doors_.registry, doors_.dial,
                                identity_.get(), &doors_.fs, &doors_.runtime});
  for (const auto& [id, address] : options_.peers) {
    if (id != options_.node) raft_->transport().SetPeer(id, address);
  }
  metaroot::RootServiceOptions service_options;
  service_options.watch = options_.watch;
  service_options.describe = [this](metaroot::NodeStatus* status) {
    status->node = options_.node;
    status->members = options_.peers;
    status->version = options_.version;
    const Status problem = status->leader == raft::kNoNode ? identity_->problem() : Status::Ok();
    if (!problem.ok()) status->waits_for = "the others: " + std::string(problem.message());
  };
  service_ = std::make_unique<metaroot::RootService>(doors_.runtime, raft_->node(), machine_,
                                                     std::move(service_options));
}

void MetaRoot::Start() {
  std::vector<uint64_t> members;
  for (const auto& [id, address] : options_.peers) members.push_back(id);
  raftnode::GroupOptions group;
  group.group = kRootGroup;
  group.id = options_.node;
  group.machine = &machine_;
  group.raft = RaftConfig(options_);
  group.founding = metaroot::RootMachine::Founding(members);
  group.snapshot_entries = options_.snapshot_entries;
  group.kept_entries = options_.kept_entries;
  // Who watches a follower hears of a commit at once.
  group.tells_commits = true;
  raft_->node().AddGroup(std::move(group), [this](const Status& status) {
    if (!status.ok()) Stopped(status);
  });
}

void MetaRoot::Stop(runtime::Task stopped) {
  service_->Close([this, stopped = std::move(stopped)] { raft_->node().Stop(stopped); });
}

Status MetaRoot::Ready() const {
  {
    const base::MutexLock lock(mu_);
    if (!failure_.ok()) return failure_;
  }
  const auto group = raft_->node().GetStatus(kRootGroup);
  if (!group.has_value()) return Status::Unavailable("it has not joined its group yet");
  if (!group->failure.ok()) return group->failure;
  if (group->raft.soft_state.lead == raft::kNoNode) {
    RETURN_IF_ERROR(identity_->problem());
    return Status::Unavailable("it knows of no leader: two of the three nodes must see each other");
  }
  return Status::Ok();
}

void MetaRoot::Changed() {
  service_->Notify();
  const uint64_t cluster = machine_.head().cluster_id;
  if (cluster != 0 && !identified_.exchange(true)) {
    const Status same = identity_->SetCluster(cluster);
    if (!same.ok()) Stopped(same);
  }
  if (!machine_.ShouldFound() || founding_.exchange(true)) return;
  // Of two nodes that do so, the first one is heard.
  const metaroot::Command command = {.events = {metaroot::ClusterCreated{options_.cluster_id}}};
  raft_->node().Propose(kRootGroup, raft::Payload(metaroot::EncodeCommand(command)),
                        [this](const raftnode::Outcome& /*outcome*/) { founding_ = false; });
}

void MetaRoot::Stopped(const Status& reason) {
  const Status explained = Explained(reason, options_);
  {
    const base::MutexLock lock(mu_);
    failure_ = explained;
  }
  if (doors_.failed) doors_.failed(explained);
}

}  // namespace nokv::server
