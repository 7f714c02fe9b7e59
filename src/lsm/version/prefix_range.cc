#include "lsm/version/prefix_range.h"

#include "keys/keys.h"

namespace nokv::lsm {

void PrefixRange::Extend(const PrefixRange& other) {
  if (other.begin < begin) begin = other.begin;
  if (other.end > end) {
    end = other.end;
    end_inclusive = other.end_inclusive;
  } else if (other.end == end) {
    end_inclusive = end_inclusive || other.end_inclusive;
  }
}

PrefixRange RangeOf(const manifest::FileMetadata& file) {
  // No entry has the greatest sequence number: a bound that does is the end of a range tombstone.
  const bool ends_with_tombstone = keys::SequenceOf(file.largest) == keys::kMaxSequence;
  return {std::string(keys::InternalPrefixOf(file.smallest)),
          std::string(keys::InternalPrefixOf(file.largest)), !ends_with_tombstone};
}

PrefixRange RangeOf(const FileList& files) {
  PrefixRange range = RangeOf(files.front()->meta());
  for (const auto& file : files) range.Extend(RangeOf(file->meta()));
  return range;
}

}  // namespace nokv::lsm
