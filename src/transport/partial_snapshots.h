// PartialSnapshots: what has come of snapshots whose streams broke, in files, so that the next
// stream goes on behind it, after a restart of the process too. Private to transport.
//
// A snapshot is kept in parts of some size (transport/snapshot_part.h), each written when it has
// come, and the rest when the stream ends. There is one snapshot for each member of a group:
// another one takes its place. What nobody has asked for in a while is removed, and so is what was
// asked for least lately if there would be too much.
//
// Files are read and written by tasks on Lane::kFlush, one at a time. An error of the disk costs
// what was kept, and nothing else.
//
// Thread safety: thread-safe. Completions run in those tasks.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/mutex.h"
#include "runtime/runtime.h"
#include "transport/snapshot_part.h"
#include "vfs/vfs.h"

namespace nokv::transport {

struct PartialOptions {
  std::string folder;           // of its own; made when the first part is written
  uint64_t max_bytes = 0;       // of all files
  uint64_t max_data_bytes = 0;  // of one snapshot
  uint64_t kept_ms = 0;         // without being asked for
};

class PartialSnapshots : public std::enable_shared_from_this<PartialSnapshots> {
 public:
  // Whose the parts of a member are: the last stream that claimed them.
  using Claim = uint64_t;
  using Claimed = std::function<void(Claim claim, std::string data)>;

  // Both are borrowed. Tasks that have not begun when this is destroyed do nothing.
  PartialSnapshots(runtime::Runtime& runtime, vfs::FileSystem& fs, PartialOptions options);
  // Removes what no later claim could use. Once, before anything else.
  void Begin();

  // `claimed` gets what is durable of the snapshot, from its first byte on; what was kept of
  // another one for the same member is removed. What earlier claims of the member still do has no
  // effect. Nothing is kept of it if too much waits for the disk.
  void Take(const SnapshotIdentity& of, Claimed claimed) EXCLUDES(mu_);
  // The bytes that come next, at `offset`. `done` when they are durable, or will never be.
  void Save(Claim claim, uint64_t offset, std::string data, runtime::Task done) EXCLUDES(mu_);
  // Nobody needs it any more: it has come whole, or was not what it should be.
  void Drop(Claim claim) EXCLUDES(mu_);

 private:
  using Member = std::pair<GroupId, raft::NodeId>;
  struct Kept {
    SnapshotIdentity of;
    Claim claim = 0;  // 0: nobody's since the process began
    uint64_t parts = 0;
    uint64_t data_bytes = 0;
    uint64_t file_bytes = 0;
    uint64_t used_us = 0;
  };

  // False, and nothing else, if too much waits.
  bool Post(runtime::Task task) EXCLUDES(mu_);
  void PostNext();
  void RunNext() EXCLUDES(mu_);

  // The rest is for the tasks.
  void Clean();
  std::string Load(const SnapshotIdentity& of);
  Kept* Find(Claim claim);
  // False if it is not kept after all.
  bool Write(Kept* kept, std::string_view data);
  // Makes room for `bytes` more beside `member`, if there can be.
  bool MakeRoom(const Member& member, uint64_t bytes);
  // Of the parts of `member` those from this one on.
  void RemoveParts(const Member& member, uint64_t from);
  void Remove(const Member& member);
  void RemoveOld();
  void ArmTimer();
  std::string PathOf(const Member& member, uint64_t number) const;

  runtime::Runtime& runtime_;
  vfs::FileSystem& fs_;
  const PartialOptions options_;
  base::Mutex mu_;
  std::deque<runtime::Task> tasks_ GUARDED_BY(mu_);
  bool running_ GUARDED_BY(mu_) = false;
  // Of the tasks.
  std::map<Member, Kept> kept_;
  Claim next_claim_ = 1;
  bool timer_armed_ = false;
};

}  // namespace nokv::transport
