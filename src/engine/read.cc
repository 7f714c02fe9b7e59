// The read path: point lookups, cursors and snapshots.
#include <algorithm>
#include <array>

#include "base/macros.h"
#include "engine/engine_impl.h"
#include "lsm/iterator/merging_iterator.h"

namespace nokv::engine {

class SnapshotHandle final : public EngineSnapshot {
 public:
  SnapshotHandle(EngineImpl& engine, keys::SequenceNumber sequence,
                 std::shared_ptr<const ReadState> state)
      : engine_(engine), sequence_(sequence), state_(std::move(state)) {}
  ~SnapshotHandle() override { engine_.ReleaseSnapshot(sequence_); }
  keys::SequenceNumber sequence() const override { return sequence_; }
  // What it reads from; null: whatever is current.
  const std::shared_ptr<const ReadState>& state() const { return state_; }

 private:
  EngineImpl& engine_;
  const keys::SequenceNumber sequence_;
  const std::shared_ptr<const ReadState> state_;
};

keys::SequenceNumber EngineImpl::SequenceOf(const ReadView& view, const ReadState& state) const {
  if (view.snapshot != nullptr) return view.snapshot->sequence();
  return state.SequenceAt(view.include_unsynced ? horizon_.applied() : horizon_.visible());
}

CurrentReadState::Lease EngineImpl::StateOf(const ReadView& view) const {
  if (view.snapshot != nullptr) {
    const auto& pinned = static_cast<const SnapshotHandle*>(view.snapshot)->state();
    if (pinned != nullptr) return CurrentReadState::Lease(pinned);
  }
  return current_state_.Take();
}

void EngineImpl::PublishReadStateLocked() {
  auto state = std::make_shared<ReadState>();
  state->active = active_.table;
  for (auto it = immutables_.rbegin(); it != immutables_.rend(); ++it) {
    state->immutables.push_back(it->table);
  }
  state->version = versions_->current();
  state->limit = read_limit_;
  state->floor = read_floor_;
  read_state_ = state;
  current_state_.Publish(std::move(state));
  nothing_to_compact_ = false;
  JudgeLoadLocked();
}

namespace {

// An entry that was found, and what keeps it alive if the read state does not.
struct Lookup {
  bool found = false;
  uint64_t trailer = 0;
  std::string_view payload;
  lsm::BlockHandle block;
  int tables_read = 0;
};

// True if the memtables have the newest entry of the key. `*covering` is the newest tombstone over
// it there.
bool FindInMemtables(const ReadState& state, std::string_view engine_key,
                     keys::SequenceNumber sequence, Lookup* lookup,
                     keys::SequenceNumber* covering) {
  const auto look_in = [&](const lsm::Memtable& memtable) {
    if (memtable.range_tombstone_count() > 0) {
      *covering = std::max(*covering, memtable.range_tombstones()->MaxCovering(
                                          keys::PrefixOf(engine_key), sequence));
    }
    if (!memtable.Get(engine_key, sequence, &lookup->trailer, &lookup->payload)) return false;
    lookup->found =
        keys::Kind(lookup->trailer & 0xff) == keys::Kind::kPut && lookup->trailer >> 8 > *covering;
    return true;
  };
  if (look_in(*state.active)) return true;
  return std::any_of(state.immutables.begin(), state.immutables.end(),
                     [&](const auto& memtable) { return look_in(*memtable); });
}

void TakeFromTables(lsm::LookupResult result, Lookup* lookup) {
  lookup->found = result.state == lsm::LookupResult::State::kFound &&
                  keys::Kind(result.trailer & 0xff) == keys::Kind::kPut;
  lookup->trailer = result.trailer;
  lookup->payload = result.payload;
  lookup->block = std::move(result.block);
  lookup->tables_read = result.tables_read;
}

// The newest entry of the key and the newest tombstone over it, memtables first.
Status FindNewest(const ReadState& state, std::string_view engine_key,
                  keys::SequenceNumber sequence, Lookup* lookup) {
  lsm::LookupResult result;
  if (FindInMemtables(state, engine_key, sequence, lookup, &result.covering)) return Status::Ok();
  RETURN_IF_ERROR(state.version->Get(engine_key, sequence, &result));
  TakeFromTables(std::move(result), lookup);
  return Status::Ok();
}

// As FindNewest for each key; their waits for memory, and for values that lie apart, overlap.
Status FindAllNewest(const ReadState& state, std::span<const std::string> engine_keys,
                     keys::SequenceNumber sequence, std::span<Lookup> lookups) {
  std::vector<lsm::KeyLookup> in_tables;
  std::vector<size_t> places;  // of their keys
  state.active->Prefetch(engine_keys);
  for (const auto& memtable : state.immutables) memtable->Prefetch(engine_keys);
  for (size_t i = 0; i < engine_keys.size(); i++) {
    lsm::KeyLookup lookup{engine_keys[i], {}, {}};
    if (FindInMemtables(state, engine_keys[i], sequence, &lookups[i], &lookup.result.covering)) {
      continue;
    }
    in_tables.push_back(std::move(lookup));
    places.push_back(i);
  }
  state.version->MultiGet(sequence, in_tables);
  for (size_t i = 0; i < in_tables.size(); i++) {
    RETURN_IF_ERROR(in_tables[i].status);
    Lookup& lookup = lookups[places[i]];
    TakeFromTables(std::move(in_tables[i].result), &lookup);
    lsm::ParsedPayload parsed;
    if (lookup.found && lsm::ParseEntryPayload(lookup.payload, &parsed) && parsed.apart()) {
      state.version->PrefetchValue(*parsed.pointer);
    }
  }
  return Status::Ok();
}

// Reads a value that lies apart.
Status FetchValue(const CurrentReadState::Lease& state, const vlog::ValuePointer& pointer,
                  FoundValue* found) {
  std::string scratch;
  RETURN_IF_ERROR(state->version->ReadValue(pointer, &scratch, &found->value));
  if (found->value.data() == scratch.data()) {
    auto buffer = std::make_shared<const std::string>(std::move(scratch));
    found->value = *buffer;
    found->pin = std::move(buffer);
  } else {
    found->pin = state.shared();
  }
  return Status::Ok();
}

// False if the entry has expired.
Result<bool> Show(const CurrentReadState::Lease& state, base::Clock& clock, Lookup lookup,
                  FoundValue* found) {
  lsm::ParsedPayload parsed;
  if (!lsm::ParseEntryPayload(lookup.payload, &parsed)) {
    return Status::Corruption("an entry's attributes are malformed");
  }
  found->attributes = parsed.attributes;
  // Most entries never expire: those need no clock.
  if (found->attributes.expiry_ms != 0 && found->attributes.ExpiredAt(clock.WallMillis())) {
    return false;
  }
  found->sequence = lookup.trailer >> 8;
  if (parsed.apart()) {
    RETURN_IF_ERROR(FetchValue(state, *parsed.pointer, found));
    return true;
  }
  found->value = parsed.value;
  // A value in a memtable lives as long as the read state; one in a table, as its block.
  if (lookup.block) {
    found->pin = std::move(lookup.block);
  } else {
    found->pin = state.shared();
  }
  return true;
}

}  // namespace

Result<bool> EngineImpl::Get(const ReadView& view, std::string_view engine_key, FoundValue* found) {
  if (closed()) return DatabaseClosed();
  const OperationTimer timer(clock(), times_->get);
  const CurrentReadState::Lease state = StateOf(view);
  Lookup lookup;
  RETURN_IF_ERROR(FindNewest(*state, engine_key, SequenceOf(view, *state), &lookup));
  if (timer.timed()) times_->tables_per_get.Record(static_cast<uint64_t>(lookup.tables_read));
  if (!lookup.found) return false;
  return Show(state, clock(), std::move(lookup), found);
}

Status EngineImpl::MultiGet(const ReadView& view, std::span<const std::string> engine_keys,
                            std::vector<std::optional<FoundValue>>* found) {
  // As many as a processor can wait for at once, or more.
  constexpr size_t kAtOnce = 16;
  if (closed()) return DatabaseClosed();
  const CurrentReadState::Lease state = StateOf(view);
  const keys::SequenceNumber sequence = SequenceOf(view, *state);
  found->clear();
  found->reserve(engine_keys.size());
  while (!engine_keys.empty()) {
    const auto keys = engine_keys.first(std::min(kAtOnce, engine_keys.size()));
    engine_keys = engine_keys.subspan(keys.size());
    std::array<Lookup, kAtOnce> lookups;
    RETURN_IF_ERROR(FindAllNewest(*state, keys, sequence, std::span(lookups).first(keys.size())));
    for (size_t i = 0; i < keys.size(); i++) {
      std::optional<FoundValue>& value = found->emplace_back();
      if (!lookups[i].found) continue;
      ASSIGN_OR_RETURN(const bool live,
                       Show(state, clock(), std::move(lookups[i]), &value.emplace()));
      if (!live) value.reset();
    }
  }
  return Status::Ok();
}

void EngineImpl::Prefetch(std::span<const std::string> engine_keys) {
  if (closed()) return;
  current_state_.Take()->active->Prefetch(engine_keys);
}

std::unique_ptr<Cursor> EngineImpl::NewCursor(const CursorOptions& options) {
  if (closed()) return NewFailedCursor(DatabaseClosed());
  const CurrentReadState::Lease lease = StateOf(options.view);
  const ReadState& state = *lease;
  CursorSource source;
  source.sequence = SequenceOf(options.view, state);
  source.now_ms = clock().WallMillis();
  source.clock = &clock();
  source.closed = closed_;
  source.times = times_;
  source.scattered = scattered_;
  source.scattered_in_memory = options_.value_order_memory_reads;
  std::vector<std::unique_ptr<lsm::InternalIterator>> children;
  children.push_back(state.active->NewIterator());
  auto tombstones = state.version->CollectTombstones();
  if (!tombstones.ok()) return NewFailedCursor(tombstones.status());
  source.tombstones = *std::move(tombstones);
  source.tombstones.push_back(state.active->range_tombstones());
  for (const auto& memtable : state.immutables) {
    children.push_back(memtable->NewIterator());
    source.tombstones.push_back(memtable->range_tombstones());
  }
  state.version->AddIterators(options.fill_cache, &children, options.upper);
  source.iterator = lsm::NewMergingIterator(std::move(children));
  source.version = state.version.get();
  source.pin = lease.shared();
  return NewEngineCursor(std::move(source), options);
}

std::unique_ptr<EngineSnapshot> EngineImpl::NewSnapshot(bool include_unsynced) {
  base::MutexLock lock(mu_);
  // Under the lock, so that no compaction that is planned meanwhile drops what it shows.
  const keys::SequenceNumber sequence = SequenceOf({nullptr, include_unsynced}, *read_state_);
  snapshots_.insert(sequence);
  // The filter of a compaction that runs was not told of it, nor was an ingest that drops tables.
  const bool unknown =
      excising_ || (options_.compaction_filter != nullptr && !compactions_.empty());
  return std::make_unique<SnapshotHandle>(*this, sequence, unknown ? read_state_ : nullptr);
}

void EngineImpl::ReleaseSnapshot(keys::SequenceNumber sequence) {
  base::MutexLock lock(mu_);
  snapshots_.erase(snapshots_.find(sequence));
  const bool before_excision =
      excision_.has_value() && !snapshots_.empty() && *snapshots_.begin() < excision_->sequence;
  if (!before_excision) excision_.reset();
}

std::vector<keys::SequenceNumber> EngineImpl::SnapshotsLocked() const {
  // What is visible now is a snapshot too: the next read will take it.
  std::vector<keys::SequenceNumber> sequences(snapshots_.begin(), snapshots_.end());
  sequences.push_back(tracker_.visible());
  std::sort(sequences.begin(), sequences.end());
  sequences.erase(std::unique(sequences.begin(), sequences.end()), sequences.end());
  return sequences;
}

}  // namespace nokv::engine
