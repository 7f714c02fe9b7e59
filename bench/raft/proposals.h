// Proposals over a stream, as a client library would send them: what comes while a write is under
// way is the next message, in both directions; answers to what was applied together leave together,
// and so does what is asked because of answers that came together.
//
// A message of the client is a sequence of (number, length, bytes), one of the server a sequence of
// (number, 1 if it was applied), all numbers as varints.
//
// Thread safety: thread-safe.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/mutex.h"
#include "rpc/call.h"
#include "rpc/service.h"

namespace nokv::bench {

// What waits for a write of one call.
class Outbox {
 public:
  // Takes over `bytes`. They leave at once if no write is under way and nobody holds it.
  void Put(rpc::Call& call, std::string_view bytes) EXCLUDES(mu_);
  // The same, but more is expected: they leave with what is put or released next. True if nothing
  // else waited, so that somebody has to see to a release.
  bool PutMore(std::string_view bytes) EXCLUDES(mu_);
  void Sent(rpc::Call& call) EXCLUDES(mu_);
  // What is put after this leaves with the release.
  void Hold() EXCLUDES(mu_);
  void Release(rpc::Call& call) EXCLUDES(mu_);

 private:
  // What leaves now; empty if that is nothing.
  std::string TakeLocked() REQUIRES(mu_);

  base::Mutex mu_;
  std::string waiting_ GUARDED_BY(mu_);
  bool writing_ GUARDED_BY(mu_) = false;
  bool held_ GUARDED_BY(mu_) = false;
};

// The client's end. When the call ends, what waits and what comes has failed.
class ProposalStream final : public rpc::CallHandler,
                             public std::enable_shared_from_this<ProposalStream> {
 public:
  using Done = std::function<void(bool ok)>;

  void Open(rpc::Channel& channel);
  void Propose(std::string_view value, Done done) EXCLUDES(mu_);
  void Close() { call_->End(Status::Ok()); }

  void OnMessage(rpc::Call& call, std::string message) override;
  void OnSent(rpc::Call& call) override { outbox_.Sent(call); }
  void OnDone(rpc::Call& call, const Status& status) override;

 private:
  Done Take(uint64_t number) EXCLUDES(mu_);

  std::shared_ptr<rpc::Call> call_;
  Outbox outbox_;
  base::Mutex mu_;
  uint64_t next_ GUARDED_BY(mu_) = 0;
  std::map<uint64_t, Done> waiting_ GUARDED_BY(mu_);
  bool ended_ GUARDED_BY(mu_) = false;
};

inline constexpr std::string_view kProposalService = "nokv.bench.Proposals";

struct StreamProposal {
  std::string_view value;
  ProposalStream::Done done;
};

// The server's end: hands the proposals of each message to `propose`. Answers leave at once if no
// other is expected, else with those that come before `soon` runs.
rpc::Method ProposalMethod(std::function<void(std::vector<StreamProposal>)> propose,
                           rpc::Executor soon);

}  // namespace nokv::bench
