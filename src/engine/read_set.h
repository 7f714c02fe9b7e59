// ReadSet: what a write depends on. Validation: whether any of it has changed.
//
// A change is an entry or a tombstone with a sequence number above the snapshot's, whatever it
// says: a put of the same value counts, the deletion of a key that was not there counts, and a
// range tombstone changes every key of its range. An expiry is no change: nothing is written when
// the time comes.
//
// No lock is needed for what is unchanged until now, only for what changes meanwhile. So a
// validation is registered with the engine first; from then on it is shown each batch that is
// admitted, and the batches that were admitted earlier but are not in their memtables yet. What is
// in memtables and tables by then is searched with no lock held. The write that waits for it is
// admitted, or refused, in the moment in which the validation is taken from the register: at any
// moment each earlier change has been seen in one of the three ways.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "keys/keys.h"
#include "lsm/memtable/memtable.h"
#include "lsm/version/prefix_range.h"
#include "lsm/version/version.h"
#include "nokv/status.h"

namespace nokv::engine {

class EngineSnapshot;

struct ReadSet {
  // Changes after it count. It keeps them from being compacted away; borrowed for the call.
  const EngineSnapshot* since = nullptr;
  std::vector<std::string> points;       // engine keys; they need not exist
  std::vector<lsm::PrefixRange> ranges;  // half-open
  // Answer a conflict when all that was admitted before it is visible, so that whoever tries again
  // sees what was in the way. Otherwise it is answered as soon as it is known.
  bool answer_when_visible = false;
};

// Thread safety: the engine's mutex guards SeeBatch and conflict; the rest is immutable.
class Validation {
 public:
  explicit Validation(ReadSet reads);

  keys::SequenceNumber as_of() const { return as_of_; }
  bool answer_when_visible() const { return answer_when_visible_; }

  // Takes notice of the changes in an encoded batch, newer than the snapshot by assumption.
  void SeeBatch(std::string_view encoding);
  // kAborted, naming what changed, if a batch that was shown changes it; otherwise OK.
  const Status& conflict() const { return conflict_; }

  // Each answers kAborted, naming what changed, if the place has a change newer than the snapshot.
  Status Search(const lsm::Memtable& memtable) const;
  // Reads tables that have newer entries; kDataLoss from a damaged one.
  Status Search(const lsm::Version& version) const;

 private:
  // True if what is named belongs to the read set.
  bool HasKey(std::string_view engine_key) const;
  bool HasAnyOf(std::string_view begin, std::string_view end) const;
  Status Search(const lsm::FileHandle& file) const;
  Status SearchRange(lsm::InternalIterator& it, const lsm::PrefixRange& range) const;
  Status SearchTombstones(const lsm::RangeTombstoneSet& tombstones) const;

  const keys::SequenceNumber as_of_;
  const bool answer_when_visible_;
  std::vector<std::string> points_;       // ascending, no duplicates
  std::vector<lsm::PrefixRange> ranges_;  // ascending, disjoint
  Status conflict_;
};

}  // namespace nokv::engine
