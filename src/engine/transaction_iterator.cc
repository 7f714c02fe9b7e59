// The cursor of a transaction: its writes over its snapshot. Of a serializable transaction it also
// notes the range over which it has moved.
//
// The transaction may write, and go back to a savepoint, while the cursor is in use. So the cursor
// keeps its key, and looks for its neighbours anew when the writes have changed.
#include <algorithm>
#include <utility>

#include "base/check.h"
#include "engine/transaction.h"

namespace nokv::engine {

namespace {

class TransactionIterator final : public Iterator {
 public:
  TransactionIterator(std::shared_ptr<TransactionState> state, std::unique_ptr<Iterator> base,
                      const IteratorOptions& options)
      : state_(std::move(state)),
        base_(std::move(base)),
        lower_(options.lower_bound),
        upper_(options.upper_bound),
        key_only_(options.key_only) {}

  bool Valid() const override { return valid_ && Refusal().ok(); }

  void SeekToFirst() override { Seek(lower_); }
  void SeekToLast() override {
    if (!Start()) return;
    base_->SeekToLast();
    MoveBackward(upper_.empty() ? entries().end() : entries().lower_bound(upper_));
    NoteRange(valid_ ? key_ : lower_, upper_);
  }
  void Seek(std::string_view target) override {
    if (!Start()) return;
    const std::string from(std::max<std::string_view>(target, lower_));
    base_->Seek(from);
    MoveForward(entries().lower_bound(from));
    NoteRange(from, valid_ ? After(key_) : upper_);
  }
  void SeekForPrev(std::string_view target) override {
    if (!upper_.empty() && target >= upper_) return SeekToLast();
    if (!Start()) return;
    const std::string from(target);
    base_->SeekForPrev(from);
    MoveBackward(entries().upper_bound(from));
    NoteRange(valid_ ? key_ : lower_, After(from));
  }
  void Next() override {
    NOKV_CHECK(valid_) << "Next on an invalid iterator";
    if (!Start()) return;
    if (!forward_ || version_ != state_->writes.version()) base_->Seek(key_);
    if (base_->Valid() && base_->key() == key_) base_->Next();
    MoveForward(entries().upper_bound(key_));
    GrowRange();
  }
  void Prev() override {
    NOKV_CHECK(valid_) << "Prev on an invalid iterator";
    if (!Start()) return;
    if (forward_ || version_ != state_->writes.version()) base_->SeekForPrev(key_);
    if (base_->Valid() && base_->key() == key_) base_->Prev();
    MoveBackward(entries().lower_bound(key_));
    GrowRange();
  }

  std::string_view key() const override { return key_; }
  std::string_view value() const override { return own_ ? own_value_ : base_->value(); }
  uint64_t expiry_ms() const override { return own_ ? own_options_.expiry_ms : base_->expiry_ms(); }
  uint8_t user_meta() const override { return own_ ? own_options_.user_meta : base_->user_meta(); }
  Status status() const override {
    Status refusal = Refusal();
    return refusal.ok() ? status_ : refusal;
  }

 private:
  using Entry = WriteSet::Entries::const_iterator;

  static std::string After(std::string_view key) { return std::string(key) + '\0'; }
  const WriteSet::Entries& entries() const { return state_->writes.entries(); }

  Status Refusal() const { return state_->CheckOpen(); }
  bool Start() {
    valid_ = false;
    status_ = Status::Ok();
    return Refusal().ok();
  }

  // Whether the transaction's writes stand in front of what the snapshot has for `key`.
  bool Hidden(std::string_view key) const {
    return entries().contains(key) || state_->writes.RangeOver(key) != nullptr;
  }

  // To the first live key at or after the present one of `base_` and `own`.
  void MoveForward(Entry own) {
    while (own != entries().end() && !state_->Live(own->second)) ++own;
    const bool has_own = own != entries().end() && (upper_.empty() || own->first < upper_);
    while (base_->Valid() && Hidden(base_->key())) {
      const auto* range = state_->writes.RangeOver(base_->key());
      if (range != nullptr) {
        base_->Seek(range->second);
      } else {
        base_->Next();
      }
    }
    forward_ = true;
    Choose(has_own, own, has_own && base_->Valid() && own->first < base_->key());
  }

  // To the last live key before `own`, and at or before the present one of `base_`.
  void MoveBackward(Entry own) {
    bool has_own = false;
    while (!has_own && own != entries().begin()) has_own = state_->Live((--own)->second);
    has_own = has_own && own->first >= lower_;
    while (base_->Valid() && Hidden(base_->key())) {
      const auto* range = state_->writes.RangeOver(base_->key());
      if (range != nullptr && range->first != base_->key()) {
        base_->SeekForPrev(range->first);
      } else {
        base_->Prev();
      }
    }
    forward_ = false;
    Choose(has_own, own, has_own && base_->Valid() && own->first > base_->key());
  }

  void Choose(bool has_own, Entry own, bool own_is_nearer) {
    version_ = state_->writes.version();
    if (!base_->Valid()) {
      status_ = base_->status();
      if (!status_.ok()) return;
    }
    own_ = has_own && (own_is_nearer || !base_->Valid());
    valid_ = own_ || base_->Valid();
    if (own_) {
      key_ = own->first;
      own_value_ = key_only_ ? std::string() : own->second.value;
      own_options_ = own->second.options;
    } else if (valid_) {
      key_ = base_->key();
    }
  }

  // A seek has read [begin, end).
  void NoteRange(std::string_view begin, std::string_view end) {
    if (state_->options.isolation != Isolation::kSerializable || !status_.ok()) return;
    if (!Charge(WriteSet::Cost(begin, end))) return;
    state_->reads.ranges.push_back({std::string(begin), std::string(end)});
    range_ = &state_->reads.ranges.back();
  }
  // A step has read from the key before to this one, or to the bound.
  void GrowRange() {
    if (range_ == nullptr || !status_.ok()) return;
    std::string& bound = forward_ ? range_->end : range_->begin;
    const std::string reached =
        forward_ ? (valid_ ? After(key_) : upper_) : (valid_ ? key_ : lower_);
    if (forward_ ? bound.empty() || (!reached.empty() && reached <= bound) : reached >= bound) {
      return;
    }
    if (reached.size() > bound.size() && !Charge(reached.size() - bound.size())) return;
    bound = reached;
  }
  bool Charge(size_t bytes) {
    status_ = state_->CheckRoom(bytes);
    if (!status_.ok()) {
      valid_ = false;
      return false;
    }
    state_->reads.bytes += bytes;
    return true;
  }

  const std::shared_ptr<TransactionState> state_;
  const std::unique_ptr<Iterator> base_;
  const std::string lower_;
  const std::string upper_;
  const bool key_only_;

  // Forward, `base_` stands on the first key of the snapshot at or after key_ that is not hidden;
  // backward, on the last at or before. So it was for version_ of the writes.
  bool forward_ = true;
  uint64_t version_ = 0;
  bool valid_ = false;
  bool own_ = false;  // the position is one of the writes, not base_'s
  std::string key_;
  std::string own_value_;
  PutOptions own_options_;
  ReadRange* range_ = nullptr;  // in the state's reads; null before the first seek
  Status status_;
};

}  // namespace

std::unique_ptr<Iterator> NewTransactionIterator(std::shared_ptr<TransactionState> state,
                                                 std::unique_ptr<Iterator> base,
                                                 const IteratorOptions& options) {
  return std::make_unique<TransactionIterator>(std::move(state), std::move(base), options);
}

}  // namespace nokv::engine
