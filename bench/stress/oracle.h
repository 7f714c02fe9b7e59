// Oracle: what a database that is stressed should hold, in a file of its own that outlives the
// process: memory that is mapped and shared survives kill -9.
//
// Each key has the version that was acknowledged last and one that may be on its way. After a kill
// either may be there, and nothing else.
//
// Thread safety: thread-safe; each key is written by one thread.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "nokv/status.h"

namespace nokv::bench {

// A version of a key and whether it is a value or a delete. The first that is written has 1.
struct KeyState {
  uint32_t version = 0;
  bool present = false;

  bool operator==(const KeyState&) const = default;
};

class Oracle {
 public:
  // Opens or creates the file for keys below `keys`.
  static Result<std::unique_ptr<Oracle>> Open(const std::string& path, uint64_t keys);
  ~Oracle();
  Oracle(const Oracle&) = delete;
  Oracle& operator=(const Oracle&) = delete;

  uint64_t keys() const { return keys_; }
  KeyState Acknowledged(uint64_t key) const;
  KeyState Pending(uint64_t key) const;

  // A write of `key` begins; returns the state that it will have.
  KeyState Begin(uint64_t key, bool present);
  // It was acknowledged.
  void End(uint64_t key);
  // After an opening: this is what the database has, and nothing is on its way.
  void Settle(uint64_t key, KeyState state);

  // Operations of all processes.
  void CountOperation();
  uint64_t operations() const;

 private:
  struct Slot {
    std::atomic<uint64_t> acknowledged;
    std::atomic<uint64_t> pending;
    std::atomic<uint64_t> latest;  // the version that was used last, for no version is used twice
  };

  Oracle(void* memory, uint64_t keys) : memory_(memory), keys_(keys) {}
  // The first slot counts operations.
  Slot* slots() const { return static_cast<Slot*>(memory_); }
  Slot& slot(uint64_t key) const { return slots()[key + 1]; }

  void* const memory_;
  const uint64_t keys_;
};

// The key with this number; they sort as their numbers do.
std::string StressKey(uint64_t key);
// The number of a key; nullopt if it is none.
std::optional<uint64_t> StressKeyNumber(std::string_view key);
// The value of a version of a key: from a few bytes to 64 KiB.
std::string StressValue(uint64_t key, uint32_t version);

}  // namespace nokv::bench
