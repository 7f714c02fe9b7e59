#include "metaroot/client/client.h"

#include <nokv/meta/v1/root.pb.h>

#include <utility>

#include "base/macros.h"
#include "metaroot/client/client_core.h"

namespace nokv::metaroot {

namespace {

namespace wire = ::nokv::meta::v1;

Verdict Retry(std::string why, uint64_t leader = 0) {
  return {.done = false, .leader = leader, .why = std::move(why)};
}

// The one message of an answer.
template <typename Response>
Status Parse(const Answers& answers, Response* response) {
  RETURN_IF_ERROR(answers.status());
  if (answers->size() == 1 && response->ParseFromString((*answers)[0])) return Status::Ok();
  return Status::Internal("the answer cannot be read");
}

// Whether to ask somebody else: not if the question is wrong.
bool MayAskAgain(const Status& status) {
  return status.code() != StatusCode::kInvalidArgument &&
         status.code() != StatusCode::kUnimplemented;
}

// Asks until somebody answers; `read` makes the value of the answers.
template <typename Value>
Question MakeQuestion(std::string method, const google::protobuf::Message& request,
                      std::function<Result<Value>(const Answers&)> read,
                      std::function<void(Result<Value>)> done) {
  Question question = {.method = std::move(method), .request = request.SerializeAsString()};
  question.judge = [read = std::move(read), done](const Answers& answers) {
    Result<Value> value = read(answers);
    if (!value.ok() && MayAskAgain(value.status())) return Retry(value.status().ToString());
    done(std::move(value));
    return Verdict();
  };
  question.give_up = [done = std::move(done)](const Status& why) { done(why); };
  return question;
}

Verdict JudgeAppend(const Answers& answers, bool conditional,
                    const std::function<void(Result<Outcome>)>& done) {
  wire::AppendResponse response;
  const Status status = Parse(answers, &response);
  if (!status.ok()) {
    if (!conditional && MayAskAgain(status)) return Retry(status.ToString());
    done(status);
    return Verdict();
  }
  if (response.outcome_case() == wire::AppendResponse::kNotProposed) {
    return Retry(response.not_proposed().reason(), response.not_proposed().leader_node_id());
  }
  if (response.outcome_case() == wire::AppendResponse::OUTCOME_NOT_SET) {
    return Retry("it says nothing that is known here");
  }
  done(FromWire(response));
  return Verdict();
}

Result<State> ReadState(const Answers& answers) {
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

Result<EventList> ReadEvents(const Answers& answers) {
  wire::ListEventsResponse response;
  RETURN_IF_ERROR(Parse(answers, &response));
  EventList list = {.kept_after = response.kept_after_revision(), .revision = response.revision()};
  for (const wire::CommittedEvent& in : response.events()) {
    RETURN_IF_ERROR(FromWire(in, &list.events.emplace_back()));
  }
  return list;
}

}  // namespace

Client::Client(runtime::Runtime& runtime, const ClientOptions& options, const Dial& dial)
    : core_(std::make_shared<ClientCore>(runtime, options, dial)) {}

Client::~Client() {
  core_->Close();
}

const ClientOptions& Client::options() const {
  return core_->options();
}

void Client::Append(const Command& command, uint64_t deadline_ms,
                    std::function<void(Result<Outcome>)> done) {
  wire::AppendRequest request;
  ToWire(command, &request);
  Question question = {.method = "Append", .request = request.SerializeAsString()};
  question.deadline_us = core_->now_us() + deadline_ms * 1000;
  const bool conditional =
      command.expected_revision.has_value() || command.expected_layout_epoch.has_value();
  question.judge = [conditional, done](const Answers& answers) {
    return JudgeAppend(answers, conditional, done);
  };
  question.give_up = [done = std::move(done)](const Status& why) { done(why); };
  core_->Ask(std::move(question));
}

void Client::Confirm(uint64_t deadline_ms, std::function<void(Result<StateHead>)> done) {
  Question question = MakeQuestion<StateHead>(
      "Confirm", wire::ConfirmRequest(),
      [](const Answers& answers) -> Result<StateHead> {
        wire::ConfirmResponse response;
        RETURN_IF_ERROR(Parse(answers, &response));
        return FromWire(response.head());
      },
      std::move(done));
  question.deadline_us = core_->now_us() + deadline_ms * 1000;
  core_->Ask(std::move(question));
}

void Client::GetState(Consistency consistency, uint64_t deadline_ms,
                      std::function<void(Result<State>)> done) {
  wire::SnapshotRequest request;
  request.set_consistency(consistency == Consistency::kStrong ? wire::CONSISTENCY_STRONG
                                                              : wire::CONSISTENCY_ANY);
  Question question = MakeQuestion<State>("Snapshot", request, ReadState, std::move(done));
  question.deadline_us = core_->now_us() + deadline_ms * 1000;
  core_->Ask(std::move(question));
}

void Client::ListEvents(uint64_t after_revision, uint32_t limit, uint64_t deadline_ms,
                        std::function<void(Result<EventList>)> done) {
  wire::ListEventsRequest request;
  request.set_after_revision(after_revision);
  request.set_limit(limit);
  Question question = MakeQuestion<EventList>("ListEvents", request, ReadEvents, std::move(done));
  question.deadline_us = core_->now_us() + deadline_ms * 1000;
  core_->Ask(std::move(question));
}

void Client::GetStatus(uint64_t node, uint64_t deadline_ms,
                       std::function<void(Result<NodeStatus>)> done) {
  Question question = {.method = "Status", .request = wire::StatusRequest().SerializeAsString()};
  question.only = node;
  question.deadline_us = core_->now_us() + deadline_ms * 1000;
  // Whoever asks for one node wants to hear at once that it does not answer.
  question.judge = [done](const Answers& answers) {
    wire::StatusResponse response;
    const Status status = Parse(answers, &response);
    done(status.ok() ? Result<NodeStatus>(FromWire(response)) : Result<NodeStatus>(status));
    return Verdict();
  };
  question.give_up = [done = std::move(done)](const Status& why) { done(why); };
  core_->Ask(std::move(question));
}

void Client::Follow(std::optional<uint64_t> after_revision, Listener* listener) {
  core_->Follow(after_revision, listener);
}

}  // namespace nokv::metaroot
