// Node: runs the members of raft groups that a process hosts, one or many, over one raft log.
// docs/raft-node.md explains the ideas.
//
//   Node node(runtime, *log, sender, options);
//   node.AddGroup({.group = 7, .id = 2, .machine = &machine, .raft = config}, done);
//   node.Receive(envelopes);                       // from the other members
//   node.Propose(7, raft::Payload("x"), [](Outcome outcome) { … });
//   node.Stop([] { … });                           // then it may be destroyed
//
// Everything happens in passes, of which one runs at a time. A pass takes the mail in, gives the
// ticks that are due, and collects what all groups have: their messages leave together, what they
// store is one record of the log, and one sync makes it durable while passes go on. What was
// promised for it leaves when the sync has ended. Committed entries go to the state machines.
//
// Passes are tasks on Lane::kUrgent, syncs on Lane::kLog. The thread that ran a sync goes on with
// the pass that it makes possible, and so does one that brings messages; with
// NodeOptions::callers_may_wait it also syncs, and so does one that brings requests. No task waits
// for another, so that the simulated runtime can run all of it.
//
// Errors of the log end all groups, those of a state machine or of a group's storage that group.
//
// Thread safety: thread-safe, but for construction, Stop and destruction.
#pragma once

#include <climits>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/mutex.h"
#include "raftlog/raft_log.h"
#include "raftnode/options.h"
#include "raftnode/peer.h"
#include "runtime/runtime.h"

namespace nokv::raftnode {

class Node final : private PeerHost {
 public:
  // A proposal, or a read, which has no data.
  struct Request {
    GroupId group = 0;
    raft::Payload data = {};
    OutcomeDone done = {};
  };

  // All borrowed. `log` is written by nobody else from now on.
  Node(runtime::Runtime& runtime, raftlog::RaftLog& log, Sender& sender,
       const NodeOptions& options);
  // It was stopped, or none of its tasks will ever run again.
  ~Node() override;
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;

  // The member of `options` joins its group here. `done`: it runs; kAlreadyExists, or what its
  // storage or its config has against it.
  void AddGroup(GroupOptions options, Done done);
  // Stops the member, and forgets all that the log has of it; `done` when that is durable. Its id
  // must not be used again. kNotFound if it is not here.
  void RemoveGroup(GroupId group, Done done);

  // Messages of other members. If nothing else is to do, they are dealt with in this thread, which
  // must hold no locks: it costs most to wake another one when little is under way.
  void Receive(std::vector<Envelope> messages) EXCLUDES(mu_);
  // `done` is called by the state machine when the entry is applied; or with why it is not.
  void Propose(GroupId group, raft::Payload data, OutcomeDone done) EXCLUDES(mu_);
  // The same for several that came together: they share a pass.
  void Propose(std::vector<Request> proposals) EXCLUDES(mu_);
  // As Propose; without a reply.
  void ProposeConfChange(GroupId group, raft::ConfChange change, OutcomeDone done);
  // `done` is called when the state machine holds whatever was committed at the call: it may be
  // read then, and still later. Any member may be asked.
  void Read(GroupId group, OutcomeDone done) EXCLUDES(mu_);
  // The rest has no effect where it does not fit.
  void Campaign(GroupId group);
  void TransferLeader(GroupId group, raft::NodeId to);
  void ReportUnreachable(GroupId group, raft::NodeId to);
  void ReportSnapshot(GroupId group, raft::NodeId to, bool arrived);

  // As of the last pass; nullopt if the group is not here. Cheap.
  std::optional<GroupStatus> GetStatus(GroupId group) const EXCLUDES(status_mu_);
  std::vector<GroupId> Groups() const EXCLUDES(status_mu_);
  // With the progress of the followers, of a leader; nullopt if it does not run here.
  void Inspect(GroupId group, std::function<void(std::optional<raft::FullStatus>)> done);

  // Ends all groups; `stopped` is called when no task of it runs any more and nothing that it
  // borrowed is used. Once.
  void Stop(runtime::Task stopped);

 private:
  static constexpr int kNoLimit = INT_MAX;

  // What came since the last pass.
  struct Mail {
    std::vector<runtime::Task> calls;
    std::vector<Envelope> messages;
    std::vector<Request> proposals;
    std::vector<Request> reads;
    std::optional<Result<wal::LogPosition>> synced;
    uint64_t message_bytes = 0;
    uint64_t request_bytes = 0;

    // Keeps its memory.
    void Clear() {
      calls.clear();
      messages.clear();
      proposals.clear();
      reads.clear();
      synced.reset();
      message_bytes = request_bytes = 0;
    }
    bool empty() const {
      return calls.empty() && messages.empty() && proposals.empty() && reads.empty() && !synced;
    }
  };
  // A record of the log that must be synced, and who waits for that.
  struct Unsynced {
    wal::LogPosition end;
    std::vector<std::pair<Peer*, bool>> peers;  // and whether it was removed
  };

  // PeerHost.
  raftlog::RaftLog& log() override { return log_; }
  const NodeOptions& options() const override { return options_; }
  NodeMetrics& metrics() override { return metrics_; }
  uint64_t now_us() override { return pass_us_; }
  uint64_t NextNumber() override { return next_number_++; }
  bool InPass() const override;
  void Call(runtime::Task task) override EXCLUDES(mu_);
  void Touch(Peer* peer) override;

  uint64_t ClockMicros() const { return runtime_.clock().MonotonicMicros(); }

  // `fill` adds to the mail. True if no pass runs: the caller sees to it that one follows.
  template <typename Fill>
  bool Put(const Fill& fill) EXCLUDES(mu_);
  void PostRun();
  void Ask(std::vector<Request> Mail::* queue, std::vector<Request> requests) EXCLUDES(mu_);
  // Why the request is not taken, if it is not.
  Refusal TakeLocked(std::vector<Request> Mail::* queue, Request* request) REQUIRES(mu_);
  void RefuseAtOnce(const OutcomeDone& done, Refusal why);

  // The last sync was for an entry at most, and is over for a while: messages do not queue up.
  bool LittleIsUnderWayLocked() REQUIRES(mu_);
  // Passes until there is no mail, but not more than so many in this thread, and the sync that they
  // make necessary if the thread `may_wait`.
  void Run(int passes, bool may_wait) EXCLUDES(mu_);
  void Pass();
  void GiveTicks();
  void Deliver();
  void RunTouched();
  void SendCollected();
  void AppendCollected();
  void NoteAppended(wal::LogPosition end);
  void MaybeSync();
  void MaybeMark();
  void SyncLog() EXCLUDES(mu_);
  void NoteSynced(const Result<wal::LogPosition>& synced);
  void MaybeWriteAhead(wal::LogPosition end);
  void WriteAhead();
  void ArmTimer();
  void Publish() EXCLUDES(status_mu_);
  bool MayEnd() const;

  Status Add(const GroupOptions& options);
  Peer* Find(GroupId group);
  void FailAll(const Status& status);
  void Forget(Peer* peer);

  runtime::Runtime& runtime_;
  raftlog::RaftLog& log_;
  Sender& sender_;
  const NodeOptions options_;
  const std::unique_ptr<metrics::Registry> own_registry_;
  NodeMetrics metrics_;

  base::Mutex mu_;
  Mail mail_ GUARDED_BY(mu_);
  bool running_ GUARDED_BY(mu_) = false;  // a pass runs, or is posted
  bool ended_ GUARDED_BY(mu_) = false;
  uint64_t synced_at_us_ GUARDED_BY(mu_) = 0;  // the last time, and how long it took
  uint64_t sync_took_us_ GUARDED_BY(mu_) = 0;

  mutable base::Mutex status_mu_;
  std::map<GroupId, GroupStatus> statuses_ GUARDED_BY(status_mu_);

  // Of the pass.
  uint64_t pass_us_ = 0;  // when it began
  Mail taken_;            // and what was there then
  std::map<GroupId, std::unique_ptr<Peer>> peers_;
  std::unordered_map<GroupId, Peer*> by_group_;  // of `peers_`, to find one
  std::vector<Peer*> touched_;
  std::vector<Peer*> to_publish_;
  // Of one round of a pass; they keep their memory for the next one.
  std::vector<Peer*> round_;
  Collected collected_;
  std::vector<raftlog::GroupWrite> group_writes_;
  uint64_t next_number_;
  uint64_t next_tick_us_;
  bool timer_armed_ = false;
  runtime::TimerId timer_ = 0;
  std::deque<Unsynced> unsynced_;
  bool sync_wanted_ = false;
  bool syncing_ = false;
  uint64_t unsynced_entries_ = 0;  // appended since the last sync began
  uint64_t entries_of_sync_ = 0;   // before that
  bool mark_is_due_ = false;       // in the log, that it is synced
  bool syncs_here_ = false;        // the thread that runs the pass
  bool sync_is_due_ = false;       // in that thread, after the pass
  bool writing_ahead_ = false;
  wal::LogPosition write_ahead_at_;
  runtime::Task stopped_;  // set: it is being stopped
};

}  // namespace nokv::raftnode
