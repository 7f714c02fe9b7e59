#include "metaroot/client/client_core.h"

#include <algorithm>
#include <utility>

#include "metaroot/client/follower.h"
#include "rpc/service.h"

namespace nokv::metaroot {

namespace {

constexpr size_t kMaxAnswerBytes = size_t{1} << 30;

Status Closed() {
  return Status(StatusCode::kCancelled, "the client of the metadata root is closed");
}

// Keeps what comes until the call is over.
class Collector final : public rpc::CallHandler {
 public:
  explicit Collector(std::function<void(Answers)> done) : done_(std::move(done)) {}

  void OnMessage(rpc::Call& call, std::string message) override {
    bytes_ += message.size();
    if (bytes_ > kMaxAnswerBytes) {
      return call.End(Status::ResourceExhausted("the answer of " + call.peer() + " is too long"));
    }
    messages_.push_back(std::move(message));
  }
  void OnDone(rpc::Call& call, const Status& status) override {
    if (!status.ok()) return done_(status);
    if (messages_.empty()) return done_(Status::Internal("no answer from " + call.peer()));
    done_(std::move(messages_));
  }

 private:
  const std::function<void(Answers)> done_;
  std::vector<std::string> messages_;
  size_t bytes_ = 0;
};

// Asks one node after the other. One thing of it happens at a time.
class Asker : public std::enable_shared_from_this<Asker> {
 public:
  Asker(std::shared_ptr<ClientCore> core, Question question)
      : core_(std::move(core)), question_(std::move(question)) {}

  void Start() {
    index_ = core_->preferred();
    if (question_.only != 0) {
      const std::optional<size_t> only = core_->IndexOf(question_.only);
      if (!only.has_value()) {
        return question_.give_up(Status::NotFound(
            "there is no node " + std::to_string(question_.only) + " of the metadata root"));
      }
      index_ = *only;
    }
    Attempt();
  }

 private:
  void Attempt() {
    const uint64_t now_us = core_->now_us();
    if (now_us >= question_.deadline_us) return GiveUp();
    const uint64_t left_ms = (question_.deadline_us - now_us + 999) / 1000;
    const rpc::CallOptions options = {
        .deadline_ms =
            question_.only != 0 ? left_ms : std::min(left_ms, core_->options().attempt_ms)};
    auto collector = std::make_shared<Collector>(
        [self = shared_from_this()](Answers answers) { self->Answered(std::move(answers)); });
    const std::shared_ptr<rpc::Call> call =
        core_->Open(index_, question_.method, options, collector);
    if (call == nullptr) return question_.give_up(Closed());
    call->Send(question_.request);
    call->End(Status::Ok());
  }

  void Answered(Answers answers) {
    const bool answered = answers.ok();
    if (core_->closed()) return question_.give_up(Closed());
    const Verdict verdict = question_.judge(std::move(answers));
    if (question_.only == 0) core_->Note(index_, answered && verdict.done);
    if (verdict.done) return;
    why_ = core_->options().members[index_].address + ": " + verdict.why;
    Next(verdict.leader);
  }

  void Next(uint64_t leader) {
    asked_++;
    const size_t count = question_.only != 0 ? 1 : core_->options().members.size();
    const std::optional<size_t> hint = core_->IndexOf(leader);
    const bool believed = hint.has_value() && *hint != index_;
    if (question_.only == 0) index_ = believed ? *hint : core_->After(index_);
    if (asked_ % count != 0) return Attempt();
    core_->Pause(PauseUs(core_->options(), asked_ / count), [self = shared_from_this()](bool go) {
      if (!go) return self->question_.give_up(Closed());
      self->Attempt();
    });
  }

  void GiveUp() {
    question_.give_up(Status(StatusCode::kDeadlineExceeded,
                             "no node of the metadata root answered in time; the last was " +
                                 (why_.empty() ? "not asked" : why_)));
  }

  const std::shared_ptr<ClientCore> core_;
  const Question question_;
  size_t index_ = 0;
  size_t asked_ = 0;
  std::string why_;
};

}  // namespace

uint64_t PauseUs(const ClientOptions& options, size_t rounds) {
  const size_t doublings = std::min<size_t>(rounds > 0 ? rounds - 1 : 0, 3);
  return (options.pause_ms << doublings) * 1000;
}

ClientCore::ClientCore(runtime::Runtime& runtime, const ClientOptions& options, const Dial& dial)
    : runtime_(runtime), options_(options) {
  for (const RootMember& member : options_.members) channels_.push_back(dial(member.address));
}

void ClientCore::Ask(Question question) {
  std::make_shared<Asker>(shared_from_this(), std::move(question))->Start();
}

void ClientCore::Follow(std::optional<uint64_t> after_revision, Listener* listener) {
  std::make_shared<Follower>(shared_from_this(), after_revision, *listener)->Start();
}

void ClientCore::Close() {
  std::vector<std::unique_ptr<rpc::Channel>> channels;
  std::map<uint64_t, std::function<void(bool)>> paused;
  {
    base::MutexLock lock(mu_);
    closed_ = true;
    channels.swap(channels_);
    paused.swap(paused_);
  }
  for (const auto& [id, then] : paused) then(false);
}

size_t ClientCore::preferred() const {
  base::MutexLock lock(mu_);
  return preferred_;
}

void ClientCore::Note(size_t index, bool answered) {
  base::MutexLock lock(mu_);
  if (answered) {
    preferred_ = index;
  } else if (preferred_ == index) {
    preferred_ = After(index);
  }
}

std::optional<size_t> ClientCore::IndexOf(uint64_t node) const {
  for (size_t i = 0; i < options_.members.size(); i++) {
    if (node != 0 && options_.members[i].node == node) return i;
  }
  return std::nullopt;
}

std::shared_ptr<rpc::Call> ClientCore::Open(size_t index, const std::string& method,
                                            const rpc::CallOptions& options,
                                            std::shared_ptr<rpc::CallHandler> handler) {
  base::MutexLock lock(mu_);
  if (closed_) return nullptr;
  return channels_[index]->Open(rpc::MethodPath(std::string(kServiceName), method), options,
                                std::move(handler));
}

void ClientCore::Pause(uint64_t pause_us, std::function<void(bool)> then) {
  uint64_t id = 0;
  {
    base::MutexLock lock(mu_);
    if (!closed_) paused_.emplace(id = next_id_++, then);
  }
  if (id == 0) return then(false);
  runtime_.PostAfter(runtime::Lane::kUrgent, pause_us,
                     [self = shared_from_this(), id] { self->Resume(id); });
}

void ClientCore::Resume(uint64_t id) {
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

bool ClientCore::closed() const {
  base::MutexLock lock(mu_);
  return closed_;
}

}  // namespace nokv::metaroot
