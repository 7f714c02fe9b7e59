#include "lsm/memtable/memtable.h"

#include <atomic>
#include <utility>
#include <vector>

#include "base/arena.h"
#include "base/check.h"
#include "base/hash.h"
#include "base/mutex.h"
#include "lsm/memtable/hash_index.h"
#include "lsm/memtable/skip_list.h"

namespace nokv::lsm {

namespace {

using internal::HashIndex;
using internal::SkipList;

// A lookup at an old snapshot follows this many newer entries of its key before it searches the
// skip list instead: a key may have been written a hundred thousand times.
constexpr int kMaxVersionsFollowed = 16;

class MemtableIterator : public InternalIterator {
 public:
  explicit MemtableIterator(const SkipList& list) : list_(list) {}

  bool Valid() const override { return node_ != nullptr; }
  void SeekToFirst() override { node_ = list_.First(); }
  void SeekToLast() override { node_ = list_.Last(); }
  void Seek(std::string_view target) override { node_ = list_.FindAtOrAfter(SeekKey(target)); }
  void SeekForPrev(std::string_view target) override {
    node_ = list_.FindAtOrBefore(SeekKey(target));
  }
  void Next() override { node_ = node_->Next(0); }
  void Prev() override { node_ = list_.FindBefore(SeekKey(node_->key())); }
  std::string_view key() const override { return node_->key(); }
  std::string_view value() const override { return node_->payload(); }
  Status status() const override { return {}; }

 private:
  const SkipList& list_;
  const SkipList::Node* node_ = nullptr;
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
  explicit Impl(size_t expected_entries) : list(arena), index(expected_entries, arena) {}

  // The newest entry of `engine_key` whose trailer is at most `trailer`; nullptr if there is none.
  const SkipList::Node* FindInList(std::string_view engine_key, uint64_t trailer) const {
    const SeekKey target(engine_key, trailer);
    const SkipList::Node* node = list.FindAtOrAfter(target);
    return node != nullptr && target.CompareEngineKey(node->key()) == 0 ? node : nullptr;
  }

  base::Arena arena;
  SkipList list;
  HashIndex index;
  TombstoneList tombstones;
  std::atomic<uint64_t> entries{0};
};

Memtable::Memtable(size_t expected_entries) : impl_(std::make_unique<Impl>(expected_entries)) {}
Memtable::~Memtable() = default;

void Memtable::Add(keys::SequenceNumber sequence, keys::Kind kind, std::string_view engine_key,
                   const EntryAttributes& attributes, std::string_view value) {
  NOKV_CHECK(keys::IsEngineKey(engine_key)) << "not an engine key";
  char header[kMaxEntryHeaderBytes];
  const size_t header_bytes = StoreEntryHeader(header, attributes);
  const uint64_t hash = base::Hash64(engine_key);
  HashIndex::Key* key = impl_->index.Find(hash, engine_key);
  SkipList::Node* hint = key == nullptr ? nullptr : HashIndex::BeforeAll(*key);
  const SkipList::Place place = impl_->list.Insert(
      engine_key, hash, keys::PackTrailer(sequence, kind), {header, header_bytes}, value, hint);
  impl_->index.Insert(hash, place, key);
  impl_->entries.fetch_add(1, std::memory_order_relaxed);
}

void Memtable::AddRangeTombstone(RangeTombstone tombstone) {
  impl_->tombstones.Add(std::move(tombstone));
}

bool Memtable::Get(std::string_view engine_key, keys::SequenceNumber snapshot, uint64_t* trailer,
                   std::string_view* payload) const {
  const uint64_t newest = keys::SeekTrailer(snapshot);
  const SkipList::Node* node = impl_->index.FindNewest(base::Hash64(engine_key), engine_key);
  for (int followed = 0; node != nullptr && keys::TrailerOf(node->key()) > newest; followed++) {
    node = followed < kMaxVersionsFollowed ? node->Older() : impl_->FindInList(engine_key, newest);
  }
  if (node == nullptr) return false;
  *trailer = keys::TrailerOf(node->key());
  *payload = node->payload();
  return true;
}

std::shared_ptr<const RangeTombstoneSet> Memtable::range_tombstones() const {
  return impl_->tombstones.Set();
}

std::unique_ptr<InternalIterator> Memtable::NewIterator() const {
  return std::make_unique<MemtableIterator>(impl_->list);
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
