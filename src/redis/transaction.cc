#include "redis/transaction.h"

#include <utility>

#include "base/check.h"
#include "base/coding.h"
#include "base/macros.h"
#include "keys/keys.h"

namespace nokv::redis {

namespace {
// More than a request can hold (RequestLimits).
constexpr size_t kMaxNoticeBytes = size_t{1} << 30;
}  // namespace

Transaction::Transaction(Backend& backend, const AllCounts& counts, uint64_t now_ms,
                         KeyEvents key_events)
    : backend_(backend),
      before_(&counts),
      after_(counts),
      now_ms_(now_ms),
      key_events_(Publishes(key_events) ? key_events : 0) {}

void Transaction::Rebase(const AllCounts& counts) {
  for (int db = 0; db < kDatabases; ++db) {
    after_[db].keys += counts[db].keys - (*before_)[db].keys;
    after_[db].expires += counts[db].expires - (*before_)[db].expires;
  }
  before_ = &counts;
}

void Transaction::NoteRead(const std::string& key) {
  if (reads_ == nullptr) return;
  if (reads_->keys.empty() || reads_->keys.back() != key) reads_->keys.push_back(key);
}

void Transaction::NoteRead(const KeyRange& range) {
  if (reads_ != nullptr) reads_->ranges.emplace_back(range.begin, range.end);
}

Result<bool> Transaction::FindData(const std::string& data_key, Record* record) {
  if (const Write* write = pending_.Find(data_key); write != nullptr) {
    if (write->kind == Write::Kind::kDelete) return false;
    *record = Record{write->value, write->expiry_ms, write->type, write->pin};
    return true;
  }
  NoteRead(data_key);
  ASSIGN_OR_RETURN(const bool found, backend_.Get(data_key, record));
  // The store judges expiry by its own clock, which may be a little behind or ahead.
  const bool live = found && IsLive(record->expiry_ms);
  last_key_ = data_key;
  last_state_ = State{live, live ? record->expiry_ms : 0};
  return live;
}

Result<Transaction::State> Transaction::StateOf(const std::string& data_key) {
  if (const Write* write = pending_.Find(data_key); write != nullptr) {
    const bool there = write->kind != Write::Kind::kDelete;
    return State{there, there ? write->expiry_ms : 0};
  }
  if (last_state_.has_value() && last_key_ == data_key) return *last_state_;
  NoteRead(data_key);
  uint64_t expiry_ms = 0;
  ASSIGN_OR_RETURN(const bool found, backend_.GetExpiry(data_key, &expiry_ms));
  const bool live = found && IsLive(expiry_ms);
  return State{live, live ? expiry_ms : 0};
}

Result<bool> Transaction::Find(int db, std::string_view key, Record* record) {
  return FindData(DataKey(db, key), record);
}

void Transaction::Prefetch(int db, std::span<const std::string_view> keys) {
  std::vector<std::string> data_keys;
  data_keys.reserve(keys.size());
  for (const std::string_view key : keys) data_keys.push_back(DataKey(db, key));
  backend_.PrefetchValues(data_keys);
}

Result<bool> Transaction::Exists(int db, std::string_view key) {
  Record record;
  return Find(db, key, &record);
}

Status Transaction::Put(int db, std::string_view key, Value value, const PutArguments& arguments) {
  if (key.size() > keys::kMaxUserKeyBytes) {
    return Status::InvalidArgument("key of " + std::to_string(key.size()) +
                                   " bytes exceeds the limit of " +
                                   std::to_string(keys::kMaxUserKeyBytes));
  }
  if (!IsLive(arguments.expiry_ms)) {
    ASSIGN_OR_RETURN(const bool removed, Remove(db, key));
    if (removed) return Status::Ok();
    Notify(db, kNewKeyEvent, "new", key);
    // It has been there for a moment, and who watches it is to see that.
    Write gone;
    gone.kind = Write::Kind::kDelete;
    gone.key = DataKey(db, key);
    pending_.Add(std::move(gone));
    return Status::Ok();
  }
  Write write;
  write.key = DataKey(db, key);
  ASSIGN_OR_RETURN(const State old, StateOf(write.key));
  Counts& counts = after_[db];
  if (!old.live) ++counts.keys;
  if (!old.live || arguments.is_new) Notify(db, kNewKeyEvent, "new", key);
  if (old.expiry_ms != arguments.expiry_ms) {
    if (old.expiry_ms != 0) DropIndexEntry(db, old.expiry_ms, key);
    if (arguments.expiry_ms != 0) {
      RETURN_IF_ERROR(AddIndexEntry(db, arguments.expiry_ms, key));
    }
  }
  if (copies_values_ && value.pin == nullptr) value = Keep(std::string(value.bytes));
  write.value = value.bytes;
  write.pin = std::move(value.pin);
  write.expiry_ms = arguments.expiry_ms;
  write.type = static_cast<uint8_t>(arguments.type);
  pending_.Add(std::move(write));
  changes_data_ = true;
  return Status::Ok();
}

Result<bool> Transaction::Remove(int db, std::string_view key) {
  Write write;
  write.kind = Write::Kind::kDelete;
  write.key = DataKey(db, key);
  ASSIGN_OR_RETURN(const State old, StateOf(write.key));
  if (!old.live) return false;
  if (old.expiry_ms != 0) DropIndexEntry(db, old.expiry_ms, key);
  --after_[db].keys;
  pending_.Add(std::move(write));
  changes_data_ = true;
  return true;
}

Status Transaction::AddIndexEntry(int db, uint64_t expiry_ms, std::string_view key) {
  Write write;
  write.key = ExpiryIndexKey(db, expiry_ms, key);
  Record record;
  ASSIGN_OR_RETURN(const bool there, FindRaw(write.key, &record));
  if (there) {
    // Left by an expired key of this name, which still counts. The wall clock has gone back, or
    // the store's clock is ahead of ours. From now on the entry stands for the new key alone.
    --after_[db].keys;
    return Status::Ok();
  }
  ++after_[db].expires;
  pending_.Add(std::move(write));
  return Status::Ok();
}

void Transaction::DropIndexEntry(int db, uint64_t expiry_ms, std::string_view key) {
  Write write;
  write.kind = Write::Kind::kDelete;
  write.key = ExpiryIndexKey(db, expiry_ms, key);
  --after_[db].expires;
  pending_.Add(std::move(write));
}

void Transaction::Flush(int db) {
  changes_data_ = true;
  NoteRead(CountsKey(db));
  if (after_[db] == Counts{}) return;  // a range tombstone over nothing would cost every reader
  std::vector<KeyRange> ranges = KeyRanges(db);
  ranges.push_back(ExpiryIndexRange(db));
  removes_unseen_ = true;
  for (KeyRange& range : ranges) {
    NoteRead(range);  // how many keys are deleted is in the books
    pending_.DeleteRange(std::move(range));
  }
  after_[db] = Counts{};
}

Result<size_t> Transaction::Reap(size_t limit) {
  size_t reaped = 0;
  for (int db = 0; db < kDatabases && reaped < limit; ++db) {
    if ((*before_)[db].expires == 0) continue;
    ASSIGN_OR_RETURN(const size_t count, ReapDatabase(db, limit - reaped));
    reaped += count;
  }
  return reaped;
}

Result<size_t> Transaction::ReapDatabase(int db, size_t limit) {
  const KeyRange range = ExpiryIndexRange(db, now_ms_ + 1);
  const auto cursor = backend_.Scan(range.begin, range.end);
  removes_unseen_ = true;
  size_t reaped = 0;
  for (; cursor->Valid() && reaped < limit; cursor->Next()) {
    const auto entry = ParseExpiryIndexKey(cursor->key());
    if (!entry.has_value()) continue;
    Write write;
    write.kind = Write::Kind::kDelete;
    write.key = DataKey(db, entry->key);
    Record record;
    ASSIGN_OR_RETURN(const bool found, backend_.Get(write.key, &record));
    // A key that was written over the expired one stays. Otherwise delete it for good, so that it
    // does not come back when the wall clock is set back.
    if (!found || record.expiry_ms == entry->expiry_ms) {
      pending_.Add(std::move(write));
      Notify(db, kExpiredEvent, "expired", entry->key);
    }
    DropIndexEntry(db, entry->expiry_ms, entry->key);
    --after_[db].keys;
    ++reaped;
  }
  RETURN_IF_ERROR(cursor->status());
  return reaped;
}

Result<Counts> Transaction::CountLive(int db) {
  uint64_t due = 0;
  NoteRead(CountsKey(db));
  if (after_[db].expires > 0) {
    const KeyRange range = ExpiryIndexRange(db, now_ms_ + 1);
    NoteRead(range);
    const auto cursor = pending_.Scan(backend_, range.begin, range.end);
    for (; cursor->Valid(); cursor->Next()) ++due;
    RETURN_IF_ERROR(cursor->status());
  }
  return Counts{after_[db].keys - due, after_[db].expires - due};
}

std::unique_ptr<KeyCursor> Transaction::Scan(std::string_view begin, std::string_view end) {
  NoteRead(KeyRange{std::string(begin), std::string(end)});
  return pending_.Scan(backend_, begin, end);
}

void Transaction::PutRaw(std::string key, Value value) {
  Write write;
  write.key = std::move(key);
  if (copies_values_ && value.pin == nullptr) value = Keep(std::string(value.bytes));
  write.value = value.bytes;
  write.pin = std::move(value.pin);
  pending_.Add(std::move(write));
}

Result<bool> Transaction::FindRaw(const std::string& key, Record* record) {
  if (const Write* write = pending_.Find(key); write != nullptr) {
    *record = Record{write->value, write->expiry_ms, write->type, write->pin};
    return write->kind == Write::Kind::kPut;
  }
  NoteRead(key);
  return backend_.Get(key, record);
}

Value Transaction::Keep(std::string value) {
  auto kept = std::make_shared<const std::string>(std::move(value));
  const std::string_view bytes = *kept;
  return {bytes, std::move(kept)};
}

bool Transaction::Tell(Notice notice) {
  if (notice_bytes_ + notice.bytes() > kMaxNoticeBytes) return false;
  notice_bytes_ += notice.bytes();
  notices_.push_back(std::move(notice));
  return true;
}

void Transaction::TellKeyEvent(int db, std::string_view event, std::string_view key) {
  Notice notice;
  notice.db = db;
  notice.event = event;
  notice.target = key;
  // Key events are no promise: too many of them are left out.
  static_cast<void>(Tell(std::move(notice)));
}

Transaction::Savepoint Transaction::Save() {
  return {pending_.Save(), after_, notices_.size(), changes_data_};
}

void Transaction::RollBackTo(const Savepoint& savepoint) {
  pending_.RollBackTo(savepoint.writes);
  after_ = savepoint.counts;
  while (notices_.size() > savepoint.notices) {
    notice_bytes_ -= notices_.back().bytes();
    notices_.pop_back();
  }
  changes_data_ = savepoint.changes_data;
}

std::vector<Write> Transaction::TakeWrites() {
  for (int db = 0; db < kDatabases; ++db) {
    if (after_[db] == (*before_)[db]) continue;
    NOKV_INVARIANT(after_[db].expires <= after_[db].keys) << "books of database " << db;
    std::string bytes;
    base::PutFixed64(&bytes, after_[db].keys);
    base::PutFixed64(&bytes, after_[db].expires);
    PutRaw(CountsKey(db), Keep(std::move(bytes)));
  }
  return pending_.Take();
}

}  // namespace nokv::redis
