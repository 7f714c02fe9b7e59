// Transaction: what one command does to the keys, applied all at once or not at all.
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
#include <forward_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/hash.h"
#include "nokv/status.h"
#include "redis/backend.h"
#include "redis/layout.h"

namespace nokv::redis {

// The books of one database.
struct Counts {
  uint64_t keys = 0;     // live keys and due index entries
  uint64_t expires = 0;  // index entries

  bool operator==(const Counts&) const = default;
};
using AllCounts = std::array<Counts, kDatabases>;

struct PutArguments {
  ValueType type = ValueType::kString;
  uint64_t expiry_ms = 0;  // 0: never
};

class Transaction {
 public:
  // `counts` are those of the last commit; `now_ms` judges expiry.
  Transaction(Backend& backend, const AllCounts& counts, uint64_t now_ms);

  uint64_t now_ms() const { return now_ms_; }

  // True and the record if the key is live.
  Result<bool> Find(int db, std::string_view key, Record* record);
  Result<bool> Exists(int db, std::string_view key);
  // Replaces whatever the key held. An expiry that is not in the future removes the key. `value`
  // must live until the commit (see Keep). Keys beyond the limit are kInvalidArgument.
  Status Put(int db, std::string_view key, std::string_view value, const PutArguments& arguments);
  // False if there was no live key.
  Result<bool> Remove(int db, std::string_view key);
  // Removes every key of `db`.
  void Flush(int db);
  // Removes up to `limit` keys that have expired, in all databases; returns how many entries of
  // the index it removed.
  Result<size_t> Reap(size_t limit);
  // Keys of `db` that are live, and those among them that expire. Does not see own writes.
  Result<Counts> CountLive(int db);
  // A write outside of the books (SCAN cursors).
  void PutRaw(std::string key, std::string_view value);

  // Keeps a computed value alive until the commit.
  std::string_view Keep(std::string value) { return kept_.emplace_front(std::move(value)); }

  // What is to be committed; empty if nothing is. Adds the counts that changed: call once.
  const std::vector<Write>& Finish();
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

  Result<bool> FindData(const std::string& data_key, Record* record);
  Result<State> StateOf(const std::string& data_key);
  const Write* Pending(std::string_view data_key);
  void Add(Write write);
  Status AddIndexEntry(int db, uint64_t expiry_ms, std::string_view key);
  void DropIndexEntry(int db, uint64_t expiry_ms, std::string_view key);
  Result<size_t> ReapDatabase(int db, size_t limit);

  Backend& backend_;
  const AllCounts& before_;
  AllCounts after_;
  const uint64_t now_ms_;
  bool changes_data_ = false;
  std::vector<Write> writes_;
  // Position in writes_ of the last write of a key, once a scan over them would be slow.
  base::StringMap<size_t> positions_;
  std::forward_list<std::string> kept_;
  // The last key that was looked up in the backend: commands read a key before they write it.
  std::string last_key_;
  std::optional<State> last_state_;
};

}  // namespace nokv::redis
