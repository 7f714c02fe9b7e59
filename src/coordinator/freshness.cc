#include "coordinator/freshness.h"

#include <algorithm>
#include <string>

namespace nokv::coordinator {

namespace {

Status TooOld(const std::string& what) {
  return Status::Unavailable(what).WithHint(
      "ask again, or another coordinator, or with less freshness");
}

}  // namespace

std::string_view NameOf(ServingClass serving) {
  constexpr std::string_view kNames[] = {"authoritative", "bounded_stale", "degraded"};
  return kNames[static_cast<size_t>(serving)];
}

std::string_view NameOf(DegradedMode mode) {
  constexpr std::string_view kNames[] = {"healthy", "root_lagging", "root_unavailable"};
  return kNames[static_cast<size_t>(mode)];
}

std::string_view NameOf(CatchUp state) {
  constexpr std::string_view kNames[] = {"fresh", "lagging", "bootstrap_required", "unavailable"};
  return kNames[static_cast<size_t>(state)];
}

Evidence EvidenceOf(const RootStanding& standing) {
  Evidence evidence;
  evidence.served_revision = standing.served_revision;
  evidence.current_revision = std::max(
      {standing.served_revision, standing.heard_revision, standing.confirmed_revision.value_or(0)});
  evidence.lag = evidence.current_revision - standing.served_revision;
  if (!standing.reachable) return evidence;
  evidence.degraded = evidence.lag > 0 ? DegradedMode::kRootLagging : DegradedMode::kHealthy;
  if (standing.must_reload) {
    evidence.catch_up = CatchUp::kBootstrapRequired;
    evidence.degraded = DegradedMode::kRootLagging;
    return evidence;
  }
  evidence.catch_up = evidence.lag > 0 ? CatchUp::kLagging : CatchUp::kFresh;
  // That nothing newer was heard of does not make it the latest; a quorum does.
  const bool latest = standing.confirmed_revision.has_value() && evidence.lag == 0;
  evidence.serving = latest ? ServingClass::kAuthoritative : ServingClass::kBoundedStale;
  return evidence;
}

Status CheckFreshness(const RootStanding& standing, const FreshnessWanted& wanted) {
  if (standing.served_revision < wanted.required_revision) {
    return TooOld("required rooted token not satisfied: this coordinator has revision " +
                  std::to_string(standing.served_revision) + ", not " +
                  std::to_string(wanted.required_revision));
  }
  if (wanted.freshness == Freshness::kBestEffort) return Status::Ok();
  const Evidence evidence = EvidenceOf(standing);
  if (wanted.freshness == Freshness::kStrong) {
    if (!standing.confirmed_revision.has_value()) {
      return TooOld("coordinator root unavailable: no quorum of the metadata root answers");
    }
    if (standing.served_revision >= *standing.confirmed_revision) return Status::Ok();
    return TooOld("root lag exceeds strong freshness: revision " +
                  std::to_string(standing.served_revision) + " of " +
                  std::to_string(*standing.confirmed_revision));
  }
  if (!standing.reachable && !wanted.max_silent_ms.has_value()) {
    return TooOld("coordinator root unavailable");
  }
  if (standing.must_reload) return TooOld("bootstrap required before bounded freshness");
  if (wanted.max_lag.has_value() && evidence.lag > *wanted.max_lag) {
    return TooOld("root lag exceeds bound: " + std::to_string(evidence.lag) + " of " +
                  std::to_string(*wanted.max_lag) + " revisions");
  }
  if (wanted.max_silent_ms.has_value() && !standing.was_latest) {
    return TooOld("root lag exceeds bound: not confirmed yet");
  }
  if (wanted.max_silent_ms.has_value() && standing.silent_ms > *wanted.max_silent_ms) {
    return TooOld("root lag exceeds bound: not confirmed for " +
                  std::to_string(standing.silent_ms) + " ms");
  }
  return Status::Ok();
}

}  // namespace nokv::coordinator
