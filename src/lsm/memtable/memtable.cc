#include "lsm/memtable/memtable.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <string>
#include <utility>
#include <vector>

#include "base/arena.h"
#include "base/check.h"
#include "base/hash.h"
#include "base/mutex.h"
#include "base/prefetch.h"
#include "lsm/memtable/hash_index.h"
#include "lsm/memtable/key_entries.h"
#include "lsm/memtable/sorted_keys.h"

namespace nokv::lsm {

namespace {

using internal::Entry;
using internal::HashIndex;
using internal::KeyEntries;
using internal::SortedKeys;

// Stands on an entry of a key. Backwards, the entries of a key are looked up together, because they
// are linked from new to old only.
class MemtableIterator : public InternalIterator {
 public:
  explicit MemtableIterator(SortedKeys& keys) : keys_(keys) {}

  bool Valid() const override { return key_ != nullptr; }
  void SeekToFirst() override {
    keys_.Sort();
    StandOnNewest(keys_.First());
  }
  void SeekToLast() override {
    keys_.Sort();
    StandOnOldest(keys_.Last());
  }
  void Seek(std::string_view target) override {
    keys_.Sort();
    const SeekKey seek(target);
    const KeyEntries* key = keys_.FindAtOrAfter(seek);
    if (key == nullptr || seek.CompareEngineKey(key->engine_key()) != 0) return StandOnNewest(key);
    const Entry* entry = key->Find(seek.trailer());
    if (entry == nullptr) return StandOnNewest(SortedKeys::After(*key));
    StandOn(key, entry);
  }
  void SeekForPrev(std::string_view target) override {
    keys_.Sort();
    const SeekKey seek(target);
    const KeyEntries* key = keys_.FindAtOrAfter(seek);
    if (key == nullptr || seek.CompareEngineKey(key->engine_key()) != 0) {
      return StandOnOldest(keys_.FindBefore(seek));
    }
    const Entry* entry = key->Find(seek.trailer());
    if (entry != nullptr && entry->trailer() == seek.trailer()) return StandOn(key, entry);
    StandOnNewerThan(key, entry);
  }
  void Next() override {
    const Entry* older = entry_->older();
    if (older == nullptr) return StandOnNewest(SortedKeys::After(*key_));
    StandOn(key_, older);
  }
  void Prev() override {
    if (newer_of_ != entry_) CollectNewer(key_, entry_);
    StandOnCollected(key_);
  }
  std::string_view key() const override { return internal_key_; }
  std::string_view value() const override { return entry_->payload(); }
  Status status() const override { return {}; }

 private:
  // A walk is a chain of cache misses: what comes next is fetched while this is used.
  static void Prefetch(const KeyEntries* key) {
    if (key == nullptr) return;
    base::Prefetch(key->newest());
    base::Prefetch(SortedKeys::After(*key));
  }
  void StandOnNewest(const KeyEntries* key) {
    if (key != nullptr) Prefetch(SortedKeys::After(*key));
    StandOn(key, key == nullptr ? nullptr : key->newest());
  }
  void StandOnOldest(const KeyEntries* key) {
    if (key == nullptr) return StandOn(nullptr, nullptr);
    StandOnNewerThan(key, nullptr);
  }
  // Stands on the oldest entry of `key` that is newer than `entry` (nullptr: the oldest of all), or
  // on the key before.
  void StandOnNewerThan(const KeyEntries* key, const Entry* entry) {
    CollectNewer(key, entry);
    StandOnCollected(key);
  }
  void CollectNewer(const KeyEntries* key, const Entry* entry) {
    newer_.clear();
    for (const Entry* newer = key->newest(); newer != entry; newer = newer->older()) {
      newer_.push_back(newer);
    }
  }
  void StandOnCollected(const KeyEntries* key) {
    if (newer_.empty()) return StandOnOldest(keys_.FindBefore(SeekKey(key->engine_key(), 0)));
    const Entry* entry = newer_.back();
    newer_.pop_back();
    StandOn(key, entry);
    newer_of_ = entry;
  }
  void StandOn(const KeyEntries* key, const Entry* entry) {
    if (key != nullptr) {
      internal_key_.clear();
      keys::AppendInternalKey(key->engine_key(), entry->trailer(), &internal_key_);
    }
    key_ = key;
    entry_ = entry;
    newer_of_ = nullptr;
  }

  SortedKeys& keys_;
  const KeyEntries* key_ = nullptr;
  const Entry* entry_ = nullptr;
  std::string internal_key_;
  // Entries of key_ newer than `newer_of_`, the nearest last.
  std::vector<const Entry*> newer_;
  const Entry* newer_of_ = nullptr;
};

// Range tombstones and the set built from them when it is asked for.
class TombstoneList {
 public:
  TombstoneList() : set_(RangeTombstoneSet::Build({})), empty_(set_) {}

  void Add(RangeTombstone tombstone) EXCLUDES(mu_) {
    base::MutexLock lock(mu_);
    bytes_.fetch_add(sizeof(RangeTombstone) + tombstone.start.size() + tombstone.end.size(),
                     std::memory_order_relaxed);
    tombstones_.push_back(std::move(tombstone));
    // Release: paired with the acquire in count, so that a reader that sees the sequence number
    // published after Add also sees that there is something to look at.
    count_.store(tombstones_.size(), std::memory_order_release);
  }
  std::shared_ptr<const RangeTombstoneSet> Set() const EXCLUDES(mu_) {
    if (count() == 0) return empty_;
    base::MutexLock lock(mu_);
    if (built_from_ != tombstones_.size()) {
      set_ = RangeTombstoneSet::Build(tombstones_);
      built_from_ = tombstones_.size();
    }
    return set_;
  }
  size_t count() const { return count_.load(std::memory_order_acquire); }
  size_t bytes() const { return bytes_.load(std::memory_order_relaxed); }

 private:
  mutable base::Mutex mu_;
  std::vector<RangeTombstone> tombstones_ GUARDED_BY(mu_);
  mutable std::shared_ptr<const RangeTombstoneSet> set_ GUARDED_BY(mu_);
  mutable size_t built_from_ GUARDED_BY(mu_) = 0;
  const std::shared_ptr<const RangeTombstoneSet> empty_;
  std::atomic<size_t> count_{0};
  std::atomic<size_t> bytes_{0};
};

}  // namespace

class Memtable::Impl {
 public:
  Impl(size_t expected_entries, std::shared_ptr<base::MemoryUnits> units)
      : arena(std::move(units)), index(expected_entries), sorted(arena) {}

  base::Arena arena;
  // What lookups read stays apart from what every write changes.
  alignas(64) HashIndex index;
  TombstoneList tombstones;
  alignas(64) SortedKeys sorted;
  std::atomic<uint64_t> entries{0};
};

Memtable::Memtable(size_t expected_entries, std::shared_ptr<base::MemoryUnits> units)
    : impl_(std::make_unique<Impl>(expected_entries, std::move(units))) {}
Memtable::~Memtable() = default;

void Memtable::Add(keys::SequenceNumber sequence, keys::Kind kind, std::string_view engine_key,
                   const EntryAttributes& attributes, std::string_view value,
                   const vlog::ValuePointer* pointer) {
  NOKV_CHECK(keys::IsEngineKey(engine_key)) << "not an engine key";
  char header[kMaxEntryHeaderBytes];
  const size_t header_bytes = StoreEntryHeader(header, attributes, pointer);
  Entry* entry =
      Entry::New(keys::PackTrailer(sequence, kind), {header, header_bytes}, value, impl_->arena);
  const uint64_t hash = base::Hash64(engine_key);
  KeyEntries* key = impl_->index.Find(hash, engine_key);
  if (key == nullptr) {
    KeyEntries* added = KeyEntries::New(hash, engine_key, entry, impl_->arena);
    key = impl_->index.Insert(added);
    if (key == added) {
      impl_->sorted.Add(added);
      key = nullptr;
    }
  }
  if (key != nullptr) key->Add(entry);
  impl_->entries.fetch_add(1, std::memory_order_relaxed);
}

void Memtable::AddRangeTombstone(RangeTombstone tombstone) {
  impl_->tombstones.Add(std::move(tombstone));
}

bool Memtable::Get(std::string_view engine_key, keys::SequenceNumber snapshot, uint64_t* trailer,
                   std::string_view* payload) const {
  const KeyEntries* key = impl_->index.Find(base::Hash64(engine_key), engine_key);
  const Entry* entry = key == nullptr ? nullptr : key->Find(keys::SeekTrailer(snapshot));
  if (entry == nullptr) return false;
  *trailer = entry->trailer();
  *payload = entry->payload();
  return true;
}

void Memtable::Prefetch(std::span<const std::string> engine_keys) const {
  constexpr size_t kAtOnce = 16;
  std::array<uint64_t, kAtOnce> hashes;
  while (!engine_keys.empty()) {
    const auto keys = engine_keys.first(std::min(kAtOnce, engine_keys.size()));
    engine_keys = engine_keys.subspan(keys.size());
    for (size_t i = 0; i < keys.size(); i++) {
      hashes[i] = base::Hash64(keys[i]);
      impl_->index.PrefetchBucket(hashes[i]);
    }
    for (size_t i = 0; i < keys.size(); i++) impl_->index.PrefetchKey(hashes[i]);
    for (size_t i = 0; i < keys.size(); i++) impl_->index.PrefetchEntry(hashes[i]);
  }
}

std::shared_ptr<const RangeTombstoneSet> Memtable::range_tombstones() const {
  return impl_->tombstones.Set();
}

std::unique_ptr<InternalIterator> Memtable::NewIterator() const {
  return std::make_unique<MemtableIterator>(impl_->sorted);
}

size_t Memtable::MemoryUsage() const {
  return impl_->arena.MemoryUsage() + impl_->index.bucket_bytes() + impl_->tombstones.bytes();
}

uint64_t Memtable::entries() const {
  return impl_->entries.load(std::memory_order_relaxed);
}

size_t Memtable::range_tombstone_count() const {
  return impl_->tombstones.count();
}

bool Memtable::empty() const {
  return entries() == 0 && range_tombstone_count() == 0;
}

}  // namespace nokv::lsm
