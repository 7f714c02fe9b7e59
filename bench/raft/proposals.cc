#include "bench/raft/proposals.h"

#include <utility>

#include "base/coding.h"

namespace nokv::bench {
namespace {

class ProposalHandler final : public rpc::CallHandler {
 public:
  using Propose = std::function<void(std::vector<StreamProposal>)>;

  ProposalHandler(Propose propose, const std::shared_ptr<rpc::Call>& call)
      : propose_(std::move(propose)), call_(call) {}

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
      proposals.push_back({rest.substr(0, size), [outbox = outbox_, call = call_, number](bool ok) {
                             std::string answer;
                             base::PutVarint64(&answer, number);
                             base::PutVarint64(&answer, ok ? 1 : 0);
                             const std::shared_ptr<rpc::Call> open = call.lock();
                             if (open != nullptr) outbox->Put(*open, answer);
                           }});
      rest.remove_prefix(size);
    }
    propose_(std::move(proposals));
  }
  void OnSent(rpc::Call& call) override { outbox_->Sent(call); }
  void OnDone(rpc::Call& /*call*/, const Status& /*status*/) override {}

 private:
  const Propose propose_;
  const std::weak_ptr<rpc::Call> call_;
  const std::shared_ptr<Outbox> outbox_ = std::make_shared<Outbox>();
};

}  // namespace

void Outbox::Put(rpc::Call& call, std::string_view bytes) {
  std::string ready;
  {
    const base::MutexLock lock(mu_);
    waiting_.append(bytes);
    if (std::exchange(writing_, true)) return;
    ready.swap(waiting_);
  }
  call.Send(std::move(ready));
}

void Outbox::Sent(rpc::Call& call) {
  std::string ready;
  {
    const base::MutexLock lock(mu_);
    writing_ = !waiting_.empty();
    if (!writing_) return;
    ready.swap(waiting_);
  }
  call.Send(std::move(ready));
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

void ProposalStream::OnMessage(rpc::Call& /*call*/, std::string message) {
  std::string_view rest = message;
  uint64_t number;
  uint64_t ok;
  while (base::GetVarint64(&rest, &number) && base::GetVarint64(&rest, &ok)) {
    if (const Done done = Take(number)) done(ok == 1);
  }
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

rpc::Method ProposalMethod(std::function<void(std::vector<StreamProposal>)> propose) {
  return {"Propose", [propose = std::move(propose)](const std::shared_ptr<rpc::Call>& call) {
            return std::make_shared<ProposalHandler>(propose, call);
          }};
}

}  // namespace nokv::bench
