// How new an answer must be, and how new it is. A coordinator answers from its copy of the root's
// state; whoever asks says how far that may be behind, and every answer says how far it is.
//
// Thread safety: pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "nokv/status.h"

namespace nokv::coordinator {

enum class Freshness {
  kStrong,      // not older than anything that had ended when the question came
  kBounded,     // behind by no more than was said
  kBestEffort,  // whatever there is
};

// How a coordinator stands to the root.
struct RootStanding {
  uint64_t served_revision = 0;  // of the copy
  // What the root's leader, confirmed by a quorum, has said after the question came; empty: it did
  // not answer.
  std::optional<uint64_t> confirmed_revision = std::nullopt;
  // The latest revision that was ever heard of; the copy may not have it yet.
  uint64_t heard_revision = 0;
  bool reachable = true;     // some member of the root answers
  bool must_reload = false;  // the copy fell behind what the root's tail has
  uint64_t silent_ms = 0;  // since the copy was the latest, for certain; or since the process began
  bool was_latest = true;  // ever
};

struct FreshnessWanted {
  Freshness freshness = Freshness::kBestEffort;
  uint64_t required_revision = 0;                        // the answer is not older than this
  std::optional<uint64_t> max_lag = std::nullopt;        // in revisions; of kBounded
  std::optional<uint64_t> max_silent_ms = std::nullopt;  // of kBounded
};

enum class ServingClass { kAuthoritative, kBoundedStale, kDegraded };
enum class DegradedMode { kHealthy, kRootLagging, kRootUnavailable };
enum class CatchUp { kFresh, kLagging, kBootstrapRequired, kUnavailable };
std::string_view NameOf(ServingClass serving);
std::string_view NameOf(DegradedMode mode);
std::string_view NameOf(CatchUp state);

// What goes with an answer.
struct Evidence {
  uint64_t served_revision = 0;
  uint64_t current_revision = 0;  // as far as it is known
  uint64_t lag = 0;
  ServingClass serving = ServingClass::kDegraded;
  DegradedMode degraded = DegradedMode::kRootUnavailable;
  CatchUp catch_up = CatchUp::kUnavailable;
};
Evidence EvidenceOf(const RootStanding& standing);

// kUnavailable, saying how far it is behind, if the copy is not as new as is wanted.
Status CheckFreshness(const RootStanding& standing, const FreshnessWanted& wanted);

}  // namespace nokv::coordinator
