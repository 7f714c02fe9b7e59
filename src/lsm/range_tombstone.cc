#include "lsm/range_tombstone.h"

#include <algorithm>
#include <set>

namespace nokv::lsm {

std::shared_ptr<const RangeTombstoneSet> RangeTombstoneSet::Build(
    std::vector<RangeTombstone> tombstones) {
  std::erase_if(tombstones, [](const RangeTombstone& t) { return t.start >= t.end; });
  auto set = std::make_shared<RangeTombstoneSet>();
  if (tombstones.empty()) return set;

  // Sweep over all bounds in order. `open` holds the sequence numbers over the stretch that begins
  // at the current bound; an open tombstone closes at its end.
  struct Bound {
    std::string_view at;
    keys::SequenceNumber sequence;
    bool opens;
  };
  std::vector<Bound> bounds;
  bounds.reserve(tombstones.size() * 2);
  for (const RangeTombstone& t : tombstones) {
    bounds.push_back({t.start, t.sequence, true});
    bounds.push_back({t.end, t.sequence, false});
  }
  std::sort(bounds.begin(), bounds.end(),
            [](const Bound& a, const Bound& b) { return a.at < b.at; });

  std::multiset<keys::SequenceNumber, std::greater<>> open;
  for (size_t i = 0; i < bounds.size();) {
    const std::string_view at = bounds[i].at;
    std::vector<Fragment>& out = set->fragments_;
    if (!open.empty()) out.back().end = at;
    // Opens first: a tombstone never closes at its own start, so erasing always finds its number.
    const size_t first = i;
    for (; i < bounds.size() && bounds[i].at == at; i++) {
      if (bounds[i].opens) open.insert(bounds[i].sequence);
    }
    for (size_t j = first; j < i; j++) {
      if (!bounds[j].opens) open.erase(open.find(bounds[j].sequence));
    }
    if (open.empty()) continue;
    Fragment fragment{std::string(at), {}, {}};
    std::unique_copy(open.begin(), open.end(), std::back_inserter(fragment.sequences));
    // Neighbours that say the same are one fragment.
    if (!out.empty() && out.back().end == at && out.back().sequences == fragment.sequences) {
      continue;
    }
    out.push_back(std::move(fragment));
  }
  return set;
}

keys::SequenceNumber RangeTombstoneSet::MaxCovering(std::string_view prefix,
                                                    keys::SequenceNumber snapshot) const {
  const auto after =
      std::upper_bound(fragments_.begin(), fragments_.end(), prefix,
                       [](std::string_view key, const Fragment& f) { return key < f.start; });
  if (after == fragments_.begin()) return 0;
  const Fragment& fragment = *std::prev(after);
  if (prefix >= fragment.end) return 0;
  const auto newest = std::lower_bound(fragment.sequences.begin(), fragment.sequences.end(),
                                       snapshot, std::greater<>());
  return newest == fragment.sequences.end() ? 0 : *newest;
}

}  // namespace nokv::lsm
