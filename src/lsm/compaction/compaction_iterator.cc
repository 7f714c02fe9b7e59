#include "lsm/compaction/compaction_iterator.h"

#include <algorithm>
#include <utility>

#include "base/macros.h"
#include "lsm/entry.h"

namespace nokv::lsm {

namespace {

std::shared_ptr<const RangeTombstoneSet> Union(
    const std::vector<std::shared_ptr<const RangeTombstoneSet>>& sets) {
  std::vector<RangeTombstone> all;
  for (const auto& set : sets) {
    for (const RangeTombstoneSet::Fragment& fragment : set->fragments()) {
      for (const keys::SequenceNumber sequence : fragment.sequences) {
        all.push_back({fragment.start, fragment.end, sequence});
      }
    }
  }
  return RangeTombstoneSet::Build(std::move(all));
}

}  // namespace

bool BottomCheck::NothingBelow(std::string_view prefix) const {
  return version != nullptr && !version->PrefixMayExistBelow(level, prefix);
}

bool BottomCheck::NothingBelow(std::string_view begin, std::string_view end) const {
  return version != nullptr &&
         !version->OverlapsBelow(level, {std::string(begin), std::string(end), false});
}

CompactionIterator::CompactionIterator(
    std::unique_ptr<InternalIterator> input,
    const std::vector<std::shared_ptr<const RangeTombstoneSet>>& tombstones,
    CompactionFilterOptions options)
    : input_(std::move(input)), tombstones_(Union(tombstones)), options_(std::move(options)) {
  AppendEntryPayload({}, {}, &tombstone_payload_);
}

void CompactionIterator::SeekToFirst() {
  has_last_ = false;
  input_->SeekToFirst();
  Advance();
}

void CompactionIterator::Seek(std::string_view prefix) {
  has_last_ = false;
  input_->Seek(keys::FirstInternalKey(prefix));
  Advance();
}

void CompactionIterator::Next() {
  input_->Next();
  Advance();
}

Status CompactionIterator::status() const {
  return status_.ok() ? input_->status() : status_;
}

size_t CompactionIterator::StripeOf(keys::SequenceNumber sequence) const {
  // The stripe of snapshot i holds what snapshot i sees and snapshot i - 1 does not.
  const auto& snapshots = options_.snapshots;
  return static_cast<size_t>(std::lower_bound(snapshots.begin(), snapshots.end(), sequence) -
                             snapshots.begin());
}

bool CompactionIterator::InputValid() const {
  if (!input_->Valid()) return false;
  return !options_.end.has_value() || keys::InternalPrefixOf(input_->key()) < *options_.end;
}

void CompactionIterator::Advance() {
  paused_ = false;
  for (; InputValid(); input_->Next()) {
    paused_ = bytes_read_ >= pause_at_;
    if (paused_) break;
    bytes_read_ += input_->key().size() + input_->value().size();
    valid_ = Survives();
    if (valid_ || !status_.ok()) return;
    entries_dropped_++;
  }
  valid_ = false;
}

Result<Verdict> CompactionIterator::Judge(std::string_view internal_key,
                                          const ParsedPayload& parsed) {
  if (parsed.attributes.ExpiredAt(options_.now_ms)) return Verdict::kDrop;
  const ValueFilter& filter = options_.filter;
  const keys::SequenceNumber sequence = keys::SequenceOf(internal_key);
  if (!filter.judge || sequence <= filter.after) return Verdict::kKeep;
  std::string_view value;
  if (filter.reads_values) value = parsed.value;
  if (filter.reads_values && parsed.apart()) {
    RETURN_IF_ERROR(options_.values->ReadValue(*parsed.pointer, &fetched_, &value));
    bytes_read_ += value.size();
  }
  changed_.clear();
  return filter.judge(
      {keys::EngineKeyOf(internal_key), sequence, parsed.attributes, value, options_.output_level},
      &changed_);
}

bool CompactionIterator::Survives() {
  const std::string_view internal_key = input_->key();
  const std::string_view engine_key = keys::EngineKeyOf(internal_key);
  const std::string_view prefix = keys::PrefixOf(engine_key);
  const keys::SequenceNumber sequence = keys::SequenceOf(internal_key);
  const size_t stripe = StripeOf(sequence);

  // Whatever became of the newer entry in this stripe, it stands for this one.
  if (has_last_ && stripe == last_stripe_ && engine_key == last_engine_key_) return false;
  last_engine_key_.assign(engine_key);
  last_stripe_ = stripe;
  has_last_ = true;

  const keys::SequenceNumber newest_of_stripe =
      stripe < options_.snapshots.size() ? options_.snapshots[stripe] : keys::kMaxSequence;
  if (tombstones_->MaxCovering(prefix, newest_of_stripe) > sequence) return false;

  keys::Kind kind = keys::KindOf(internal_key);
  std::string_view payload = input_->value();
  if (kind == keys::Kind::kPut && keys::VersionOf(engine_key) == 0) {
    ParsedPayload parsed;
    if (!ParseEntryPayload(payload, &parsed)) {
      status_ = Status::Corruption("an entry in the input of a compaction is malformed");
      return false;
    }
    const Result<Verdict> verdict = Judge(internal_key, parsed);
    if (!verdict.ok()) {
      status_ = verdict.status();
      return false;
    }
    if (*verdict == Verdict::kDrop) {
      kind = keys::Kind::kDelete;
      payload = tombstone_payload_;
    } else if (*verdict == Verdict::kChange) {
      changed_payload_.clear();
      AppendEntryPayload(parsed.attributes, changed_, &changed_payload_);
      payload = changed_payload_;
    }
  }
  if (kind == keys::Kind::kDelete && stripe == 0 && options_.bottom.NothingBelow(prefix)) {
    return false;
  }
  key_.clear();
  keys::AppendInternalKey(engine_key, keys::PackTrailer(sequence, kind), &key_);
  value_ = payload;
  return true;
}

std::vector<RangeTombstone> CompactionIterator::TombstonesIn(const std::string* begin,
                                                             const std::string* end) const {
  std::vector<RangeTombstone> result;
  for (const RangeTombstoneSet::Fragment& fragment : tombstones_->fragments()) {
    std::string_view from = fragment.start;
    std::string_view to = fragment.end;
    if (begin != nullptr && from < *begin) from = *begin;
    if (end != nullptr && to > *end) to = *end;
    if (from >= to) continue;
    const bool bottom = options_.bottom.NothingBelow(from, to);
    // The newest of each stripe stands for the others.
    size_t last_stripe = options_.snapshots.size() + 1;
    for (const keys::SequenceNumber sequence : fragment.sequences) {
      const size_t stripe = StripeOf(sequence);
      if (stripe == last_stripe || (stripe == 0 && bottom)) continue;
      last_stripe = stripe;
      result.push_back({std::string(from), std::string(to), sequence});
    }
  }
  return result;
}

}  // namespace nokv::lsm
