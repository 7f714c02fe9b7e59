// RawNode: one member of a raft group, as a pure state machine. Ticks, messages and proposals go
// in, a Ready comes out. It does no I/O, reads no clock, starts no thread; the same calls with the
// same seed give the same results.
//
//   node.Tick();  node.Step(message);  node.Propose(data);
//   while (node.HasReady()) {
//     Ready ready = node.TakeReady();
//     Store(ready.snapshot, ready.entries, ready.hard_state, ready.must_sync);
//     Send(ready.messages);
//     Apply(ready.committed_entries);
//     node.Advance();
//   }
//
// The caller's obligations:
//
//  1. One caller at a time.
//  2. Tick at a steady rate, the same on all members. With lease-based reads, make all ticks that
//     are due before ReadIndex: a process that stood still must not go by its old view of time.
//  3. Store the parts of a Ready in this order: snapshot, entries (which replace what is at and
//     after the first of them), hard state. If must_sync, or a snapshot is there, they are durable
//     before anything else of it is used.
//  4. Send messages only after that. A leader may send its kApp messages earlier, while it syncs.
//  5. Readies are handled in order; Advance follows each, after what it holds is stored and
//     applied.
//  6. Apply committed entries in order and exactly once per state of the application. Keep the
//     applied index with the effects, and give it as Config::applied at the next start.
//  7. Call ApplyConfChange for every committed configuration entry, when it is applied, with the
//     change that DecodeConfChange finds in it; set the node of a step to zero to strike it out.
//     Keep the ConfState that it returns with the applied index, for snapshots and for Load.
//  8. Storage answers with all that was stored, and with nothing that was only handed out.
//  9. Messages may be lost, repeated and reordered. They may not be changed or invented: Step
//     refuses what cannot be right, but it trusts the members it knows.
// 10. Tell ReportUnreachable of a peer that cannot be reached and ReportSnapshot how sending a
//     kSnap ended; without the latter the follower waits for ever after a failure.
// 11. An id is used once. A member that lost what it stored comes back under a new id. One that was
//     removed stays up until all voters that stay have applied that: they may need its vote.
// 12. Compact the log only up to what is applied, and have a snapshot from there on. Renew it when
//     members were added: they ignore one that does not name them.
// 13. Stop the group when failure() is not OK: the storage failed, and hands out nothing any more.
//
// With Config::async_storage_writes, 3 to 5 are replaced by these, and Advance is not called:
//
// 14. Messages to kAppendThread are handled in order, each as 3. says: snapshot, entries, and a
//     hard state unless its term, vote and commit are all zero. When it is durable, deliver its
//     responses: to peers by the network, to this node by Step. Without responses it need not be
//     durable yet; if it only tells a commit index, that may be written with the next one.
// 15. Messages to kApplyThread are handled in order: apply the entries, deliver the responses.
// 16. If ApplyConfChange answers kAborted, a snapshot has overtaken the entry: neither it nor what
//     was handed out after it is applied until the snapshot is installed, and then nothing up to
//     its index. The responses are delivered all the same.
// 17. Neither kind may be dropped, except by a restart. All other messages may leave at once.
//
// Thread safety: thread-compatible.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "nokv/status.h"
#include "raft/conf_change.h"
#include "raft/config.h"
#include "raft/raft.h"
#include "raft/tracker/tracker.h"
#include "raft/types.h"

namespace nokv::raft {

// What the caller must do now. Parts that are empty need nothing. With asynchronous storage writes
// the entries are in the messages to the storage threads only: EntriesToStore, EntriesToApply.
struct Ready {
  std::optional<SoftState> soft_state;  // if the leader or the own role changed
  HardState hard_state;                 // empty if unchanged
  std::vector<ReadState> read_states;
  std::vector<Entry> entries;                // to store
  std::shared_ptr<const Snapshot> snapshot;  // to store and take over; null if there is none
  std::vector<Entry> committed_entries;      // to apply
  std::vector<Message> messages;             // to send
  bool must_sync = false;
};

// Those of a Ready, wherever they are. Valid as long as it is not changed.
std::span<const Entry> EntriesToStore(const Ready& ready);
std::span<const Entry> EntriesToApply(const Ready& ready);

struct BasicStatus {
  NodeId id = kNoNode;
  HardState hard_state;
  SoftState soft_state;
  LogIndex applied = 0;
  LogIndex last_index = 0;
  NodeId transferee = kNoNode;
};

struct FullStatus {
  BasicStatus basic;
  Configuration config;
  ProgressMap progress;  // of a leader; otherwise empty
};

class RawNode {
 public:
  // kInvalidArgument: the config is wrong; otherwise the storage failed or contradicts itself.
  static Result<std::unique_ptr<RawNode>> Open(const Config& config);

  // All calls below return failure() once that is not OK.

  void Tick();
  // A message of a peer or of a storage thread arrived. Of the refusals, kInvalidArgument: it
  // cannot be right; kNotFound: an answer from somebody who is no member; kUnavailable,
  // kResourceExhausted: a proposal or read was dropped, see Propose; kDataLoss: it contradicts what
  // is committed here, so somebody lost data. Nothing changed then, but for the term.
  Status Step(Message&& message);
  Status Step(const Message& message) { return Step(Message(message)); }

  // Starts an election, unless this node leads or cannot.
  Status Campaign();
  // OK: proposed, not committed; it can still be lost. kUnavailable: there is no leader, or it
  // takes no proposals now; kResourceExhausted: too much is uncommitted.
  Status Propose(Payload data);
  // All of them or none, as entries that follow each other.
  Status Propose(std::vector<Payload> batch);
  // As Propose. A change that does not fit the configuration becomes an empty entry. `v1` proposes
  // the first form, which has exactly one step.
  Status ProposeConfChange(const ConfChange& change, bool v1 = false);
  // kFailedPrecondition if the change does not fit the configuration, which then stays; kAborted if
  // a snapshot has overtaken it, see 16.
  Result<ConfState> ApplyConfChange(const ConfChange& change);
  // A read state with `context` will be in a Ready, unless the request is lost: then ask again.
  Status ReadIndex(std::string context);
  // Has `transferee` elected; given up after an election timeout, during which nothing is proposed.
  Status TransferLeader(NodeId transferee);
  // A follower votes for others although it has just heard of its leader. kFailedPrecondition with
  // lease-based reads.
  Status ForgetLeader();
  void ReportUnreachable(NodeId peer);
  void ReportSnapshot(NodeId peer, bool succeeded);

  bool HasReady() const;
  Ready TakeReady();
  // The same, in the memory of one that is done with.
  void TakeReady(Ready* ready);
  // Takes the memory of the responses of a message, which were delivered, for the next ones.
  void Recycle(std::vector<Message> responses);
  // Not with async_storage_writes. What the last Ready holds is stored and applied.
  Status Advance();

  BasicStatus GetBasicStatus() const;
  FullStatus GetStatus() const;
  // What the leader knows of `node`; null if it is no member. Valid until the next call.
  const Progress* FindProgress(NodeId node) const { return raft_->tracker().Find(node); }
  const Status& failure() const { return raft_->log().failure(); }

  // Fixes the election timeout until the next change of the role; for tests.
  void SetElectionTimeoutForTest(int ticks) { raft_->SetElectionTimeout(ticks); }

 private:
  RawNode(std::unique_ptr<Raft> raft, bool async);

  bool AllowUnstable() const { return !async_; }
  Status StepLocal(Message&& message);
  bool NeedsAppendResponse(const Ready& ready) const;
  Message AppendResponse(const Ready& ready) const;
  Message ApplyResponse(const Ready& ready) const;
  std::vector<Message> TakeSpare();
  // The messages to the storage threads take the entries over.
  void AddAppendMessage(Ready* ready);
  void AddApplyMessage(Ready* ready);
  void SplitPromises(Ready* ready);
  void Accept(const Ready& ready);

  const std::unique_ptr<Raft> raft_;
  const bool async_;
  SoftState last_soft_state_;
  HardState last_hard_state_;
  bool awaits_advance_ = false;
  std::vector<Message> steps_on_advance_;
  std::vector<std::vector<Message>> spares_;  // empty, and with memory
};

}  // namespace nokv::raft
