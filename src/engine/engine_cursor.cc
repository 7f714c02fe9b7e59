#include "engine/engine_cursor.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/check.h"
#include "lsm/compaction/value_order.h"
#include "vlog/value_file.h"
#include "vlog/value_runs.h"

namespace nokv::engine {

namespace {

class EngineCursor final : public Cursor {
 public:
  EngineCursor(CursorSource source, const CursorOptions& options)
      : source_(std::move(source)),
        lower_(options.lower),
        upper_(options.upper),
        key_only_(options.key_only) {
    std::erase_if(source_.tombstones, [](const auto& set) { return set->empty(); });
  }

  bool Valid() const override { return valid_ && !Closed(); }

  void SeekToFirst() override { Seek(lower_); }

  void SeekToLast() override {
    if (!Start()) return;
    const OperationTimer timer(source_.times->clock, source_.times->seek);
    if (upper_.empty()) {
      it().SeekToLast();
    } else {
      it().SeekForPrev(keys::FirstInternalKey(upper_));
    }
    GoBackward();
  }

  void Seek(std::string_view prefix) override {
    if (!Start()) return;
    const OperationTimer timer(source_.times->clock, source_.times->seek);
    it().Seek(keys::FirstInternalKey(std::max<std::string_view>(prefix, lower_)));
    hidden_ = {};
    GoForward();
  }

  void SeekForPrev(std::string_view prefix) override {
    if (!Start()) return;
    const OperationTimer timer(source_.times->clock, source_.times->seek);
    if (!upper_.empty() && prefix >= upper_) {
      it().SeekForPrev(keys::FirstInternalKey(upper_));
    } else {
      it().SeekForPrev(keys::LastInternalKey(prefix));
    }
    GoBackward();
  }

  void Next() override {
    NOKV_CHECK(valid_) << "Next on an invalid cursor";
    if (!CheckOpen()) return;
    if (forward_) return Advance();
    Hide(engine_key());
    it().Seek(keys::EncodeInternalKey(hidden_, keys::SeekTrailer(source_.sequence)));
    GoForward();
  }

  void Prev() override {
    NOKV_CHECK(valid_) << "Prev on an invalid cursor";
    if (!CheckOpen()) return;
    if (!forward_) return Advance();
    // Leave the entries of the current key behind; backwards they would come again.
    it().SeekForPrev(keys::EncodeInternalKey(engine_key(), keys::SeekTrailer(keys::kMaxSequence)));
    GoBackward();
  }

  std::string_view engine_key() const override { return At(0).key; }
  std::string_view value() const override { return key_only_ ? std::string_view() : value_; }
  const lsm::EntryAttributes& attributes() const override { return At(0).parsed.attributes; }

  Status status() const override {
    if (Closed()) return DatabaseClosed();
    return status_;
  }

 private:
  // A live entry. Its value is in the iterator's memory (forward), in `value` (backward), or apart.
  struct Entry {
    std::string key;
    lsm::ParsedPayload parsed;
    std::string value;
    const vlog::ValueFile* file = nullptr;  // of a value apart that is expected
  };
  enum class Verdict : uint8_t { kLive, kDead, kMalformed };

  lsm::InternalIterator& it() { return *source_.iterator; }
  bool Closed() const { return source_.closed->load(std::memory_order_acquire); }

  bool CheckOpen() {
    if (Closed()) valid_ = false;
    return valid_;
  }

  bool Start() {
    valid_ = false;
    status_ = Status::Ok();
    return !Closed();
  }

  void Fail(Status status) {
    valid_ = false;
    status_ = std::move(status);
  }

  // From where the iterator stands.
  void GoForward() { Go(true); }
  void GoBackward() { Go(false); }
  void Go(bool forward) {
    forward_ = forward;
    taken_ = false;
    first_ = count_ = near_ = 0;
    ahead_ = kLeastAhead;
    // As the last scan found it.
    cold_ = source_.times->values_on_disk.load(std::memory_order_relaxed) ? kTimed : 0;
    runs_.Restart(forward);
    values_ = read_ = 0;
    Refill();
  }

  // To the next entry in the present direction.
  void Advance() {
    first_ = (first_ + 1) % kSlots;
    count_--;
    if (near_ > 0) near_--;
    if (cold_ > 0) cold_--;
    if (count_ <= LeastKnown()) ahead_ = std::min(cold_ > 0 ? ahead_ + 1 : 2 * ahead_, MostAhead());
    Refill();
  }
  // Values that are on the disk are asked for one by one, as each is a place in its queue, and one
  // more with each step, so that a short scan reads little in vain. From memory several at once: a
  // processor has time to find out where the pages of some are, but what it does meanwhile for one
  // is not enough to cover that.
  size_t LeastKnown() const { return cold_ > 0 ? ahead_ - 1 : std::min(ahead_ / 2, kNear); }
  size_t MostAhead() const { return cold_ > 0 ? kMostAheadCold : kMostAhead; }

  // Looks ahead and stands on the first entry that is known.
  void Refill() {
    valid_ = false;
    const size_t known = count_;
    while (count_ < ahead_ && known <= LeastKnown() && (count_ == 0 || MayLookOn())) {
      if (!(forward_ ? TakeForward() : TakeBackward())) break;
      count_++;
    }
    if (!key_only_) Expect(known);
    if (count_ > 0) Stand();
  }

  // The values of the entries from `known` on will be read. So that the memory, or the disk, works
  // on several at once.
  void Expect(size_t known) {
    for (size_t i = known; i < count_; i++) {
      if (!At(i).parsed.apart()) continue;
      NotePlace(At(i));
      At(i).file = source_.version->FindValueFile(At(i).parsed.pointer->file);
    }
    for (size_t i = known; i < count_; i++) {
      if (!IsExpected(At(i))) continue;
      cold_ > 0 ? FetchAhead(At(i)) : At(i).file->PrefetchPages(*At(i).parsed.pointer);
    }
    // The bytes later: a processor has only so many fetches under way, and those that wait for the
    // address of their page would hold up the others.
    for (; near_ < std::min(count_, kNear); near_++) {
      if (cold_ == 0 && IsExpected(At(near_))) At(near_).file->Prefetch(*At(near_).parsed.pointer);
    }
  }
  static bool IsExpected(const Entry& entry) {
    return entry.parsed.apart() && entry.file != nullptr;
  }

  // Counts the value if it lies apart from those before.
  void NotePlace(const Entry& entry) {
    const vlog::ValuePointer& pointer = *entry.parsed.pointer;
    const bool in_order = runs_.Add(pointer);
    const bool counts = pointer.length <= lsm::kLongestOrdered && values_ < kCounted;
    values_++;
    if (in_order || !counts || source_.scattered == nullptr) return;
    if (cold_ == 0 && !CountsInMemory(pointer)) return;
    if (!source_.scattered->Count()) return;
    source_.scattered->Credit(*source_.version, entry.key, source_.sequence, pointer);
  }
  // Which ones is decided by their place, so that there is nothing to keep from scan to scan.
  bool CountsInMemory(const vlog::ValuePointer& pointer) const {
    const uint64_t one_in = source_.scattered_in_memory;
    // Fibonacci hashing, and the mixed place as a fraction of `one_in`: for each value of each scan
    // a division would be felt.
    const uint64_t mixed = pointer.offset * 0x9E3779B97F4A7C15;
    return one_in != 0 && (mixed >> 32) * one_in >> 32 == 0;
  }

  void FetchAhead(const Entry& entry) {
    const vlog::ValueRuns::Extent ahead = runs_.Ahead(*entry.parsed.pointer);
    if (ahead.begin != ahead.end) entry.file->Fetch(ahead.begin, ahead.end - ahead.begin);
  }

  // How long a read took tells whether those to come are on the disk, too.
  void Learn(uint64_t micros) {
    const bool was_cold = micros >= vlog::kFromDiskMicros;
    std::atomic<bool>& expected = source_.times->values_on_disk;
    if (read_ == 0 && expected.load(std::memory_order_relaxed) != was_cold) {
      expected.store(was_cold, std::memory_order_relaxed);
    }
    if (!was_cold) return;
    for (size_t i = 1; i < count_ && cold_ == 0; i++) {
      if (IsExpected(At(i))) FetchAhead(At(i));
    }
    cold_ = kColdValues;
  }

  void Stand() {
    const lsm::ParsedPayload& parsed = At(0).parsed;
    value_ = parsed.value;
    if (parsed.apart() && !key_only_) {
      const Status read = ReadValue(At(0));
      if (!read.ok()) return Fail(read);
    }
    valid_ = true;
  }

  Status ReadValue(const Entry& entry) {
    const vlog::ValuePointer& pointer = *entry.parsed.pointer;
    if (entry.file == nullptr) return lsm::Version::NoValueFile(pointer);
    const bool timed = read_ % kTimed == 0;
    const uint64_t before = timed ? source_.clock->MonotonicMicros() : 0;
    const Status read = entry.file->Read(pointer, &fetched_, &value_);
    if (timed) Learn(source_.clock->MonotonicMicros() - before);
    read_++;
    return read;
  }

  // Of the entries that are known, counted from the current one.
  Entry& At(size_t i) { return entries_[(first_ + i) % kSlots]; }
  const Entry& At(size_t i) const { return entries_[(first_ + i) % kSlots]; }

  // True if an entry may follow the last one: the iterator need not stay for its value.
  bool MayLookOn() const { return !key_only_ && At(count_ - 1).parsed.apart(); }

  // Takes a put's payload apart.
  Verdict Judge(std::string_view internal_key, std::string_view payload,
                lsm::ParsedPayload* parsed) const {
    if (keys::KindOf(internal_key) != keys::Kind::kPut) return Verdict::kDead;
    const auto sequence = keys::SequenceOf(internal_key);
    const auto prefix = keys::InternalPrefixOf(internal_key);
    for (const auto& set : source_.tombstones) {
      if (set->MaxCovering(prefix, source_.sequence) > sequence) return Verdict::kDead;
    }
    if (!lsm::ParseEntryPayload(payload, parsed)) return Verdict::kMalformed;
    return parsed->attributes.ExpiredAt(source_.now_ms) ? Verdict::kDead : Verdict::kLive;
  }

  // There is no entry more. What stopped the iterator is told once the entries before it were
  // shown.
  bool Stop(Status status) {
    if (count_ == 0) status_ = std::move(status);
    return false;
  }

  void Hide(std::string_view engine_key) {
    hidden_key_.assign(engine_key);
    hidden_ = hidden_key_;
  }

  // Puts the next live entry behind those that are known; the iterator stays on it.
  bool TakeForward() {
    if (taken_ && it().Valid()) it().Next();
    taken_ = false;
    Entry& entry = At(count_);
    for (; it().Valid(); it().Next()) {
      const std::string_view internal_key = it().key();
      if (!upper_.empty() && keys::InternalPrefixOf(internal_key) >= upper_) return false;
      if (keys::SequenceOf(internal_key) > source_.sequence) continue;
      const std::string_view engine_key = keys::EngineKeyOf(internal_key);
      if (engine_key == hidden_) continue;
      const Verdict verdict = Judge(internal_key, it().value(), &entry.parsed);
      if (verdict == Verdict::kMalformed) return Stop(Malformed());
      if (verdict == Verdict::kDead) {
        Hide(engine_key);
        continue;
      }
      entry.key.assign(engine_key);
      hidden_ = entry.key;  // its slot is not the next one to be filled
      taken_ = true;
      return true;
    }
    return Stop(it().status());
  }

  // As TakeForward. Backwards the entries of a key come oldest first, so a key is known only when
  // the next one, or the end, is seen. The iterator stays before all entries of the key.
  bool TakeBackward() {
    bool live = false;  // the newest entry seen of the key
    Entry& entry = At(count_);
    for (; it().Valid(); it().Prev()) {
      const std::string_view internal_key = it().key();
      const std::string_view engine_key = keys::EngineKeyOf(internal_key);
      if (live && engine_key != entry.key) return true;
      if (keys::PrefixOf(engine_key) < lower_) return false;
      if (keys::SequenceOf(internal_key) > source_.sequence) continue;
      const Verdict verdict = Judge(internal_key, it().value(), &entry.parsed);
      if (verdict == Verdict::kMalformed) return Stop(Malformed());
      live = verdict == Verdict::kLive;
      if (!live) continue;
      entry.key.assign(engine_key);
      entry.value.assign(key_only_ ? std::string_view() : entry.parsed.value);
      entry.parsed.value = entry.value;
    }
    if (!it().status().ok()) return Stop(it().status());
    return live;
  }

  static Status Malformed() { return Status::Corruption("an entry's attributes are malformed"); }

  // Entries that are known at a time, the current one included: few at first, as many scans are
  // short; later what keeps a processor's fetches from memory busy, or a disk's.
  static constexpr size_t kLeastAhead = 2;
  static constexpr size_t kMostAhead = 8;
  static constexpr size_t kMostAheadCold = 16;
  static constexpr size_t kSlots = 16;
  // Of them, those whose values are fetched from memory whole.
  static constexpr size_t kNear = 2;
  // One value in so many is timed. If it was not in memory, so many behind it may not be either.
  static constexpr uint32_t kTimed = 8;
  static constexpr uint32_t kColdValues = 32;
  // Of so many values behind each seek it counts where they lie. Longer scans have their values
  // fetched well ahead, and one over everything, as a backup is, pays for no table.
  static constexpr uint64_t kCounted = 256;

  CursorSource source_;
  const std::string lower_;
  const std::string upper_;
  const bool key_only_;

  bool forward_ = true;
  bool valid_ = false;
  // A ring: the current entry, in slot `first_`, and those that follow it in the present direction.
  std::array<Entry, kSlots> entries_;
  size_t first_ = 0;
  size_t count_ = 0;
  size_t near_ = 0;  // of them, so many first ones whose values were fetched from memory
  size_t ahead_ = kLeastAhead;
  bool taken_ = false;  // forward: the iterator stands on the last entry that is known
  uint32_t cold_ = 0;   // so many values to come are taken to be on the disk
  vlog::ValueRuns runs_;
  // Since the last seek, of values that lie apart: that are known, and that were read.
  uint64_t values_ = 0;
  uint64_t read_ = 0;
  // Forward: the newest visible entry of this key was seen. In `hidden_key_`, or in a slot.
  std::string_view hidden_;
  std::string hidden_key_;
  std::string_view value_;
  std::string fetched_;  // a value that lies apart
  Status status_;
};

class FailedCursor final : public Cursor {
 public:
  explicit FailedCursor(Status status) : status_(std::move(status)) {}
  bool Valid() const override { return false; }
  void SeekToFirst() override {}
  void SeekToLast() override {}
  void Seek(std::string_view) override {}
  void SeekForPrev(std::string_view) override {}
  void Next() override { NOKV_CHECK(false) << "Next on an invalid cursor"; }
  void Prev() override { NOKV_CHECK(false) << "Prev on an invalid cursor"; }
  std::string_view engine_key() const override { return {}; }
  std::string_view value() const override { return {}; }
  const lsm::EntryAttributes& attributes() const override { return attributes_; }
  Status status() const override { return status_; }

 private:
  Status status_;
  lsm::EntryAttributes attributes_;
};

}  // namespace

std::unique_ptr<Cursor> NewEngineCursor(CursorSource source, const CursorOptions& options) {
  return std::make_unique<EngineCursor>(std::move(source), options);
}

std::unique_ptr<Cursor> NewFailedCursor(Status status) {
  return std::make_unique<FailedCursor>(std::move(status));
}

}  // namespace nokv::engine
