#include "rpc/endpoints.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "rpc/service.h"

namespace nokv::rpc {

namespace {

// Those that were named at first, and those that these have named.
constexpr size_t kMaxEndpoints = 64;

// Asks one server after the other. One thing of it happens at a time.
class Asker : public std::enable_shared_from_this<Asker> {
 public:
  Asker(std::shared_ptr<Endpoints> endpoints, Question question)
      : endpoints_(std::move(endpoints)),
        question_(std::move(question)),
        index_(question_.only.value_or(endpoints_->preferred())) {}

  void Attempt() {
    const uint64_t now_us = endpoints_->now_us();
    if (now_us >= question_.deadline_us) return GiveUp();
    CallOptions options = {.deadline_ms = (question_.deadline_us - now_us + 999) / 1000};
    if (!question_.only.has_value()) {
      options.deadline_ms = std::min(options.deadline_ms, endpoints_->options().attempt_ms);
    }
    const std::shared_ptr<Call> call = endpoints_->Open(
        index_, question_.method, options,
        CollectAnswers(
            endpoints_->options().max_answer_bytes,
            [self = shared_from_this()](Answers answers) { self->Answered(std::move(answers)); }));
    if (call == nullptr) return question_.give_up(endpoints_->Closed());
    call->Send(question_.request);
    call->End(Status::Ok());
  }

 private:
  void Answered(Answers answers) {
    if (endpoints_->closed()) return question_.give_up(endpoints_->Closed());
    if (!question_.only.has_value()) endpoints_->Note(index_, answers.ok());
    question_.judge(
        index_, std::move(answers),
        [self = shared_from_this()](size_t next, const Status& why) { self->AskOn(next, why); });
  }

  void AskOn(size_t next, const Status& why) {
    why_ = why.Prefixed(endpoints_->AddressOf(index_));
    if (!question_.only.has_value()) {
      endpoints_->Note(index_, /*answered=*/false);
      index_ = next;
    }
    const uint64_t now_us = endpoints_->now_us();
    // Nobody waits beyond the deadline.
    const uint64_t left_us = question_.deadline_us > now_us ? question_.deadline_us - now_us : 0;
    endpoints_->PauseAfter(++asked_, left_us, [self = shared_from_this()](bool go) {
      if (!go) return self->question_.give_up(self->endpoints_->Closed());
      self->Attempt();
    });
  }

  void GiveUp() {
    const std::string& one = endpoints_->options().one;
    if (why_.ok()) {
      return question_.give_up(
          Status(StatusCode::kDeadlineExceeded, "no time was left to ask a " + one));
    }
    question_.give_up(
        Status(StatusCode::kDeadlineExceeded,
               "no " + one + " answered in time; the last one, " + std::string(why_.message()))
            .WithHint(why_.hint())
            .WithErrorNumber(why_.error_number()));
  }

  const std::shared_ptr<Endpoints> endpoints_;
  const Question question_;
  size_t index_;
  size_t asked_ = 0;
  Status why_;  // there was no answer the last time
};

}  // namespace

std::shared_ptr<Endpoints> Endpoints::Make(runtime::Runtime& runtime, EndpointsOptions options,
                                           Dial dial) {
  return std::shared_ptr<Endpoints>(new Endpoints(runtime, std::move(options), std::move(dial)));
}

Endpoints::Endpoints(runtime::Runtime& runtime, EndpointsOptions options, Dial dial)
    : runtime_(runtime), options_(std::move(options)), dial_(std::move(dial)) {
  NOKV_CHECK(!options_.addresses.empty());
  for (const std::string& address : options_.addresses) endpoints_.push_back({address, nullptr});
}

void Endpoints::Ask(Question question) {
  std::make_shared<Asker>(shared_from_this(), std::move(question))->Attempt();
}

void Endpoints::Close() {
  std::vector<std::unique_ptr<Channel>> channels;
  std::map<uint64_t, std::function<void(bool)>> paused;
  {
    base::MutexLock lock(mu_);
    closed_ = true;
    for (Endpoint& endpoint : endpoints_) channels.push_back(std::move(endpoint.channel));
    paused.swap(paused_);
  }
  for (const auto& [id, then] : paused) then(false);
}

bool Endpoints::closed() const {
  base::MutexLock lock(mu_);
  return closed_;
}

Status Endpoints::Closed() const {
  return {StatusCode::kCancelled, "the client is closed that asks a " + options_.one};
}

std::shared_ptr<Call> Endpoints::Open(size_t index, const std::string& method,
                                      const CallOptions& options,
                                      std::shared_ptr<CallHandler> handler) {
  base::MutexLock lock(mu_);
  if (closed_) return nullptr;
  Endpoint& endpoint = endpoints_[index];
  if (endpoint.channel == nullptr) endpoint.channel = dial_(endpoint.address);
  return endpoint.channel->Open(MethodPath(options_.service, method), options, std::move(handler));
}

void Endpoints::Pause(uint64_t pause_us, std::function<void(bool)> then) {
  uint64_t id = 0;
  {
    base::MutexLock lock(mu_);
    if (!closed_) paused_.emplace(id = next_id_++, then);
  }
  if (id == 0) return then(false);
  runtime_.PostAfter(runtime::Lane::kUrgent, pause_us,
                     [self = shared_from_this(), id] { self->Resume(id); });
}

void Endpoints::Resume(uint64_t id) {
  std::function<void(bool)> then;
  {
    base::MutexLock lock(mu_);
    const auto it = paused_.find(id);
    if (it == paused_.end()) return;
    then = std::move(it->second);
    paused_.erase(it);
  }
  then(true);
}

void Endpoints::PauseAfter(size_t failures, uint64_t most_us, std::function<void(bool)> then) {
  const size_t servers = count();
  if (failures % servers != 0) return then(true);
  const size_t rounds = failures / servers;
  const size_t doublings = std::min<size_t>(rounds > 0 ? rounds - 1 : 0, 2);
  Pause(std::min((options_.pause_ms << doublings) * 1000, most_us), std::move(then));
}

size_t Endpoints::preferred() const {
  base::MutexLock lock(mu_);
  return preferred_;
}

void Endpoints::Note(size_t index, bool answered) {
  base::MutexLock lock(mu_);
  if (answered) {
    preferred_ = index;
  } else if (preferred_ == index) {
    preferred_ = (index + 1) % endpoints_.size();
  }
}

size_t Endpoints::After(size_t index) const {
  base::MutexLock lock(mu_);
  return (index + 1) % endpoints_.size();
}

size_t Endpoints::count() const {
  base::MutexLock lock(mu_);
  return endpoints_.size();
}

std::string Endpoints::AddressOf(size_t index) const {
  base::MutexLock lock(mu_);
  return endpoints_[index].address;
}

size_t Endpoints::IndexOf(const std::string& address) {
  base::MutexLock lock(mu_);
  for (size_t i = 0; i < endpoints_.size(); i++) {
    if (endpoints_[i].address == address) return i;
  }
  if (endpoints_.size() >= kMaxEndpoints) return 0;
  endpoints_.push_back({address, nullptr});
  return endpoints_.size() - 1;
}

}  // namespace nokv::rpc
