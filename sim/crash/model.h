// Model: what a database must hold, as a history of batches on a plain map.
//
// Batch i (from 1) also writes the marker key with the value i, so a reopened database tells by
// itself which prefix of the history it holds; the checker then compares everything else with the
// state after exactly that prefix.
//
// Thread safety: thread-compatible.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "nokv/db.h"

namespace nokv::sim {

struct ModelValue {
  std::string data;
  uint64_t expiry_ms = 0;
  uint8_t user_meta = 0;

  bool operator==(const ModelValue&) const = default;
};
using ModelState = std::map<std::string, ModelValue>;

struct Change {
  enum class Kind { kPut, kDelete, kDeleteRange };
  Kind kind = Kind::kPut;
  std::string key;
  std::string end;  // of a range
  ModelValue value;
};

inline constexpr char kMarkerKey[] = "~marker";
// Keys that begin so are no part of the model: a compaction filter drops them when it meets them.
// What is still there has the value JunkValue.
inline constexpr char kJunkPrefix[] = "junk";
std::string JunkValue(std::string_view key);

class Model {
 public:
  // Adds a batch; returns its number. The batch may end up in the database or not until
  // acknowledged.
  uint64_t Add(const std::vector<Change>& changes);
  // Batches up to `number` survive the death of the process from now on.
  void Acknowledge(uint64_t number);
  // Batches up to `number` survive power loss from now on.
  void Durable(uint64_t number);
  // The database was found to hold exactly the batches up to `number`; the rest never happened.
  void Rewind(uint64_t number);

  uint64_t issued() const { return states_.size() - 1; }
  uint64_t acknowledged() const { return acknowledged_; }
  uint64_t durable() const { return durable_; }
  const ModelState& StateAt(uint64_t number) const { return states_[number]; }

 private:
  std::vector<ModelState> states_ = {{}};
  uint64_t acknowledged_ = 0;
  uint64_t durable_ = 0;
};

struct Verdict {
  std::string violation;  // empty if the database holds what it may and must
  uint64_t prefix = 0;    // the batch that it holds last
};

// Compares everything in `db` with the model: it must hold a prefix of at least `must` batches.
// `now_ms` judges expiry.
Verdict CheckAgainst(const Model& model, DB& db, uint64_t must, uint64_t now_ms);

}  // namespace nokv::sim
