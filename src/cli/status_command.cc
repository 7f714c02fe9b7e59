// nokv status: a cluster on one screen.
#include <nokv/coordinator/v1/coordinator.pb.h>

#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "cli/coordinator_client.h"
#include "cli/nokv_commands.h"
#include "cli/output.h"
#include "cli/watch.h"

namespace nokv::cli {

namespace {

namespace wire = ::nokv::coordinator::v1;
using Json = nlohmann::ordered_json;

constexpr uint64_t kTimestampLogicalBits = 18;
constexpr int kQuorum = 2;
// For so long no quorum of the root has confirmed anything: there is none.
constexpr uint64_t kLeaderlessMs = 3'000;

struct StatusOptions {
  CoordinatorClientFlags client;
  OutputOptions output;
  WatchOptions watch;
};

// A coordinator that was asked by itself.
struct Member {
  std::string address;
  std::string id;  // empty: it did not answer
  std::string version;
  std::string problem;
};

struct Picture {
  wire::GetStatusResponse status;  // of whoever answered first
  std::vector<Member> coordinators;

  // One that has just started answers before it takes part, and stands in for no other until then.
  int RootsUp() const {
    const auto& members = status.root_members();
    return static_cast<int>(std::count_if(members.begin(), members.end(),
                                          [](const auto& member) { return member.follows(); }));
  }
  int CoordinatorsUp() const {
    return static_cast<int>(std::count_if(coordinators.begin(), coordinators.end(),
                                          [](const Member& member) { return !member.id.empty(); }));
  }
  // What everything depends on is missing.
  bool IsUnavailable() const {
    return !status.lease().in_force() || status.evidence().silent_ms() > kLeaderlessMs;
  }
  std::string Health() const {
    if (IsUnavailable()) return "UNAVAILABLE";
    const bool all_there =
        status.alarms().empty() && CoordinatorsUp() == static_cast<int>(coordinators.size());
    return all_there ? "HEALTHY" : "DEGRADED";
  }
};

std::string Plural(int count, const std::string& thing) {
  return std::to_string(count) + " " + thing + (count == 1 ? "" : "s");
}

// What may fail.
std::string Sentence(const Picture& picture) {
  if (picture.IsUnavailable()) {
    return "no ids and timestamps are given out, and nothing of the cluster can be changed";
  }
  const int roots = std::max(picture.RootsUp() - kQuorum, 0);
  const int coordinators = std::max(picture.CoordinatorsUp() - 1, 0);
  std::string text = "can lose " + Plural(roots, "meta-root") + " and " +
                     Plural(coordinators, "coordinator") + " without downtime";
  if (coordinators == 0) text += "; start another coordinator to lose one";
  return text;
}

Result<Picture> Look(CoordinatorClient& client) {
  Picture picture;
  auto status = client.Ask<wire::GetStatusResponse>("GetStatus", wire::GetStatusRequest());
  if (!status.ok()) return status.status();
  picture.status = *std::move(status);
  std::vector<std::string> addresses = client.addresses();
  const std::string& holder = picture.status.lease().holder_address();
  const bool known = std::find(addresses.begin(), addresses.end(), holder) != addresses.end();
  if (picture.status.lease().in_force() && !holder.empty() && !known) addresses.push_back(holder);
  for (const std::string& address : addresses) {
    const auto one =
        client.AskOne<wire::GetStatusResponse>(address, "GetStatus", wire::GetStatusRequest());
    picture.coordinators.push_back(
        one.ok() ? Member{address, one->coordinator_id(), one->version(), ""}
                 : Member{address, "", "", std::string(one.status().message())});
  }
  return picture;
}

Json ToJson(const Picture& picture) {
  const wire::GetStatusResponse& status = picture.status;
  Json roots = Json::array();
  for (const wire::RootMemberInfo& member : status.root_members()) {
    roots.push_back({{"node_id", member.node_id()},
                     {"address", member.address()},
                     {"reachable", member.reachable()},
                     {"leader", member.leader()},
                     {"follows", member.follows()},
                     {"revision", member.revision()},
                     {"problem", member.problem()}});
  }
  Json coordinators = Json::array();
  for (const Member& member : picture.coordinators) {
    coordinators.push_back({{"coordinator_id", member.id},
                            {"address", member.address},
                            {"version", member.version},
                            {"answers", !member.id.empty()},
                            {"holder", !member.id.empty() && status.lease().in_force() &&
                                           member.id == status.lease().holder_id()},
                            {"problem", member.problem}});
  }
  const wire::WindowInfo& windows = status.windows();
  return {
      {"health", picture.Health()},
      {"summary", Sentence(picture)},
      {"cluster_id", std::to_string(status.cluster_id())},
      {"answered_by", status.coordinator_id()},
      {"meta_roots", roots},
      {"coordinators", coordinators},
      {"lease",
       {{"holder_id", status.lease().holder_id()},
        {"holder_address", status.lease().holder_address()},
        {"generation", status.lease().generation()},
        {"in_force", status.lease().in_force()},
        {"ttl_ms", status.lease().ttl_ms()}}},
      {"windows",
       {{"id_fence", std::to_string(windows.id_fence())},
        {"timestamp_fence", std::to_string(windows.timestamp_fence())},
        {"clock_ahead_ms", windows.clock_ahead_ms()}}},
      {"root",
       {{"revision", status.evidence().served_root_token().revision()},
        {"lag", status.evidence().root_lag()},
        {"silent_ms", status.evidence().silent_ms()}}},
      {"stores", status.stores()},
      {"stores_up", status.stores_up()},
      {"regions", status.regions()},
      {"transitions", status.transitions()},
      {"alarms", Json(std::vector<std::string>(status.alarms().begin(), status.alarms().end()))}};
}

std::string RootsText(const Picture& picture) {
  std::string text;
  for (const wire::RootMemberInfo& member : picture.status.root_members()) {
    text += (text.empty() ? "" : "\n          ") + std::to_string(member.node_id()) + "  " +
            member.address() + "  ";
    if (!member.reachable()) {
      text += "does not answer: " + member.problem();
      continue;
    }
    text += member.leader() ? "leader" : member.follows() ? "follower" : "takes no part yet";
    text += ", revision " + std::to_string(member.revision());
    if (!member.problem().empty()) text += ", waits for " + member.problem();
  }
  return text.empty() ? "none" : text;
}

std::string CoordinatorsText(const Picture& picture) {
  const wire::LeaseInfo& lease = picture.status.lease();
  std::string text;
  for (const Member& member : picture.coordinators) {
    text += text.empty() ? "" : "\n          ";
    if (member.id.empty()) {
      text += "-  " + member.address + "  does not answer: " + member.problem;
      continue;
    }
    text += member.id + "  " + member.address;
    if (lease.in_force() && member.id == lease.holder_id()) {
      text += "  holds the lease, generation " + std::to_string(lease.generation());
    }
  }
  return text;
}

std::string ToText(const Picture& picture) {
  const wire::GetStatusResponse& status = picture.status;
  std::string text = "Cluster   " + std::to_string(status.cluster_id()) + "  " + picture.Health() +
                     "  " + Sentence(picture) + "\n";
  text += "Roots     " + RootsText(picture) + "\n";
  text += "Coordinators\n          " + CoordinatorsText(picture) + "\n";
  text += "Lease     ";
  text += status.lease().in_force()
              ? status.lease().holder_id() + ", " + std::to_string(status.lease().ttl_ms()) +
                    " ms at a time\n"
              : "nobody holds it\n";
  text += "Windows   ids below " + std::to_string(status.windows().id_fence()) +
          ", timestamps below " + std::to_string(status.windows().timestamp_fence()) + " (" +
          std::to_string(status.windows().timestamp_fence() >> kTimestampLogicalBits) +
          " ms) are reserved\n";
  text += "Stores    " + std::to_string(status.stores()) + " known, " +
          std::to_string(status.stores_up()) + " up\n";
  text += "Regions   " +
          (status.has_layout() ? std::to_string(status.regions()) + ", " +
                                     std::to_string(status.transitions()) + " moving"
                               : std::string("no layout yet")) +
          "\n";
  text += "Alarms    ";
  for (int i = 0; i < status.alarms_size(); i++) {
    text += (i == 0 ? "" : "          ") + status.alarms(i) + "\n";
  }
  return status.alarms().empty() ? text + "none\n" : text;
}

int ShowStatus(CoordinatorClient& client, const Environment& environment,
               const OutputOptions& output, std::ostream& out) {
  const Result<Picture> picture = Look(client);
  if (!picture.ok()) return Fail(picture.status(), environment.err);
  PrintDocument(out, output, ToJson(*picture).dump(2, ' ', false, Json::error_handler_t::replace),
                ToText(*picture));
  return kExitOk;
}

}  // namespace

Command StatusCommand() {
  return {.name = "status",
          .summary = "a cluster on one screen: is it well, and what may fail",
          .examples = {{"nokv status"},
                       {"nokv status --json"},
                       {"nokv status --config raft_config.json --watch=2s", "until Ctrl-C"}},
          .description =
              "Asks coordinators how their cluster is: whether it is well, what may fail without "
              "downtime, the members of the metadata root, the coordinators, who holds the lease, "
              "the windows of ids and timestamps, and alarms. Ends with 4 if none answers.",
          .define = [](FlagSet& flags) -> Action {
            auto options = std::make_shared<StatusOptions>();
            Define(flags, &options->client);
            DefineOutput(flags, &options->output, DocumentColumns());
            DefineSort(flags, &options->output, DocumentColumns());
            DefineWatch(flags, &options->watch);
            return [options](const Environment& environment) {
              const auto client = CoordinatorClient::Open(options->client, environment.fs);
              if (!client.ok()) return Fail(client.status(), environment.err);
              return Watch(options->watch, options->output, environment,
                           [&](const OutputOptions& output, std::ostream& out) {
                             return ShowStatus(**client, environment, output, out);
                           });
            };
          }};
}

}  // namespace nokv::cli
