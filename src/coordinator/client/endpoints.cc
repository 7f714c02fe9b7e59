#include "coordinator/client/endpoints.h"

#include <nokv/coordinator/v1/coordinator.pb.h>

#include <algorithm>
#include <utility>

#include "rpc/service.h"

namespace nokv::coordinator {

namespace {

namespace wire = ::nokv::coordinator::v1;

constexpr const char* kService = "nokv.coordinator.v1.Coordinator";
// Those that were named, and those that these have named.
constexpr size_t kMaxEndpoints = 64;

// Takes one answer.
class AnswerHandler final : public rpc::CallHandler {
 public:
  explicit AnswerHandler(std::function<void(Result<std::string>)> done) : done_(std::move(done)) {}

  void OnMessage(rpc::Call& /*call*/, std::string message) override {
    answer_ = std::move(message);
  }
  void OnDone(rpc::Call& /*call*/, const Status& status) override {
    if (status.ok()) return done_(std::move(answer_));
    done_(status);
  }

 private:
  const std::function<void(Result<std::string>)> done_;
  std::string answer_;  // an empty message is no bytes
};

// Asks one coordinator after the other. One thing of it happens at a time.
class Asker : public std::enable_shared_from_this<Asker> {
 public:
  Asker(std::shared_ptr<Endpoints> endpoints, Question question)
      : endpoints_(std::move(endpoints)), question_(std::move(question)) {}

  void Start() {
    index_ = question_.only_first ? question_.first : endpoints_->preferred(question_.for_holder);
    Attempt();
  }

 private:
  void Attempt() {
    const uint64_t now_us = endpoints_->now_us();
    if (now_us >= question_.deadline_us) return GiveUp();
    const uint64_t left_ms = (question_.deadline_us - now_us + 999) / 1000;
    const rpc::CallOptions options = {.deadline_ms =
                                          std::min(left_ms, endpoints_->options().attempt_ms)};
    const std::shared_ptr<rpc::Call> call = endpoints_->Open(
        index_, question_.method, options,
        std::make_shared<AnswerHandler>([self = shared_from_this()](Result<std::string> answer) {
          self->Answered(std::move(answer));
        }));
    if (call == nullptr) return question_.done(ClientClosed());
    call->Send(question_.request);
    call->End(Status::Ok());
  }

  void Answered(Result<std::string> answer) {
    if (endpoints_->closed()) return question_.done(ClientClosed());
    if (answer.ok() && !question_.only_first) endpoints_->Prefer(index_, question_.for_holder);
    if (answer.ok() || question_.only_first || !WorthAnotherTry(answer.status())) {
      return question_.done(std::move(answer));
    }
    last_ = answer.status().Prefixed(endpoints_->AddressOf(index_));
    asked_++;
    if (answer.status().error_number() != kNotTheHolder) return Next(endpoints_->After(index_));
    endpoints_->FindHolder(index_, [self = shared_from_this()](size_t next) { self->Next(next); });
  }

  void Next(size_t index) {
    index_ = index;
    if (asked_ % endpoints_->count() == 0) return AfterPause();
    Attempt();
  }

  void AfterPause() {
    const size_t round = asked_ / endpoints_->count();
    const uint64_t now_us = endpoints_->now_us();
    // Nobody waits beyond the deadline.
    const uint64_t left_us = question_.deadline_us > now_us ? question_.deadline_us - now_us : 0;
    endpoints_->Pause(std::min(endpoints_->PauseUs(round), left_us),
                      [self = shared_from_this()](bool go) {
                        if (!go) return self->question_.done(ClientClosed());
                        self->Attempt();
                      });
  }

  void GiveUp() {
    if (last_.ok()) {
      return question_.done(
          Status(StatusCode::kDeadlineExceeded, "no time was left to ask a coordinator"));
    }
    question_.done(Status(StatusCode::kDeadlineExceeded,
                          "no coordinator gave an answer in time; the last one: " +
                              std::string(last_.message()))
                       .WithHint(last_.hint())
                       .WithErrorNumber(last_.error_number()));
  }

  const std::shared_ptr<Endpoints> endpoints_;
  const Question question_;
  size_t index_ = 0;
  size_t asked_ = 0;
  Status last_;
};

}  // namespace

Status ClientClosed() {
  return {StatusCode::kCancelled, "the client of the coordinators is closed"};
}

bool WorthAnotherTry(const Status& status) {
  return status.code() == StatusCode::kUnavailable ||
         status.code() == StatusCode::kDeadlineExceeded || status.code() == StatusCode::kCancelled;
}

Endpoints::Endpoints(runtime::Runtime& runtime, const ClientOptions& options, Dial dial)
    : runtime_(runtime), options_(options), dial_(std::move(dial)) {
  for (const std::string& address : options_.addresses) endpoints_.push_back({address, nullptr});
}

void Endpoints::Ask(Question question) {
  std::make_shared<Asker>(shared_from_this(), std::move(question))->Start();
}

void Endpoints::FindHolder(size_t index, std::function<void(size_t)> then) {
  Question question{.method = "GetStatus",
                    .request = {},
                    .deadline_us = now_us() + options_.attempt_ms * 1000,
                    .only_first = true,
                    .first = index,
                    .done = {}};
  question.done = [self = shared_from_this(), index,
                   then = std::move(then)](const Result<std::string>& answer) {
    wire::GetStatusResponse status;
    const bool known = answer.ok() && status.ParseFromString(*answer) &&
                       status.lease().in_force() && !status.lease().holder_address().empty();
    const size_t holder = known ? self->IndexOf(status.lease().holder_address()) : index;
    // One that waits for its former self names itself.
    then(holder == index ? self->After(index) : holder);
  };
  Ask(std::move(question));
}

void Endpoints::Close() {
  std::vector<Endpoint> endpoints;
  std::map<uint64_t, std::function<void(bool)>> paused;
  {
    base::MutexLock lock(mu_);
    closed_ = true;
    endpoints.swap(endpoints_);
    paused.swap(paused_);
  }
  for (const auto& [id, then] : paused) then(false);
}

uint64_t Endpoints::PauseUs(size_t rounds) const {
  const size_t doublings = std::min<size_t>(rounds > 0 ? rounds - 1 : 0, 3);
  return (options_.pause_ms << doublings) * 1000;
}

size_t Endpoints::preferred(bool for_holder) const {
  base::MutexLock lock(mu_);
  return for_holder ? holder_ : preferred_;
}

void Endpoints::Prefer(size_t index, bool for_holder) {
  base::MutexLock lock(mu_);
  (for_holder ? holder_ : preferred_) = index;
}

size_t Endpoints::After(size_t index) const {
  base::MutexLock lock(mu_);
  return endpoints_.empty() ? 0 : (index + 1) % endpoints_.size();
}

size_t Endpoints::count() const {
  base::MutexLock lock(mu_);
  return std::max<size_t>(endpoints_.size(), 1);
}

std::string Endpoints::AddressOf(size_t index) const {
  base::MutexLock lock(mu_);
  return index < endpoints_.size() ? endpoints_[index].address : "";
}

size_t Endpoints::IndexOf(const std::string& address) {
  base::MutexLock lock(mu_);
  for (size_t i = 0; i < endpoints_.size(); i++) {
    if (endpoints_[i].address == address) return i;
  }
  if (closed_ || endpoints_.size() >= kMaxEndpoints) return 0;
  endpoints_.push_back({address, nullptr});
  return endpoints_.size() - 1;
}

std::shared_ptr<rpc::Call> Endpoints::Open(size_t index, const std::string& method,
                                           const rpc::CallOptions& options,
                                           std::shared_ptr<rpc::CallHandler> handler) {
  base::MutexLock lock(mu_);
  if (closed_) return nullptr;
  Endpoint& endpoint = endpoints_[index];
  if (endpoint.channel == nullptr) endpoint.channel = dial_(endpoint.address);
  return endpoint.channel->Open(rpc::MethodPath(kService, method), options, std::move(handler));
}

void Endpoints::Pause(uint64_t pause_us, std::function<void(bool)> then) {
  uint64_t id = 0;
  {
    base::MutexLock lock(mu_);
    if (!closed_) paused_.emplace(id = next_id_++, then);
  }
  if (id == 0) return then(false);
  runtime_.PostAfter(runtime::Lane::kLog, pause_us,
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

bool Endpoints::closed() const {
  base::MutexLock lock(mu_);
  return closed_;
}

}  // namespace nokv::coordinator
