// Transaction: what a command, or several that belong together, does to the keys: applied all at
// once or not at all.
//
// It shows the databases as a client sees them: expired keys are not there, and its own writes are.
// With every write it keeps the books that make DBSIZE exact and expiry cheap:
//
//   - the number of keys of a database, and
//   - an index with one entry per expiring key, by time,
//
// both written in the same commit as the key. Invariant, per database: the count is the number of
// live keys plus the number of *due* index entries. So a key that has expired stays counted until
// its index entry is reaped, also when a new key has taken its name meanwhile, and
// count - due entries is exact at any moment.
//
// Thread safety: thread-compatible; used within one call on the gateway's loop.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "nokv/status.h"
#include "redis/backend.h"
#include "redis/key_events.h"
#include "redis/layout.h"
#include "redis/notice.h"
#include "redis/pending_writes.h"

namespace nokv::redis {

// The books of one database.
struct Counts {
  uint64_t keys = 0;     // live keys and due index entries
  uint64_t expires = 0;  // index entries

  bool operator==(const Counts&) const = default;
};
using AllCounts = std::array<Counts, kDatabases>;

// Bytes to be written. They live until the commit: held by `pin`, or, if that is null, as the
// arguments of a command do.
struct Value {
  Value(std::string_view borrowed) : bytes(borrowed) {}  // NOLINT: arguments are values
  // What was found, for writing it again without a copy.
  Value(const Record& record) : bytes(record.value), pin(record.pin) {}  // NOLINT
  Value(std::string_view held, std::shared_ptr<const void> holder)
      : bytes(held), pin(std::move(holder)) {}

  std::string_view bytes;
  std::shared_ptr<const void> pin;
};

struct PutArguments {
  ValueType type = ValueType::kString;
  uint64_t expiry_ms = 0;  // 0: never
  bool is_new = false;     // for subscribers it is another key, even if there was one of this name
};

// What a commit may depend on: that nothing of `reads` has changed.
struct Dependency {
  std::unique_ptr<Position> since;
  ReadSet reads;
};

class Transaction {
 public:
  // `counts` are those of the last commit; `now_ms` judges expiry; `key_events` are wanted by
  // subscribers.
  Transaction(Backend& backend, const AllCounts& counts, uint64_t now_ms, KeyEvents key_events);

  // From now on notes in `*reads`, which is borrowed, what is read of the backend and the books.
  void RecordReads(ReadSet* reads) { reads_ = reads; }
  // From now on copies values that nothing pins: they need not live until the commit.
  void CopyValues() { copies_values_ = true; }
  // Stands on the books as they are now, `counts`, for the commit. Only right if nothing that was
  // read has changed.
  void Rebase(const AllCounts& counts);

  uint64_t now_ms() const { return now_ms_; }

  // True and the record if the key is live.
  Result<bool> Find(int db, std::string_view key, Record* record);
  // Hints that Find will be called for these next, in this order.
  void Prefetch(int db, std::span<const std::string_view> keys);
  Result<bool> Exists(int db, std::string_view key);
  // Replaces whatever the key held. An expiry that is not in the future removes the key. Keys
  // beyond the limit are kInvalidArgument.
  Status Put(int db, std::string_view key, Value value, const PutArguments& arguments);
  // False if there was no live key.
  Result<bool> Remove(int db, std::string_view key);
  // Removes every key of `db`.
  void Flush(int db);
  // Removes up to `limit` keys that have expired, in all databases; returns how many entries of
  // the index it removed.
  Result<size_t> Reap(size_t limit);
  // Keys of `db` that are live, and those among them that expire.
  Result<Counts> CountLive(int db);
  // Walks the data keys in [begin, end); an empty `end` is the end of all. Keys that have expired
  // may be among them: see IsLive. Nothing may be written while the cursor lives.
  std::unique_ptr<KeyCursor> Scan(std::string_view begin, std::string_view end);
  // True if a key with this expiry is there for clients.
  bool IsLive(uint64_t expiry_ms) const { return expiry_ms == 0 || expiry_ms > now_ms_; }
  // A write outside of the books (SCAN cursors), and reading it.
  void PutRaw(std::string key, Value value);
  Result<bool> FindRaw(const std::string& key, Record* record);

  // A computed value.
  static Value Keep(std::string value);
  // Keeps what arguments of commands are in alive until the commit.
  void Retain(std::shared_ptr<const void> owner) { retained_.push_back(std::move(owner)); }

  // The commit is refused with kAborted if something of it has changed by then.
  void DependOn(std::shared_ptr<const Dependency> dependency) {
    dependency_ = std::move(dependency);
  }
  // Null: on nothing.
  const std::shared_ptr<const Dependency>& dependency() const { return dependency_; }

  // Tells subscribers once it is committed, never if it is not. False: too much for one
  // transaction; they will not be told.
  bool Tell(Notice notice);
  // Tells them that something happened to a key, if such events are wanted. `event` is a literal.
  // Put tells of new keys and Reap of expired ones itself.
  void Notify(int db, KeyEvent kind, std::string_view event, std::string_view key) {
    if ((key_events_ & kind) != 0) TellKeyEvent(db, event, key);
  }

  // A point to which everything can be taken back, so that a command that fails leaves nothing.
  // They nest: each must be ended, by RollBackTo or Release, before those that were made earlier.
  struct Savepoint {
    PendingWrites::Savepoint writes;
    AllCounts counts;
    size_t notices;
    bool changes_data;
  };
  Savepoint Save();
  void RollBackTo(const Savepoint& savepoint);
  void Release(const Savepoint& savepoint) { pending_.Release(savepoint.writes); }

  // Moves out what is to be committed; empty if nothing is. Adds the counts that changed.
  std::vector<Write> TakeWrites();
  // The write that decides about a data key; null: there is none. Good until the next change.
  const Write* Pending(std::string_view data_key) const { return pending_.Find(data_key); }
  // True if it may remove keys that clients do not see: by a flush, or expired ones.
  bool removes_unseen() const { return removes_unseen_; }
  // What subscribers are to be told.
  std::vector<Notice> TakeNotices() { return std::move(notices_); }
  // True if a client's data changes, so that the sync policy applies.
  bool changes_data() const { return changes_data_; }
  // The books after the commit.
  const AllCounts& counts() const { return after_; }

 private:
  // How a data key stands before the next write.
  struct State {
    bool live = false;
    uint64_t expiry_ms = 0;
  };

  void TellKeyEvent(int db, std::string_view event, std::string_view key);
  Result<bool> FindData(const std::string& data_key, Record* record);
  Result<State> StateOf(const std::string& data_key);
  void NoteRead(const std::string& key);
  void NoteRead(const KeyRange& range);
  Status AddIndexEntry(int db, uint64_t expiry_ms, std::string_view key);
  void DropIndexEntry(int db, uint64_t expiry_ms, std::string_view key);
  Result<size_t> ReapDatabase(int db, size_t limit);

  Backend& backend_;
  const AllCounts* before_;
  AllCounts after_;
  const uint64_t now_ms_;
  const KeyEvents key_events_;
  bool changes_data_ = false;
  bool removes_unseen_ = false;
  std::shared_ptr<const Dependency> dependency_;
  bool copies_values_ = false;
  ReadSet* reads_ = nullptr;
  PendingWrites pending_;
  std::vector<Notice> notices_;
  size_t notice_bytes_ = 0;
  std::vector<std::shared_ptr<const void>> retained_;
  // The last key that was looked up in the backend: commands read a key before they write it.
  std::string last_key_;
  std::optional<State> last_state_;
};

}  // namespace nokv::redis
