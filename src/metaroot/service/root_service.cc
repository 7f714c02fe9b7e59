#include "metaroot/service/root_service.h"

#include <nokv/meta/v1/root.pb.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "base/macros.h"

namespace nokv::metaroot {

namespace {

namespace wire = ::nokv::meta::v1;
using raftnode::Refusal;

Status Unreadable() {
  return Status::InvalidArgument("the request cannot be read");
}

// What clients may tell the root. That the time of a lease has passed is not theirs to say.
Status CheckTold(const Command& command) {
  for (const Event& event : command.events) {
    const auto* ended = std::get_if<LeaseEnded>(&event);
    if (ended == nullptr || ended->released) continue;
    return Status::InvalidArgument("only the root says that the time of a lease has passed")
        .WithHint("whoever holds it gives it back with released = true");
  }
  return DecodeCommand(EncodeCommand(command)).status();
}

Result<std::string> AnswerOf(raftnode::Outcome outcome) {
  if (outcome.ok()) return std::move(outcome.reply);
  const std::string why(ToString(outcome.refusal));
  if (outcome.refusal == Refusal::kLost || outcome.refusal == Refusal::kUnknown) {
    return Status(StatusCode::kUnknown, why + ": it may have been taken all the same");
  }
  wire::AppendResponse response;
  response.mutable_not_proposed()->set_leader_node_id(outcome.leader);
  response.mutable_not_proposed()->set_reason(why);
  return response.SerializeAsString();
}

// Answers one request with a stream of messages, each when the one before has left.
class PartsHandler final : public rpc::CallHandler {
 public:
  // Calls its argument once, with what to send or why not.
  using Make = std::function<void(std::string request,
                                  std::function<void(Result<std::vector<std::string>>)>)>;

  PartsHandler(std::shared_ptr<rpc::Call> call, Make make)
      : call_(std::move(call)), make_(std::move(make)) {}

  void OnMessage(rpc::Call& call, std::string message) override {
    if (std::exchange(asked_, true)) {
      return call.End(Status::InvalidArgument("more than one request in a call that takes one"));
    }
    make_(std::move(message), [call = call_](Result<std::vector<std::string>> parts) {
      if (!parts.ok()) return call->End(parts.status());
      for (std::string& part : *parts) call->Send(std::move(part));
      call->End(Status::Ok());
    });
  }
  void OnPeerEnded(rpc::Call& call) override {
    if (!asked_) call.End(Unreadable());
  }
  void OnDone(rpc::Call& /*call*/, const Status& /*status*/) override { call_.reset(); }

 private:
  std::shared_ptr<rpc::Call> call_;
  const Make make_;
  bool asked_ = false;
};

std::vector<std::string> SnapshotParts(const State& state) {
  std::vector<std::string> messages;
  for (wire::StatePart& part : ToParts(state)) {
    wire::SnapshotResponse response;
    response.mutable_part()->Swap(&part);
    messages.push_back(response.SerializeAsString());
  }
  return messages;
}

}  // namespace

RootService::RootService(runtime::Runtime& runtime, raftnode::Node& node, RootMachine& machine,
                         RootServiceOptions options)
    : node_(node),
      machine_(machine),
      options_(std::move(options)),
      hub_(std::make_shared<WatchHub>(
          runtime, machine,
          [this](const ConfirmDone& done) {
            WhenCurrent([done](const nokv::Status& status) { done(status.ok()); });
          },
          options_.watch)) {}

rpc::Service RootService::MakeService(rpc::Executor executor) {
  rpc::Service service;
  service.name = kServiceName;
  service.executor = std::move(executor);
  service.limits.max_message_bytes = kMaxWireBytes;
  service.methods = {
      rpc::UnaryMethod("Append",
                       [this](const std::string& request, rpc::Answer answer) {
                         Append(request, std::move(answer));
                       }),
      rpc::UnaryMethod("Confirm", [this](const std::string& /*request*/,
                                         rpc::Answer answer) { Confirm(std::move(answer)); }),
      rpc::UnaryMethod("ListEvents",
                       [this](const std::string& request, const rpc::Answer& answer) {
                         answer(ListEvents(request));
                       }),
      rpc::UnaryMethod("Status",
                       [this](const std::string& /*request*/, const rpc::Answer& answer) {
                         wire::StatusResponse response;
                         ToWire(Status(), &response);
                         answer(response.SerializeAsString());
                       }),
      {"Snapshot", [this](const std::shared_ptr<rpc::Call>& call) { return AcceptSnapshot(call); }},
      {"Watch", [this](const std::shared_ptr<rpc::Call>& call) { return hub_->Accept(call); }}};
  return service;
}

NodeStatus RootService::Status() const {
  NodeStatus status;
  machine_.Describe(&status);
  status.watchers = hub_->watchers();
  if (const auto group = node_.GetStatus(kRootGroup)) {
    status.node = group->raft.id;
    status.leader = group->raft.soft_state.lead;
    status.term = group->raft.hard_state.term;
    status.committed_index = group->raft.hard_state.commit;
    if (!group->failure.ok()) {
      status.waits_for = "it has stopped: " + group->failure.ToString();
    } else if (!group->waits.empty()) {
      status.waits_for = raftnode::ToString(group->waits.front().what);
    }
  }
  if (options_.describe) options_.describe(&status);
  return status;
}

void RootService::Append(const std::string& request, rpc::Answer answer) {
  wire::AppendRequest parsed;
  if (!parsed.ParseFromString(request)) return answer(Unreadable());
  Command command;
  nokv::Status status = FromWire(parsed, &command);
  if (status.ok()) status = CheckTold(command);
  if (!status.ok()) return answer(status);
  machine_.EndExpiredLease(&command);
  node_.Propose(kRootGroup, raft::Payload(EncodeCommand(command)),
                [answer = std::move(answer)](raftnode::Outcome outcome) {
                  answer(AnswerOf(std::move(outcome)));
                });
}

void RootService::WhenCurrent(std::function<void(const nokv::Status&)> then) {
  node_.Read(kRootGroup, [then = std::move(then)](const raftnode::Outcome& outcome) {
    then(outcome.ok() ? nokv::Status::Ok()
                      : nokv::Status::Unavailable(std::string(ToString(outcome.refusal))));
  });
}

void RootService::Confirm(rpc::Answer answer) {
  WhenCurrent([this, answer = std::move(answer)](const nokv::Status& status) {
    if (!status.ok()) return answer(status);
    wire::ConfirmResponse response;
    ToWire(machine_.head(), response.mutable_head());
    answer(response.SerializeAsString());
  });
}

Result<std::string> RootService::ListEvents(const std::string& request) const {
  wire::ListEventsRequest parsed;
  if (!parsed.ParseFromString(request)) return Unreadable();
  const RootMachine::Tail tail = machine_.TailAfter(parsed.after_revision());
  wire::ListEventsResponse response;
  response.set_kept_after_revision(tail.kept_after);
  response.set_revision(tail.revision);
  size_t bytes = 0;
  for (const TailEvent& event : tail.events) {
    if (bytes >= kWirePartBytes) break;
    if (parsed.limit() > 0 && response.events_size() >= static_cast<int>(parsed.limit())) break;
    wire::CommittedEvent* added = response.add_events();
    ToWire(event, added);
    bytes += added->ByteSizeLong();
  }
  return response.SerializeAsString();
}

std::shared_ptr<rpc::CallHandler> RootService::AcceptSnapshot(
    const std::shared_ptr<rpc::Call>& call) {
  return std::make_shared<PartsHandler>(call, [this](const std::string& request, auto done) {
    wire::SnapshotRequest parsed;
    if (!parsed.ParseFromString(request)) return done(Unreadable());
    if (parsed.consistency() == wire::CONSISTENCY_ANY) {
      return done(SnapshotParts(machine_.state()));
    }
    if (parsed.consistency() != wire::CONSISTENCY_STRONG) {
      return done(nokv::Status::InvalidArgument("this consistency is not known here"));
    }
    WhenCurrent([this, done](const nokv::Status& status) {
      if (!status.ok()) return done(status);
      done(SnapshotParts(machine_.state()));
    });
  });
}

}  // namespace nokv::metaroot
