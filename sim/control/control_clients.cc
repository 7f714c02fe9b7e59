#include "sim/control/control_clients.h"

#include <nokv/coordinator/v1/coordinator.pb.h>

#include <algorithm>
#include <functional>
#include <utility>

#include "metaroot/wire/wire.h"
#include "sim/metaroot/layout_events.h"

namespace nokv::sim {
namespace {

namespace wire = ::nokv::coordinator::v1;

constexpr Network::Address kFirstAddress = 1'000;
constexpr uint64_t kThinkMicros = 100'000;  // between two requests, at most
constexpr uint64_t kPatienceMicros = 700'000;
// Of an answer; longer than most pauses.
constexpr uint64_t kDeadlineMs = 4'000;
// Who asks several coordinators in turns gives up earlier.
constexpr uint64_t kTurnsMs = 1'500;
constexpr uint64_t kMostNumbers = 100;

}  // namespace

class ControlClients::Session {
 public:
  Session(ControlClients& all, size_t number)
      : all_(all),
        random_(all.world_.random().Fork()),
        events_(&random_),
        target_(number % ControlCluster::kCoordinators),
        client_(all.cluster_.NewClient(kFirstAddress + number, target_)) {}

  void Next() {
    all_.world_.After(1 + random_.Uniform(kThinkMicros), [this] {
      if (all_.world_.now_us() < all_.end_us_) Ask();
    });
  }

 private:
  // A request that was sent.
  struct Sent {
    uint64_t number = 0;
    uint64_t at_us = 0;
    uint64_t floor = 0;  // what is known to have happened
    size_t target = 0;
    uint64_t process = 0;  // that runs there now
  };
  using Take = std::function<void(const Sent& sent, const std::string& answer)>;

  void Ask() {
    const uint64_t kind = random_.Uniform(10);
    if (kind < 4) return AskNumbers(random_.OneIn(2));
    if (kind < 5) return AskShipped();
    if (kind < 7) return Publish();
    if (kind < 9) return Route();
    ListRegions();
  }

  Sent Begin() {
    const Sent sent{.number = ++number_,
                    .at_us = all_.world_.now_us(),
                    .floor = all_.history_.Floor(),
                    .target = target_,
                    .process = all_.cluster_.ProcessOf(target_)};
    all_.floors_[sent.at_us] = sent.floor;
    waiting_ = true;
    all_.under_way_++;
    all_.world_.After(kPatienceMicros, [this, number = sent.number] {
      if (waiting_ && number_ == number) GoOn(false);
    });
    return sent;
  }
  void GoOn(bool answered) {
    waiting_ = false;
    if (!answered) target_ = random_.Uniform(ControlCluster::kCoordinators);
    Next();
  }
  void Ended(const Sent& sent, bool answered, const std::string& name) {
    all_.under_way_--;
    if (answered) {
      all_.acknowledged_++;
      all_.counts_[name]++;
    }
    if (waiting_ && number_ == sent.number) GoOn(answered);
  }
  // Asks the target, and no other.
  template <typename Request>
  void AskOne(const std::string& method, const Request& request, Take take) {
    const Sent sent = Begin();
    client_->AskOne(ControlCluster::AddressOf(sent.target), method, request.SerializeAsString(),
                    kDeadlineMs, [this, method, sent, take = std::move(take)](const auto& answer) {
                      if (answer.ok()) take(sent, *answer);
                      Ended(sent, answer.ok(), method);
                    });
  }
  template <typename Response>
  Response Parse(const std::string& bytes) {
    Response response;
    if (!response.ParseFromString(bytes)) all_.cluster_.roots().Violated("an unreadable answer");
    return response;
  }

  void AskNumbers(bool timestamps) {
    const uint64_t count = 1 + random_.Uniform(kMostNumbers);
    if (timestamps) {
      wire::TsoRequest request;
      request.set_count(count);
      return AskOne("Tso", request, [this](const Sent& sent, const std::string& answer) {
        const auto response = Parse<wire::TsoResponse>(answer);
        Given(sent, true, response.timestamp(), response.count(), response.cert_generation());
      });
    }
    wire::AllocIDRequest request;
    request.set_count(count);
    AskOne("AllocID", request, [this](const Sent& sent, const std::string& answer) {
      const auto response = Parse<wire::AllocIDResponse>(answer);
      Given(sent, false, response.first_id(), response.count(), response.cert_generation());
    });
  }
  // Through the client that ships, which follows the holder; it does not say who that was.
  void AskShipped() {
    const Sent sent = Begin();
    const uint64_t count = 1 + random_.Uniform(kMostNumbers);
    const bool timestamps = random_.OneIn(2);
    const auto done = [this, sent, count, timestamps](const Result<uint64_t>& first) {
      if (first.ok()) Given(sent, timestamps, *first, count, 0);
      Ended(sent, first.ok(), "shipped client");
    };
    timestamps ? client_->Timestamps(count, kTurnsMs, done)
               : client_->AllocateIds(count, kTurnsMs, done);
  }
  void Given(const Sent& sent, bool timestamps, uint64_t first, uint64_t count,
             uint64_t generation) {
    // Who runs before and after has run all the time.
    const bool same = all_.cluster_.ProcessOf(sent.target) == sent.process;
    all_.numbers_.push_back({.timestamps = timestamps,
                             .first = first,
                             .count = count,
                             .generation = generation,
                             .holder = same && generation != 0 ? sent.process : 0,
                             .invoked_us = sent.at_us,
                             .returned_us = all_.world_.now_us()});
  }

  void Publish() {
    const metaroot::State& state = all_.cluster_.CatchUp().state();
    const metaroot::Event event = events_.Next(state);
    const Sent sent = Begin();
    wire::PublishRootEventRequest request;
    metaroot::ToWire(event, request.mutable_event());
    if (random_.OneIn(4)) request.set_expected_cluster_epoch(state.layout_epoch);
    client_->Ask("PublishRootEvent", request.SerializeAsString(), kTurnsMs,
                 [this, sent, event](const Result<std::string>& answer) {
                   if (answer.ok()) Published(sent, event, *answer);
                   const bool refused = !answer.ok() && IsRefusal(answer.status());
                   Ended(sent, answer.ok() || refused, refused ? "refusals" : "publications");
                 });
  }
  static bool IsRefusal(const Status& status) {
    return status.code() == StatusCode::kFailedPrecondition ||
           status.code() == StatusCode::kInvalidArgument || status.code() == StatusCode::kAborted ||
           status.code() == StatusCode::kNotFound;
  }
  void Published(const Sent& sent, const metaroot::Event& event, const std::string& answer) {
    const auto response = Parse<wire::PublishRootEventResponse>(answer);
    metaroot::Outcome outcome;
    outcome.applied = response.assessment().decision() == wire::DECISION_APPLY ? 1 : 0;
    outcome.head.revision = published_ = response.token().revision();
    all_.history_.Took(sent.floor, sent.at_us, all_.world_.now_us(), {.events = {event}}, outcome);
  }

  void Route() {
    wire::GetRegionByKeyRequest request;
    std::string key;
    if (!random_.OneIn(8)) key = static_cast<char>('a' + random_.Uniform(26));
    request.set_key(key);
    request.set_freshness(static_cast<wire::Freshness>(1 + random_.Uniform(3)));
    if (request.freshness() == wire::FRESHNESS_BOUNDED) {
      request.set_max_root_lag(random_.Uniform(20));
      if (random_.OneIn(2)) request.set_max_silent_ms(100 + random_.Uniform(2'000));
    }
    if (random_.OneIn(4)) request.mutable_required_root_token()->set_revision(published_);
    AskOne("GetRegionByKey", request, [this, request](const Sent& sent, const std::string& answer) {
      Routed(sent, request, Parse<wire::GetRegionByKeyResponse>(answer));
    });
  }
  void Routed(const Sent& sent, const wire::GetRegionByKeyRequest& request,
              const wire::GetRegionByKeyResponse& response) {
    const uint64_t revision = response.served_root_token().revision();
    const bool strong = request.freshness() == wire::FRESHNESS_STRONG;
    all_.history_.Saw(strong ? sent.floor : 0, revision);
    if (strong) all_.counts_["strong routes"]++;
    if (request.has_max_silent_ms()) {
      all_.counts_["routes of bounded age"]++;
      all_.history_.Saw(all_.FloorBefore(sent.at_us, request.max_silent_ms()), revision);
    }
    if (revision < request.required_root_token().revision()) {
      Violated(sent, "a route of revision " + std::to_string(revision) + ", but " +
                         std::to_string(request.required_root_token().revision()) +
                         " was required");
    }
    if (request.has_max_root_lag() && response.root_lag() > request.max_root_lag()) {
      Violated(sent, "a route that is more behind than it may be");
    }
    Shown shown{
        .at_us = all_.world_.now_us(), .revision = revision, .key = request.key(), .regions = {}};
    if (!response.not_found()) Add(sent, response.region_descriptor(), &shown);
    all_.shown_.push_back(std::move(shown));
  }

  void ListRegions() {
    AskOne("ListRegions", wire::ListRegionsRequest(),
           [this](const Sent& sent, const std::string& answer) {
             const auto response = Parse<wire::ListRegionsResponse>(answer);
             Shown shown{.at_us = all_.world_.now_us(),
                         .revision = response.evidence().served_root_token().revision()};
             all_.history_.Saw(0, shown.revision);
             for (const auto& info : response.regions()) Add(sent, info.region(), &shown);
             all_.shown_.push_back(std::move(shown));
           });
  }
  void Add(const Sent& sent, const meta::v1::RegionDescriptor& descriptor, Shown* shown) {
    topology::Region region;
    if (const Status status = metaroot::FromWire(descriptor, &region); !status.ok()) {
      return Violated(sent, status.ToString());
    }
    shown->regions.emplace(region.range.start, std::move(region));
  }
  void Violated(const Sent& sent, const std::string& what) {
    all_.cluster_.roots().Violated("process " + std::to_string(sent.process) + " answered with " +
                                   what);
  }

  ControlClients& all_;
  base::Random random_;
  LayoutEvents events_;
  size_t target_;
  uint64_t number_ = 0;  // of the last request
  bool waiting_ = false;
  uint64_t published_ = 0;  // the revision of what it published last
  const std::unique_ptr<coordinator::Client> client_;
};

ControlClients::ControlClients(World& world, ControlCluster& cluster, size_t clients)
    : world_(world),
      cluster_(cluster),
      history_([&cluster](const std::string& what) { cluster.roots().Violated(what); }) {
  for (size_t i = 0; i < clients; i++) sessions_.push_back(std::make_unique<Session>(*this, i));
}

ControlClients::~ControlClients() = default;

void ControlClients::Run(uint64_t end_us) {
  end_us_ = end_us;
  for (const auto& session : sessions_) session->Next();
}

uint64_t ControlClients::FloorBefore(uint64_t at_us, uint64_t age_ms) const {
  // The process that measures the age has a clock that may be slow, and counts whole milliseconds.
  const uint64_t age_us = (age_ms + 1) * 1'000'000 / (1000 - kMostDriftPermille);
  const auto after = floors_.upper_bound(at_us - std::min(at_us, age_us));
  return after == floors_.begin() ? 0 : std::prev(after)->second;
}

void ControlClients::CheckRoutes() {
  const LayoutHistory& history = cluster_.CatchUp();
  for (const Shown& shown : shown_) CheckShown(shown, history);
}

void ControlClients::CheckShown(const Shown& shown, const LayoutHistory& history) const {
  const auto wrong = [&](const std::string& what) {
    cluster_.roots().Violated("what was shown at " + std::to_string(shown.at_us) +
                              " us of revision " + std::to_string(shown.revision) + what);
  };
  const LayoutHistory::Layout* layout = history.At(shown.revision);
  if (layout == nullptr) return wrong(" has never been");
  if (!shown.key.has_value()) {
    if (shown.regions != *layout) wrong(" is not the layout of then");
    return;
  }
  const auto next = layout->upper_bound(*shown.key);
  const topology::Region* wanted = next == layout->begin() ? nullptr : &std::prev(next)->second;
  const bool right = wanted == nullptr
                         ? shown.regions.empty()
                         : shown.regions.size() == 1 && shown.regions.begin()->second == *wanted &&
                               wanted->range.Contains(*shown.key);
  if (!right) wrong(" is not where \"" + *shown.key + "\" was");
}

std::optional<uint64_t> ControlClients::FirstNumbersSince(uint64_t since_us) const {
  std::optional<uint64_t> first;
  for (const GivenNumbers& given : numbers_) {
    if (given.invoked_us < since_us) continue;
    first = std::min(first.value_or(UINT64_MAX), given.returned_us);
  }
  return first;
}

}  // namespace nokv::sim
