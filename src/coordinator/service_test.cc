// The service and its client together, over calls inside the process.
#include "coordinator/service.h"

#include <gtest/gtest.h>
#include <nokv/coordinator/v1/coordinator.pb.h>

#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "coordinator/client/client.h"
#include "coordinator/machine_root_test_util.h"
#include "metaroot/wire/wire.h"
#include "rpc/in_process.h"
#include "runtime/sim_runtime.h"

namespace nokv::coordinator {
namespace {

namespace wire = ::nokv::coordinator::v1;

constexpr uint64_t kSecond = 1'000'000;

class CoordinatorServiceTest : public ::testing::Test {
 protected:
  struct Process {
    std::shared_ptr<Coordinator> coordinator;
    std::unique_ptr<rpc::Server> server;
  };

  CoordinatorServiceTest() { root_.Create(); }

  static rpc::Executor AtOnce() {
    return [](const std::function<void()>& task) { task(); };
  }
  Process Start(const std::string& id) {
    CoordinatorOptions options;
    options.allocator.holder = {.id = id, .addr = id, .incarnation = "1"};
    options.version = "1.0";
    Process process;
    process.coordinator = Coordinator::Make(options, {root_, *runtime_, base::NullLogger()});
    process.server = Listen(process, id);
    process.coordinator->Start();
    runtime_->Advance(kSecond / 10);
    return process;
  }
  std::unique_ptr<rpc::Server> Listen(const Process& process, const std::string& id) {
    auto server = network_.Listen(id, {MakeService(process.coordinator, AtOnce())});
    EXPECT_TRUE(server.ok()) << server.status();
    return std::move(*server);
  }
  std::unique_ptr<Client> NewClient(std::vector<std::string> addresses) {
    return std::make_unique<Client>(*runtime_, ClientOptions{.addresses = std::move(addresses)},
                                    [this](const std::string& address) {
                                      return network_.NewChannel("client", address, AtOnce());
                                    });
  }
  template <typename Response, typename Request>
  Result<Response> Ask(Client& client, const std::string& method, const Request& request,
                       uint64_t deadline_ms = 1'000) {
    std::optional<Result<std::string>> answer;
    client.Ask(method, request.SerializeAsString(), deadline_ms,
               [&](Result<std::string> bytes) { answer = std::move(bytes); });
    for (uint64_t i = 0; i <= deadline_ms + 100 && !answer.has_value(); i++) {
      runtime_->Advance(1'000);
    }
    if (!answer.has_value()) return Status::Internal("not answered");
    if (!answer->ok()) return answer->status();
    Response response;
    if (!response.ParseFromString(**answer)) return Status::Internal("not to be read");
    return response;
  }
  Result<uint64_t> Numbers(Client& client, bool timestamps, uint64_t count,
                           uint64_t deadline_ms = 2'000) {
    std::optional<Result<uint64_t>> answer;
    const auto done = [&](Result<uint64_t> first) { answer = std::move(first); };
    timestamps ? client.Timestamps(count, deadline_ms, done)
               : client.AllocateIds(count, deadline_ms, done);
    for (uint64_t i = 0; i <= deadline_ms + 2'000 && !answer.has_value(); i++) {
      runtime_->Advance(1'000);
    }
    return answer.has_value() ? *answer : Status::Internal("not answered");
  }
  // What the root has after it was told of a store and a layout with one region.
  void MakeLayout() {
    ASSERT_TRUE(root_
                    .Take({.events = {metaroot::StoreJoined{1, "s1:1"},
                                      metaroot::LayoutCreated{
                                          {{.id = 1, .epoch = {1, 1}, .peers = {{1, 101}}}}}}})
                    .status.ok());
  }

  std::unique_ptr<runtime::SimRuntime> runtime_ = runtime::NewSimRuntime(1);
  MachineRoot root_{*runtime_};
  rpc::InProcessNetwork network_{*runtime_};
};

TEST_F(CoordinatorServiceTest, TimestampsOfManyRequestersTravelTogether) {
  const Process process = Start("a");
  const auto client = NewClient({"a"});
  std::set<uint64_t> given;
  int answers = 0;
  for (int i = 0; i < 64; i++) {
    client->Timestamps(16, 1'000, [&](const Result<uint64_t>& first) {
      ASSERT_TRUE(first.ok()) << first.status();
      answers++;
      for (uint64_t n = 0; n < 16; n++) EXPECT_TRUE(given.insert(*first + n).second);
    });
  }
  runtime_->Advance(kSecond / 10);
  EXPECT_EQ(answers, 64);
  EXPECT_EQ(given.size(), 1024U);
}

TEST_F(CoordinatorServiceTest, TheClientFindsTheHolder) {
  const Process holder = Start("a");
  const Process other = Start("b");
  // It is not even told of the holder.
  const auto client = NewClient({"b"});
  EXPECT_TRUE(Numbers(*client, true, 1).ok());
  EXPECT_TRUE(Numbers(*client, false, 1).ok());
}

TEST_F(CoordinatorServiceTest, ADeadEndpointCostsAnAttempt) {
  const Process process = Start("b");
  const auto client = NewClient({"nobody", "b"});
  EXPECT_TRUE(Numbers(*client, true, 1).ok());
  EXPECT_TRUE(Numbers(*client, false, 1).ok());
  EXPECT_TRUE(Ask<wire::GetStatusResponse>(*client, "GetStatus", wire::GetStatusRequest()).ok());
}

TEST_F(CoordinatorServiceTest, WhenTheHolderDiesAnotherOneGoesOnAbove) {
  Process first = Start("a");
  const Process second = Start("b");
  const auto client = NewClient({"a", "b"});
  const Result<uint64_t> before = Numbers(*client, true, 10);
  ASSERT_TRUE(before.ok());
  first.server.reset();
  first.coordinator->Stop([] {});  // it gives the lease back
  const Result<uint64_t> after = Numbers(*client, true, 10, 5'000);
  ASSERT_TRUE(after.ok()) << after.status();
  EXPECT_GT(*after, *before + 9);
  const Result<uint64_t> id = Numbers(*client, false, 1, 5'000);
  EXPECT_TRUE(id.ok()) << id.status();
}

TEST_F(CoordinatorServiceTest, NobodyAnswersInTimeSaysWho) {
  const auto client = NewClient({"nobody"});
  const Result<uint64_t> first = Numbers(*client, true, 1, 300);
  EXPECT_EQ(first.status().code(), StatusCode::kDeadlineExceeded);
  EXPECT_NE(first.status().message().find("nobody"), std::string::npos) << first.status();
  EXPECT_EQ(Numbers(*client, false, 1, 300).status().code(), StatusCode::kDeadlineExceeded);
  EXPECT_EQ(Numbers(*client, true, 0).status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(Numbers(*client, false, 1 << 17).status().code(), StatusCode::kInvalidArgument);
}

TEST_F(CoordinatorServiceTest, WhatIsUnderWayEndsWithTheClient) {
  auto client = NewClient({"nobody"});
  std::vector<Status> answers;
  const auto done = [&](const Result<uint64_t>& first) { answers.push_back(first.status()); };
  client->Timestamps(1, 10'000, done);
  client->AllocateIds(1, 10'000, done);
  runtime_->Advance(kSecond);
  EXPECT_TRUE(answers.empty());
  client.reset();
  runtime_->Advance(kSecond);
  ASSERT_EQ(answers.size(), 2U);
  for (const Status& status : answers) EXPECT_EQ(status.code(), StatusCode::kCancelled);
}

TEST_F(CoordinatorServiceTest, RoutesComeWithEvidence) {
  const Process process = Start("a");
  const auto client = NewClient({"a"});
  wire::GetRegionByKeyRequest request;
  request.set_key("k");
  const auto none = Ask<wire::GetRegionByKeyResponse>(*client, "GetRegionByKey", request);
  ASSERT_TRUE(none.ok()) << none.status();
  EXPECT_TRUE(none->not_found());
  MakeLayout();
  request.set_freshness(wire::FRESHNESS_STRONG);
  const auto strong = Ask<wire::GetRegionByKeyResponse>(*client, "GetRegionByKey", request);
  ASSERT_TRUE(strong.ok()) << strong.status();
  EXPECT_EQ(strong->region_descriptor().region_id(), 1U);
  EXPECT_EQ(strong->serving_class(), wire::SERVING_CLASS_AUTHORITATIVE);
  EXPECT_EQ(strong->degraded_mode(), wire::DEGRADED_MODE_HEALTHY);
  EXPECT_EQ(strong->served_root_token().revision(), root_.state().revision);
  EXPECT_TRUE(strong->served_by_leader());
  EXPECT_EQ(strong->cert_generation(), 1U);
  EXPECT_EQ(strong->leader_peer_id(), 0U);
  root_.SetSilent(true);
  EXPECT_EQ(Ask<wire::GetRegionByKeyResponse>(*client, "GetRegionByKey", request).status().code(),
            StatusCode::kDeadlineExceeded);
  request.set_freshness(wire::FRESHNESS_BEST_EFFORT);
  const auto degraded = Ask<wire::GetRegionByKeyResponse>(*client, "GetRegionByKey", request);
  ASSERT_TRUE(degraded.ok());
  EXPECT_EQ(degraded->degraded_mode(), wire::DEGRADED_MODE_ROOT_UNAVAILABLE);
  EXPECT_EQ(degraded->serving_class(), wire::SERVING_CLASS_DEGRADED);
}

TEST_F(CoordinatorServiceTest, ReportsOfStoresAndRegionsAreHeard) {
  const Process process = Start("a");
  const auto client = NewClient({"a"});
  MakeLayout();
  runtime_->Advance(kSecond / 10);
  wire::StoreHeartbeatRequest store;
  store.set_store_id(1);
  store.set_capacity(100);
  EXPECT_TRUE(Ask<wire::StoreHeartbeatResponse>(*client, "StoreHeartbeat", store)->accepted());
  store.set_store_id(9);
  EXPECT_EQ(Ask<wire::StoreHeartbeatResponse>(*client, "StoreHeartbeat", store).status().code(),
            StatusCode::kNotFound);
  wire::RegionLivenessRequest regions;
  for (const uint64_t id : {1, 8}) {
    wire::RegionReport* report = regions.add_reports();
    report->set_region_id(id);
    report->mutable_epoch()->set_version(1);
    report->mutable_epoch()->set_conf_version(1);
    report->set_term(2);
    report->set_leader_peer_id(101);
    report->set_size_bytes(7);
  }
  const auto heard = Ask<wire::RegionLivenessResponse>(*client, "RegionLiveness", regions);
  ASSERT_TRUE(heard.ok());
  EXPECT_FALSE(heard->accepted());
  ASSERT_EQ(heard->refused_region_ids_size(), 1);
  EXPECT_EQ(heard->refused_region_ids(0), 8U);
  const auto stores =
      Ask<wire::ListStoresResponse>(*client, "ListStores", wire::ListStoresRequest());
  ASSERT_EQ(stores->stores_size(), 1);
  EXPECT_EQ(stores->stores(0).state(), wire::STORE_STATE_UP);
  EXPECT_EQ(stores->stores(0).capacity(), 100U);
  const auto listed =
      Ask<wire::ListRegionsResponse>(*client, "ListRegions", wire::ListRegionsRequest());
  ASSERT_EQ(listed->regions_size(), 1);
  EXPECT_EQ(listed->regions(0).leader_peer_id(), 101U);
  wire::GetRegionByKeyRequest key;
  EXPECT_EQ(Ask<wire::GetRegionByKeyResponse>(*client, "GetRegionByKey", key)->leader_address(),
            "s1:1");
}

TEST_F(CoordinatorServiceTest, RegionsAreListedInPages) {
  const Process process = Start("a");
  const auto client = NewClient({"a"});
  metaroot::LayoutCreated layout;
  for (uint64_t i = 0; i < 10; i++) {
    topology::Region region{.id = i + 1, .epoch = {1, 1}, .peers = {{1, 100 + i}}};
    if (i > 0) region.range.start = std::string(1, static_cast<char>('a' + i));
    if (i < 9) region.range.end = std::string(1, static_cast<char>('b' + i));
    layout.regions.push_back(region);
  }
  ASSERT_TRUE(root_.Take({.events = {metaroot::StoreJoined{1, "s1:1"}, layout}}).status.ok());
  runtime_->Advance(kSecond / 10);
  wire::ListRegionsRequest request;
  request.set_limit(3);
  std::vector<uint64_t> ids;
  for (int page = 0; page < 4; page++) {
    const auto listed = Ask<wire::ListRegionsResponse>(*client, "ListRegions", request);
    ASSERT_TRUE(listed.ok());
    for (const auto& each : listed->regions()) ids.push_back(each.region().region_id());
    request.set_start_key(listed->next_key());
    EXPECT_EQ(listed->next_key().empty(), page == 3);
  }
  EXPECT_EQ(ids, (std::vector<uint64_t>{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}));
}

// One region, and a plan that splits it at `key` into itself and another one.
metaroot::Event SplitAt(const std::string& key, uint64_t other) {
  const topology::Region from{.id = 1, .epoch = {1, 1}, .peers = {{1, 101}}};
  const topology::Region left{.id = 1, .range = {"", key}, .epoch = {2, 1}, .peers = {{1, 101}}};
  const topology::Region right{
      .id = other, .range = {key, ""}, .epoch = {2, 1}, .peers = {{1, other * 100}}};
  return metaroot::TransitionPlanned{.kind = metaroot::TransitionKind::kSplit,
                                     .from = {from},
                                     .to = {left, right},
                                     .waits_for = "the leader"};
}

TEST_F(CoordinatorServiceTest, AssessmentsHaveAReasonForPrograms) {
  const Process process = Start("a");
  const auto client = NewClient({"a"});
  MakeLayout();
  const auto assess = [&](const metaroot::Event& event) {
    runtime_->Advance(kSecond / 10);
    wire::AssessRootEventRequest request;
    metaroot::ToWire(event, request.mutable_event());
    const auto answer = Ask<wire::AssessRootEventResponse>(*client, "AssessRootEvent", request);
    EXPECT_TRUE(answer.ok()) << answer.status();
    return answer.ok() ? answer->assessment() : wire::Assessment();
  };
  const auto take = [&](const metaroot::Event& event) {
    const metaroot::Outcome outcome = root_.Take({.events = {event}});
    EXPECT_TRUE(outcome.status.ok()) << outcome.status;
  };
  const auto moved = [](metaroot::TransitionStep step) {
    return metaroot::TransitionMoved{.id = "split:1:6d", .step = step, .text = "why"};
  };
  const metaroot::Event plan = SplitAt("m", 5);
  EXPECT_EQ(assess(plan).reason_code(), wire::ASSESSMENT_REASON_OPEN_APPLY);
  EXPECT_EQ(assess(plan).kind(), nokv::meta::v1::TRANSITION_KIND_SPLIT);
  take(plan);
  EXPECT_EQ(assess(plan).reason_code(), wire::ASSESSMENT_REASON_MATCHING_PENDING);
  EXPECT_EQ(assess(plan).decision(), wire::DECISION_SKIP);
  const wire::Assessment other = assess(SplitAt("k", 6));
  EXPECT_EQ(other.reason_code(), wire::ASSESSMENT_REASON_CONFLICTING_PENDING);
  EXPECT_EQ(other.status(), wire::TRANSITION_STATUS_CONFLICT);
  EXPECT_EQ(other.retry_class(), wire::RETRY_CLASS_CONFLICT);
  EXPECT_EQ(other.decision(), wire::DECISION_REFUSE);
  const wire::Assessment cancel = assess(moved(metaroot::TransitionStep::kCancelled));
  EXPECT_EQ(cancel.reason_code(), wire::ASSESSMENT_REASON_MATCHING_PENDING);
  EXPECT_EQ(cancel.kind(), nokv::meta::v1::TRANSITION_KIND_SPLIT);
  take(moved(metaroot::TransitionStep::kCancelled));
  EXPECT_EQ(assess(moved(metaroot::TransitionStep::kExecuted)).reason_code(),
            wire::ASSESSMENT_REASON_CANCELLED_TARGET);
  EXPECT_EQ(assess(moved(metaroot::TransitionStep::kCancelled)).status(),
            wire::TRANSITION_STATUS_CANCELLED);
  take(plan);
  take(moved(metaroot::TransitionStep::kExecuted));
  take(moved(metaroot::TransitionStep::kFinished));
  EXPECT_EQ(assess(plan).reason_code(), wire::ASSESSMENT_REASON_ALREADY_COMPLETED);
  const wire::Assessment late = assess(SplitAt("k", 6));
  EXPECT_EQ(late.reason_code(), wire::ASSESSMENT_REASON_SUPERSEDED_TARGET);
  EXPECT_EQ(late.status(), wire::TRANSITION_STATUS_SUPERSEDED);
  const wire::Assessment wrong = assess(metaroot::StoreJoined{2, "s1:1"});
  EXPECT_EQ(wrong.reason_code(), wire::ASSESSMENT_REASON_ABORTED_APPLY);
  EXPECT_FALSE(wrong.reason().empty());
}

TEST_F(CoordinatorServiceTest, TransitionsArePublishedListedRetriedAndCancelled) {
  const Process process = Start("a");
  const auto client = NewClient({"a"});
  MakeLayout();
  runtime_->Advance(kSecond / 10);
  wire::PublishRootEventRequest publish;
  metaroot::ToWire(SplitAt("m", 5), publish.mutable_event());
  wire::AssessRootEventRequest assess;
  *assess.mutable_event() = publish.event();
  const auto before = Ask<wire::AssessRootEventResponse>(*client, "AssessRootEvent", assess);
  ASSERT_TRUE(before.ok()) << before.status();
  EXPECT_EQ(before->assessment().status(), wire::TRANSITION_STATUS_OPEN);
  EXPECT_TRUE(root_.state().transitions.empty()) << "it was only looked at";
  const auto published = Ask<wire::PublishRootEventResponse>(*client, "PublishRootEvent", publish);
  ASSERT_TRUE(published.ok()) << published.status();
  EXPECT_EQ(published->assessment().transition_id(), "split:1:6d");
  const auto again = Ask<wire::PublishRootEventResponse>(*client, "PublishRootEvent", publish);
  EXPECT_EQ(again->assessment().decision(), wire::DECISION_SKIP);
  wire::ListTransitionsRequest list;
  const auto pending = Ask<wire::ListTransitionsResponse>(*client, "ListTransitions", list);
  ASSERT_EQ(pending->entries_size(), 1);
  EXPECT_EQ(pending->entries(0).waits_for(), "the leader");
  // While it is pending, routes are of the layout that there is.
  wire::GetRegionByKeyRequest key;
  key.set_key("z");
  EXPECT_EQ(Ask<wire::GetRegionByKeyResponse>(*client, "GetRegionByKey", key)
                ->region_descriptor()
                .region_id(),
            1U);
  wire::RetryTransitionRequest retry;
  retry.set_transition_id("split:1:6d");
  EXPECT_TRUE(Ask<wire::RetryTransitionResponse>(*client, "RetryTransition", retry).ok());
  EXPECT_EQ(root_.state().transitions.begin()->second.attempts, 2U);
  wire::CancelTransitionRequest cancel;
  cancel.set_transition_id("split:1:6d");
  cancel.set_reason("not wanted");
  EXPECT_TRUE(Ask<wire::CancelTransitionResponse>(*client, "CancelTransition", cancel).ok());
  EXPECT_TRUE(root_.state().transitions.empty());
  runtime_->Advance(kSecond / 10);
  list.set_with_ended(true);
  const auto ended = Ask<wire::ListTransitionsResponse>(*client, "ListTransitions", list);
  ASSERT_EQ(ended->entries_size(), 1);
  EXPECT_EQ(ended->entries(0).status(), wire::TRANSITION_STATUS_CANCELLED);
  EXPECT_EQ(ended->entries(0).waits_for(), "not wanted");
  retry.set_transition_id("split:9:");
  EXPECT_EQ(Ask<wire::RetryTransitionResponse>(*client, "RetryTransition", retry).status().code(),
            StatusCode::kNotFound);
}

TEST_F(CoordinatorServiceTest, ShowsItselfAndTheEvents) {
  const Process process = Start("a");
  const auto client = NewClient({"a"});
  const auto status = Ask<wire::GetStatusResponse>(*client, "GetStatus", wire::GetStatusRequest());
  ASSERT_TRUE(status.ok());
  EXPECT_EQ(status->coordinator_id(), "a");
  EXPECT_EQ(status->cluster_id(), 77U);
  EXPECT_TRUE(status->lease().held_by_self());
  EXPECT_EQ(status->lease().holder_address(), "a");
  EXPECT_EQ(status->root_members_size(), 1);
  EXPECT_FALSE(status->has_layout());
  EXPECT_EQ(status->alarms_size(), 1) << "no layout";
  const auto events =
      Ask<wire::ListEventsResponse>(*client, "ListEvents", wire::ListEventsRequest());
  ASSERT_GE(events->events_size(), 1);
  EXPECT_EQ(events->events(0).revision(), events->kept_after_revision() + 1);
}

TEST_F(CoordinatorServiceTest, WhatCannotBeReadOrDoneIsRefused) {
  const Process process = Start("a");
  const auto client = NewClient({"a"});
  std::optional<Status> answer;
  client->Ask("PublishRootEvent", "\xff\xff", 1'000,
              [&](const Result<std::string>& bytes) { answer = bytes.status(); });
  runtime_->Advance(kSecond / 10);
  EXPECT_EQ(answer->code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(Ask<wire::PublishRootEventResponse>(*client, "PublishRootEvent",
                                                wire::PublishRootEventRequest())
                .status()
                .code(),
            StatusCode::kInvalidArgument);
  EXPECT_EQ(Ask<wire::RemoveRegionResponse>(*client, "RemoveRegion", wire::RemoveRegionRequest())
                .status()
                .code(),
            StatusCode::kFailedPrecondition);
}

}  // namespace
}  // namespace nokv::coordinator
