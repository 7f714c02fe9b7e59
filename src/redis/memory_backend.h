// MemoryBackend: a backend in a map, for tests of commands and sessions. Completions come at once,
// or when the test says so.
//
// Thread safety: thread-compatible.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "redis/backend.h"

namespace nokv::redis {

class MemoryBackend final : public Backend {
 public:
  explicit MemoryBackend(base::Clock& clock) : clock_(clock) {}

  Result<bool> Get(std::string_view key, Record* record) override;
  Result<bool> GetExpiry(std::string_view key, uint64_t* expiry_ms) override;
  void Prefetch(std::span<const std::string> keys) override {
    prefetched_.assign(keys.begin(), keys.end());
  }
  void PrefetchValues(std::span<const std::string> keys) override {
    prefetched_values_.assign(keys.begin(), keys.end());
  }
  std::unique_ptr<KeyCursor> Scan(std::string_view begin, std::string_view end) override;
  bool Commit(std::span<const Write> writes, Survives survives, CommitDone done) override;
  void Submit() override {}
  std::unique_ptr<Position> CurrentPosition() override;
  bool CommitIf(const ReadSet& reads, std::span<const Write> writes, Survives survives,
                CommitDone done) override;
  Status CheckUnchanged(const ReadSet& reads) override;
  void Sync(bool leading, CommitDone done) override;
  Status WriteError() const override { return write_error_; }
  uint64_t Generation() const override { return generation_; }

  // Syncs end by Acknowledge only.
  void set_hold_syncs(bool on) { hold_syncs_ = on; }
  // Commits are not even applied before Acknowledge.
  void set_no_room(bool on) { no_room_ = on; }
  // Ends all that waits, with `status`.
  void Acknowledge(const Status& status);
  void set_write_error(Status status) { write_error_ = std::move(status); }
  void set_generation(uint64_t generation) { generation_ = generation; }
  uint64_t syncs() const { return syncs_; }
  uint64_t led_syncs() const { return led_syncs_; }
  uint64_t commits() const { return commits_; }
  size_t size() const { return entries_.size(); }
  // By the last call.
  const std::vector<std::string>& prefetched() const { return prefetched_; }
  const std::vector<std::string>& prefetched_values() const { return prefetched_values_; }

  struct Entry {
    std::string value;
    uint64_t expiry_ms = 0;
    uint8_t type = 0;
  };
  // All data keys, reserved ones and expired ones included.
  std::map<std::string, Entry>& entries() { return entries_; }

 private:
  void Apply(std::span<const Write> writes);

  struct Waiting {
    CommitDone done;
    std::vector<std::pair<Write, std::string>> unapplied;  // with the value's bytes
    std::optional<ReadSet> reads;
  };
  // [begin, end) was written or deleted; an empty end is the end of all keys.
  struct Change {
    std::string begin;
    std::string end;
  };

  bool Commit(const ReadSet* reads, std::span<const Write> writes, Survives survives,
              CommitDone done);

  base::Clock& clock_;
  std::map<std::string, Entry> entries_;
  std::vector<std::string> prefetched_;
  std::vector<std::string> prefetched_values_;
  std::vector<Change> changes_;  // all there ever were; a position is a number of them
  std::deque<Waiting> waiting_;
  std::vector<CommitDone> unsynced_;  // commits that wait for the next sync
  bool hold_syncs_ = false;
  bool no_room_ = false;
  Status write_error_;
  uint64_t generation_ = 0;
  uint64_t syncs_ = 0;
  uint64_t led_syncs_ = 0;
  uint64_t commits_ = 0;
};

}  // namespace nokv::redis
