#include "metaroot/client/client.h"

#include <nokv/meta/v1/root.pb.h>

#include <utility>

#include "base/macros.h"
#include "metaroot/client/follower.h"

namespace nokv::metaroot {

namespace {

namespace wire = ::nokv::meta::v1;

constexpr size_t kMaxAnswerBytes = size_t{1} << 30;

// The one message of an answer.
template <typename Response>
Status Parse(const rpc::Answers& answers, Response* response) {
  ASSIGN_OR_RETURN(const std::string answer, rpc::OneAnswer(answers));
  if (response->ParseFromString(answer)) return Status::Ok();
  return Status::Internal("the answer cannot be read");
}

// Whether to ask somebody else: not if the question is wrong. Where it is not even known, something
// else answers than a node of the root.
bool MayAskAgain(const Status& status) {
  return status.code() != StatusCode::kInvalidArgument;
}

Result<State> ReadState(const rpc::Answers& answers) {
  RETURN_IF_ERROR(answers.status());
  StateAssembler assembler;
  for (const std::string& message : *answers) {
    wire::SnapshotResponse response;
    if (!response.ParseFromString(message)) return Status::Internal("a part cannot be read");
    RETURN_IF_ERROR(assembler.Add(response.part()));
  }
  if (!assembler.done()) return Status::Internal("the state is not whole");
  return assembler.Take();
}

Result<EventList> ReadEvents(const rpc::Answers& answers) {
  wire::ListEventsResponse response;
  RETURN_IF_ERROR(Parse(answers, &response));
  EventList list = {.kept_after = response.kept_after_revision(), .revision = response.revision()};
  for (const wire::CommittedEvent& in : response.events()) {
    RETURN_IF_ERROR(FromWire(in, &list.events.emplace_back()));
  }
  return list;
}

Result<NodeStatus> ReadStatus(const rpc::Answers& answers) {
  wire::StatusResponse response;
  RETURN_IF_ERROR(Parse(answers, &response));
  return FromWire(response);
}

rpc::EndpointsOptions EndpointsOf(const ClientOptions& options) {
  rpc::EndpointsOptions endpoints = {.service = std::string(kServiceName),
                                     .one = "node of the metadata root",
                                     .attempt_ms = options.attempt_ms,
                                     .pause_ms = options.pause_ms,
                                     .max_answer_bytes = kMaxAnswerBytes};
  for (const RootMember& member : options.members) endpoints.addresses.push_back(member.address);
  return endpoints;
}

}  // namespace

Client::Client(runtime::Runtime& runtime, const ClientOptions& options, const rpc::Dial& dial)
    : options_(options), endpoints_(rpc::Endpoints::Make(runtime, EndpointsOf(options), dial)) {}

Client::~Client() {
  endpoints_->Close();
}

std::optional<size_t> Client::IndexOf(uint64_t node) const {
  for (size_t i = 0; i < options_.members.size(); i++) {
    if (node != 0 && options_.members[i].node == node) return i;
  }
  return std::nullopt;
}

Client::Verdict Client::AskAgain(Status why, uint64_t leader) {
  return {.done = false, .leader = leader, .why = std::move(why)};
}

void Client::Ask(const std::string& method, std::string request, uint64_t deadline_ms, Judge judge,
                 std::function<void(const Status&)> give_up) {
  rpc::Question question = {.method = method, .request = std::move(request)};
  question.deadline_us = endpoints_->now_us() + deadline_ms * 1000;
  // The client may be gone when an answer comes, but not what is asked.
  question.judge = [endpoints = endpoints_, members = options_.members, judge = std::move(judge)](
                       size_t index, rpc::Answers answers, const rpc::AskOn& on) {
    const Verdict verdict = judge(std::move(answers));
    if (verdict.done) return;
    // Who says that it leads itself, and does not, is not believed.
    for (size_t i = 0; i < members.size(); i++) {
      if (members[i].node == verdict.leader && i != index) return on(i, verdict.why);
    }
    on(endpoints->After(index), verdict.why);
  };
  question.give_up = std::move(give_up);
  endpoints_->Ask(std::move(question));
}

template <typename Value>
void Client::AskFor(const std::string& method, std::string request, uint64_t deadline_ms,
                    std::function<Result<Value>(rpc::Answers)> read,
                    std::function<void(Result<Value>)> done) {
  Ask(
      method, std::move(request), deadline_ms,
      [read = std::move(read), done](rpc::Answers answers) {
        Result<Value> value = read(std::move(answers));
        if (!value.ok() && MayAskAgain(value.status())) return AskAgain(value.status());
        done(std::move(value));
        return Verdict();
      },
      [done](const Status& why) { done(why); });
}

Client::Verdict Client::JudgeAppend(const rpc::Answers& answers, bool conditional,
                                    const std::function<void(Result<Outcome>)>& done) {
  wire::AppendResponse response;
  const Status status = Parse(answers, &response);
  if (!status.ok()) {
    if (!conditional && MayAskAgain(status)) return AskAgain(status);
    done(status);
    return Verdict();
  }
  if (response.outcome_case() == wire::AppendResponse::kNotProposed) {
    return AskAgain(Status::Unavailable(response.not_proposed().reason()),
                    response.not_proposed().leader_node_id());
  }
  if (response.outcome_case() == wire::AppendResponse::OUTCOME_NOT_SET) {
    return AskAgain(Status::Internal("it says nothing that is known here"));
  }
  done(FromWire(response));
  return Verdict();
}

void Client::Append(const Command& command, uint64_t deadline_ms,
                    std::function<void(Result<Outcome>)> done) {
  wire::AppendRequest request;
  ToWire(command, &request);
  const bool conditional =
      command.expected_revision.has_value() || command.expected_layout_epoch.has_value();
  Ask(
      "Append", request.SerializeAsString(), deadline_ms,
      [conditional, done](const rpc::Answers& answers) {
        return JudgeAppend(answers, conditional, done);
      },
      [done](const Status& why) { done(why); });
}

void Client::Confirm(uint64_t deadline_ms, std::function<void(Result<StateHead>)> done) {
  AskFor<StateHead>(
      "Confirm", wire::ConfirmRequest().SerializeAsString(), deadline_ms,
      [](const rpc::Answers& answers) -> Result<StateHead> {
        wire::ConfirmResponse response;
        RETURN_IF_ERROR(Parse(answers, &response));
        return FromWire(response.head());
      },
      std::move(done));
}

void Client::GetState(Consistency consistency, uint64_t deadline_ms,
                      std::function<void(Result<State>)> done) {
  wire::SnapshotRequest request;
  request.set_consistency(consistency == Consistency::kStrong ? wire::CONSISTENCY_STRONG
                                                              : wire::CONSISTENCY_ANY);
  AskFor<State>("Snapshot", request.SerializeAsString(), deadline_ms, ReadState, std::move(done));
}

void Client::ListEvents(uint64_t after_revision, uint32_t limit, uint64_t deadline_ms,
                        std::function<void(Result<EventList>)> done) {
  wire::ListEventsRequest request;
  request.set_after_revision(after_revision);
  request.set_limit(limit);
  AskFor<EventList>("ListEvents", request.SerializeAsString(), deadline_ms, ReadEvents,
                    std::move(done));
}

void Client::GetStatus(uint64_t node, uint64_t deadline_ms,
                       std::function<void(Result<NodeStatus>)> done) {
  const std::optional<size_t> index = IndexOf(node);
  if (!index.has_value()) {
    return done(
        Status::NotFound("there is no node " + std::to_string(node) + " of the metadata root"));
  }
  rpc::Question question = {.method = "Status", .only = index};
  question.request = wire::StatusRequest().SerializeAsString();
  question.deadline_us = endpoints_->now_us() + deadline_ms * 1000;
  // Whoever asks for one node wants to hear at once that it does not answer.
  question.judge = [done](size_t /*index*/, const rpc::Answers& answers, const rpc::AskOn& /*on*/) {
    done(ReadStatus(answers));
  };
  question.give_up = [done](const Status& why) { done(why); };
  endpoints_->Ask(std::move(question));
}

void Client::Follow(std::optional<uint64_t> after_revision, Listener* listener) {
  std::make_shared<Follower>(endpoints_, options_.heartbeat_ms, after_revision, *listener)->Start();
}

}  // namespace nokv::metaroot
