// Player: plays a list of operations on a database under one set of options, and notes the answers.
//
// What is drawn for the list never depends on an answer, so every player draws the same list.
//
// Thread safety: thread-compatible.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/random.h"
#include "nokv/db.h"
#include "runtime/sim_runtime.h"
#include "vfs/memory_fs.h"

namespace nokv::sim {

class Player {
 public:
  Player(uint64_t seed, uint64_t set);
  ~Player();
  Player(const Player&) = delete;
  Player& operator=(const Player&) = delete;

  // One operation, and some background work.
  void Step();
  // All that is there, both ways.
  void Finish();
  const std::vector<std::string>& answers() const { return answers_; }

 private:
  Options DrawOptions();
  void Open();
  // Ends the database, by a close or as the death of the process does, and opens it again.
  void Reopen(bool kill);

  void Write();
  void WriteBatchOf(uint64_t changes);
  void Read();
  void Scan();
  void Pin();
  void Transact();
  void Maintain();
  void Ingest();
  void Checkpoint();

  std::string Key();
  std::string Value();
  PutOptions Attributes();
  // A snapshot, or none: the latest state.
  const Snapshot* View();
  // The keys from where a drawn move takes the iterator on, up to `limit`.
  std::string Walk(Iterator& it, uint64_t limit);
  void Note(std::string_view operation, std::string answer);
  void Note(std::string_view operation, const Status& status);

  base::Random list_;  // what is done
  base::Random luck_;  // how it goes
  const bool first_;   // the set that is nearly the defaults
  std::unique_ptr<vfs::MemoryFileSystem> disk_;
  std::unique_ptr<runtime::SimRuntime> runtime_;
  std::unique_ptr<DB> db_;
  std::array<std::unique_ptr<Snapshot>, 3> snapshots_;
  std::unique_ptr<Iterator> pinned_;
  uint64_t files_ = 0;  // tables and checkpoints that were made
  std::vector<std::string> answers_;
};

}  // namespace nokv::sim
