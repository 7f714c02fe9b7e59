// Backend: where the gateway's keys live. Commands know only this; one backend is the embedded
// engine, another will be the cluster client.
//
// Keys are *data keys*, the bytes of a key inside the data keyspace (keys/keys.h). Reads see every
// commit that was applied, durable or not.
//
// Thread safety: all methods are called by the gateway's loop thread; completions may come from
// any thread, also from inside the call.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "nokv/status.h"

namespace nokv::redis {

// What a key holds. `pin` keeps `value` alive.
struct Record {
  std::string_view value;
  uint64_t expiry_ms = 0;  // 0: never
  uint8_t type = 0;        // ValueType
  std::shared_ptr<const void> pin;
};

// The user-meta byte of an entry. What a program wrote with DB::Put is a string.
enum class ValueType : uint8_t { kString = 0 };

struct Write {
  enum class Kind : uint8_t { kPut, kDelete, kDeleteRange };
  Kind kind = Kind::kPut;
  uint8_t type = 0;
  uint64_t expiry_ms = 0;
  std::string key;         // kDeleteRange: where it begins
  std::string_view value;  // must live until Commit returns; `pin`, if any, sees to that
  std::string end;         // kDeleteRange: where it ends, exclusive; empty: the end of all keys
  std::shared_ptr<const void> pin;
};

// Walks live keys upwards. A snapshot of the moment it was made.
class KeyCursor {
 public:
  virtual ~KeyCursor() = default;
  virtual bool Valid() const = 0;
  virtual void Next() = 0;
  // REQUIRES: Valid(). Views are good until the next move.
  virtual std::string_view key() const = 0;
  virtual uint64_t expiry_ms() const = 0;
  virtual uint8_t type() const = 0;
  // OK at a plain end.
  virtual Status status() const = 0;
};

// What an acknowledged commit is safe from.
enum class Survives { kProcessDeath, kPowerLoss };

using CommitDone = std::function<void(Status)>;

// A moment in the history of the store: after the last commit that was applied. It keeps what has
// been overwritten since then from being cleaned up; drop it when it is no longer needed, and
// before the backend.
class Position {
 public:
  virtual ~Position() = default;
};

// What a commit depends on. A key has changed since a position if it was written or deleted after
// it, whatever value it had and got, whether it was there or not. That it expired is no change.
struct ReadSet {
  const Position* since = nullptr;  // from the backend that is asked
  std::vector<std::string> keys;
  // [begin, end); an empty end is the end of all keys.
  std::vector<std::pair<std::string, std::string>> ranges;
};

class Backend {
 public:
  virtual ~Backend() = default;

  // False if there is no such key or it has expired.
  virtual Result<bool> Get(std::string_view key, Record* record) = 0;
  // As Get, but of the value only when it expires; 0: never.
  virtual Result<bool> GetExpiry(std::string_view key, uint64_t* expiry_ms) = 0;
  // Hints that these will be looked for soon, most likely by commands that write them.
  virtual void Prefetch(std::span<const std::string> keys) = 0;
  // Hints that the values of these will be read next, in this order, before Submit. What is written
  // in between is seen nevertheless.
  virtual void PrefetchValues(std::span<const std::string> keys) = 0;
  // Keys in [begin, end); `end` empty: to the end of all keys. Values are not read.
  virtual std::unique_ptr<KeyCursor> Scan(std::string_view begin, std::string_view end) = 0;
  // All of the writes or none. `done` gets the outcome once the commit survives what is asked for;
  // for kPowerLoss the caller must call Sync after the last of its commits. Returns true if reads
  // see it already; false if its outcome will tell (no room for now, or refused). It may stay with
  // commits that come soon, to go together with them; Submit sends them on their way, and so does
  // what needs more of the store than Get and GetExpiry.
  virtual bool Commit(std::span<const Write> writes, Survives survives, CommitDone done) = 0;
  virtual void Submit() = 0;
  virtual std::unique_ptr<Position> CurrentPosition() = 0;
  // As Commit, if nothing of `reads` has changed by the time the writes are applied; otherwise none
  // of them is, and `done` gets kAborted: before CommitIf returns, unless there was no room for the
  // commit.
  virtual bool CommitIf(const ReadSet& reads, std::span<const Write> writes, Survives survives,
                        CommitDone done) = 0;
  // OK, kAborted if something of `reads` has changed, or why commits are refused. Commits that wait
  // for room are not seen.
  virtual Status CheckUnchanged(const ReadSet& reads) = 0;
  // Calls `done` when all that was applied is durable. `leading`: the caller has nothing else to do
  // until then, and this thread may run the sync.
  virtual void Sync(bool leading, CommitDone done) = 0;
  // OK, or why commits are refused.
  virtual Status WriteError() const = 0;
  // How often the store was opened for writing, this time included; 0 if it does not survive.
  virtual uint64_t Generation() const = 0;
};

}  // namespace nokv::redis
