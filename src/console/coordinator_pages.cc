#include "console/coordinator_pages.h"

#include <nlohmann/json.hpp>

namespace nokv::console {

namespace {

using Json = nlohmann::ordered_json;
using coordinator::AllocatorStatus;
using coordinator::Catalog;
using coordinator::Coordinator;

constexpr uint64_t kNanosPerMs = 1'000'000;

double Real(uint64_t number) {
  return static_cast<double>(number);
}

Json RootJson(Coordinator& coordinator) {
  const coordinator::RootStanding standing = coordinator.catalog().standing();
  const coordinator::Evidence evidence = coordinator::EvidenceOf(standing);
  uint64_t leader = 0;
  Json members = Json::array();
  for (const coordinator::RootMember& member : coordinator.RootMembers()) {
    if (member.leader) leader = member.node;
    members.push_back({{"node_id", member.node},
                       {"addr", member.addr},
                       {"reachable", member.reachable},
                       {"leader", member.leader},
                       {"follows", member.follows},
                       {"revision", member.revision},
                       {"problem", member.problem}});
  }
  return {{"configured", true},
          {"served_token", {{"revision", evidence.served_revision}}},
          {"current_token", {{"revision", evidence.current_revision}}},
          {"root_lag", evidence.lag},
          {"catch_up_state", coordinator::NameOf(evidence.catch_up)},
          {"degraded_mode", coordinator::NameOf(evidence.degraded)},
          {"served_by_leader", coordinator.allocator().status().holds},
          {"silent_ms", standing.silent_ms},
          {"storage_leader_id", leader},
          {"last_reload_unix_nano", (coordinator.wall_ms() - standing.silent_ms) * kNanosPerMs},
          {"last_reload_error", coordinator.catalog().silence()},
          {"read_state_load_error", coordinator.catalog().silence()},
          {"members", members}};
}

Json LeaseJson(const Coordinator& coordinator, const AllocatorStatus& status) {
  const coordinator::AllocatorOptions& options = coordinator.options().allocator;
  const coordinator::Holder holder = coordinator::ParseHolder(status.rooted.holder);
  return {{"enabled", true},
          {"coordinator_id", options.holder.id},
          {"ttl_nanos", options.lease_ttl_ms * kNanosPerMs},
          {"renew_before_nanos", options.lease_renew_before_ms * kNanosPerMs},
          {"holder_id", holder.id},
          {"holder_addr", holder.addr},
          {"active", status.rooted.in_force},
          {"held_by_self", status.holds},
          {"usable_by_self", status.holds},
          {"remaining_ms", status.remaining_ms},
          {"expires_unix_nano",
           status.holds ? (coordinator.wall_ms() + status.remaining_ms) * kNanosPerMs : 0},
          {"cert_generation", status.rooted.generation},
          {"issued_cursor", {{"revision", status.rooted.granted_revision}}},
          {"problem", status.lease_problem}};
}

Json AllocatorJson(const AllocatorStatus& status) {
  return {{"id_current", status.id_next},
          {"id_window_high", status.id_until},
          {"tso_current", status.timestamp_next},
          {"tso_window_high", status.timestamp_until},
          {"clock_ahead_ms", status.clock_ahead_ms},
          {"waiting", status.waiting},
          {"problem", status.window_problem}};
}

}  // namespace

std::string CoordinatorToJson(Coordinator& coordinator) {
  const AllocatorStatus status = coordinator.allocator().status();
  const uint64_t regions = coordinator.catalog().Read(
      [](const Catalog::Now& now) { return now.view.root().regions.size(); });
  const Json state = {{"regions", regions},
                      {"allocator", AllocatorJson(status)},
                      {"root", RootJson(coordinator)},
                      {"lease", LeaseJson(coordinator, status)},
                      {"alarms", coordinator.Alarms()}};
  return Json{{"root_mode", "remote"}, {"state", state}}.dump(
      -1, ' ', false, nlohmann::json::error_handler_t::replace);
}

void WriteCoordinator(metrics::TextWriter& out, Coordinator& coordinator) {
  const AllocatorStatus status = coordinator.allocator().status();
  out.Gauge("nokv_coordinator_lease_held", "1 while this coordinator holds the lease.",
            status.holds ? 1 : 0);
  out.Gauge("nokv_coordinator_lease_remaining_seconds", "For how long it is held.",
            Real(status.remaining_ms) / 1e3);
  out.Gauge("nokv_coordinator_lease_generation", "Of the last lease there was.",
            Real(status.rooted.generation));
  out.Counter("nokv_coordinator_lease_changes_total", "How often this coordinator got the lease.",
              status.lease_changes);
  out.Counter("nokv_coordinator_numbers_total", "Numbers that were given out.", status.given_ids,
              {{"kind", "ids"}});
  out.Counter("nokv_coordinator_numbers_total", "Numbers that were given out.",
              status.given_timestamps, {{"kind", "timestamps"}});
  out.Counter("nokv_coordinator_refused_requests_total", "Requests for numbers that got none.",
              status.refused);
  out.Gauge("nokv_coordinator_waiting_requests", "Requests that wait for a window of numbers.",
            Real(status.waiting));
  out.Gauge("nokv_coordinator_clock_ahead_seconds",
            "By how much the clock is ahead of what timestamps follow.",
            Real(status.clock_ahead_ms) / 1e3);
  const coordinator::RootStanding standing = coordinator.catalog().standing();
  out.Gauge("nokv_coordinator_root_revision", "Of the copy of the root's state.",
            Real(standing.served_revision));
  out.Gauge("nokv_coordinator_root_lag_revisions", "By which the copy is behind.",
            Real(coordinator::EvidenceOf(standing).lag));
  out.Gauge("nokv_coordinator_root_silent_seconds", "Since the copy was known to be the latest.",
            Real(standing.silent_ms) / 1e3);
  for (const coordinator::RootMember& member : coordinator.RootMembers()) {
    out.Gauge("nokv_coordinator_root_member_reachable", "1 if the member of the root answers.",
              member.reachable ? 1 : 0, {{"node", std::to_string(member.node)}});
  }
  out.Gauge("nokv_coordinator_waiting_questions", "Questions that wait for a newer copy.",
            Real(coordinator.catalog().waiting()));
  out.Gauge("nokv_coordinator_alarms", "What somebody should look after.",
            Real(coordinator.Alarms().size()));
}

}  // namespace nokv::console
