#include "bench/raft/proposals.h"

#include <atomic>
#include <utility>

#include "base/coding.h"

namespace nokv::bench {
namespace {

// The answers of one stream, which may come when the stream has ended.
class Answers : public std::enable_shared_from_this<Answers> {
 public:
  Answers(const std::shared_ptr<rpc::Call>& call, const rpc::Executor& soon)
      : call_(call), soon_(soon) {}

  void Expect() { expected_++; }
  void Answer(uint64_t number, bool ok) {
    std::string answer;
    base::PutVarint64(&answer, number);
    base::PutVarint64(&answer, ok ? 1 : 0);
    const std::shared_ptr<rpc::Call> call = call_.lock();
    if (call == nullptr) return;
    if (--expected_ == 0) return outbox_.Put(*call, answer);
    if (!outbox_.PutMore(answer)) return;
    soon_([self = shared_from_this(), call] { self->outbox_.Release(*call); });
  }
  void Sent(rpc::Call& call) { outbox_.Sent(call); }

 private:
  const std::weak_ptr<rpc::Call> call_;
  const rpc::Executor soon_;
  std::atomic<uint64_t> expected_{0};
  Outbox outbox_;
};

class ProposalHandler final : public rpc::CallHandler {
 public:
  using Propose = std::function<void(std::vector<StreamProposal>)>;

  ProposalHandler(Propose propose, std::shared_ptr<Answers> answers)
      : propose_(std::move(propose)), answers_(std::move(answers)) {}

  void OnMessage(rpc::Call& call, std::string message) override {
    std::vector<StreamProposal> proposals;
    std::string_view rest = message;
    while (!rest.empty()) {
      uint64_t number;
      uint64_t size;
      if (!base::GetVarint64(&rest, &number) || !base::GetVarint64(&rest, &size) ||
          size > rest.size()) {
        return call.End(Status::InvalidArgument("that is no proposal"));
      }
      answers_->Expect();
      proposals.push_back({rest.substr(0, size),
                           [answers = answers_, number](bool ok) { answers->Answer(number, ok); }});
      rest.remove_prefix(size);
    }
    propose_(std::move(proposals));
  }
  void OnSent(rpc::Call& call) override { answers_->Sent(call); }
  void OnDone(rpc::Call& /*call*/, const Status& /*status*/) override {}

 private:
  const Propose propose_;
  const std::shared_ptr<Answers> answers_;
};

}  // namespace

std::string Outbox::TakeLocked() {
  if (writing_ || held_) return {};
  writing_ = !waiting_.empty();
  return std::exchange(waiting_, {});
}

void Outbox::Put(rpc::Call& call, std::string_view bytes) {
  std::string ready;
  {
    const base::MutexLock lock(mu_);
    waiting_.append(bytes);
    ready = TakeLocked();
  }
  if (!ready.empty()) call.Send(std::move(ready));
}

bool Outbox::PutMore(std::string_view bytes) {
  const base::MutexLock lock(mu_);
  const bool first = waiting_.empty() && !writing_;
  waiting_.append(bytes);
  return first;
}

void Outbox::Sent(rpc::Call& call) {
  std::string ready;
  {
    const base::MutexLock lock(mu_);
    writing_ = false;
    ready = TakeLocked();
  }
  if (!ready.empty()) call.Send(std::move(ready));
}

void Outbox::Hold() {
  const base::MutexLock lock(mu_);
  held_ = true;
}

void Outbox::Release(rpc::Call& call) {
  std::string ready;
  {
    const base::MutexLock lock(mu_);
    held_ = false;
    ready = TakeLocked();
  }
  if (!ready.empty()) call.Send(std::move(ready));
}

void ProposalStream::Open(rpc::Channel& channel) {
  call_ = channel.Open(rpc::MethodPath(std::string(kProposalService), "Propose"), {},
                       shared_from_this());
}

void ProposalStream::Propose(std::string_view value, Done done) {
  std::string request;
  {
    const base::MutexLock lock(mu_);
    base::PutVarint64(&request, next_);
    if (!ended_) waiting_.emplace(next_++, std::exchange(done, nullptr));
  }
  if (done) return done(false);
  base::PutVarint64(&request, value.size());
  request.append(value);
  outbox_.Put(*call_, request);
}

ProposalStream::Done ProposalStream::Take(uint64_t number) {
  const base::MutexLock lock(mu_);
  const auto found = waiting_.find(number);
  if (found == waiting_.end()) return nullptr;
  Done done = std::move(found->second);
  waiting_.erase(found);
  return done;
}

void ProposalStream::OnMessage(rpc::Call& call, std::string message) {
  outbox_.Hold();
  std::string_view rest = message;
  uint64_t number;
  uint64_t ok;
  while (base::GetVarint64(&rest, &number) && base::GetVarint64(&rest, &ok)) {
    if (const Done done = Take(number)) done(ok == 1);
  }
  outbox_.Release(call);
}

void ProposalStream::OnDone(rpc::Call& /*call*/, const Status& /*status*/) {
  std::map<uint64_t, Done> waiting;
  {
    const base::MutexLock lock(mu_);
    ended_ = true;
    waiting.swap(waiting_);
  }
  for (const auto& [number, done] : waiting) done(false);
}

rpc::Method ProposalMethod(std::function<void(std::vector<StreamProposal>)> propose,
                           rpc::Executor soon) {
  return {"Propose", [propose = std::move(propose),
                      soon = std::move(soon)](const std::shared_ptr<rpc::Call>& call) {
            return std::make_shared<ProposalHandler>(propose,
                                                     std::make_shared<Answers>(call, soon));
          }};
}

}  // namespace nokv::bench
