#include "sim/crash/model.h"

#include <algorithm>

#include "base/bytes.h"

namespace nokv::sim {

uint64_t Model::Add(const std::vector<Change>& changes) {
  ModelState state = states_.back();
  for (const Change& change : changes) {
    switch (change.kind) {
      case Change::Kind::kPut:
        state[change.key] = change.value;
        break;
      case Change::Kind::kDelete:
        state.erase(change.key);
        break;
      case Change::Kind::kDeleteRange:
        state.erase(state.lower_bound(change.key), state.lower_bound(change.end));
        break;
    }
  }
  states_.push_back(std::move(state));
  return issued();
}

void Model::Acknowledge(uint64_t number) {
  acknowledged_ = std::max(acknowledged_, number);
}

void Model::Durable(uint64_t number) {
  durable_ = std::max(durable_, number);
  Acknowledge(number);
}

void Model::Rewind(uint64_t number) {
  states_.resize(number + 1);
  acknowledged_ = number;
  durable_ = std::min(durable_, number);
}

std::string JunkValue(std::string_view key) {
  // Of all lengths: some lie apart from the tables.
  std::string value;
  for (int i = 0; i < 1 << (key.back() % 8); i++) value += key;
  return value;
}

namespace {

Verdict Violation(std::string text) {
  return {std::move(text), 0};
}

std::string Describe(const ModelValue& value) {
  return std::to_string(value.data.size()) + " bytes beginning \"" +
         base::EscapeBytes(value.data.substr(0, 16)) + "\"";
}

// All live keys, by iterator in one direction.
Status ReadAll(DB& db, bool forward, ModelState* state) {
  const auto it = db.NewIterator();
  for (forward ? it->SeekToFirst() : it->SeekToLast(); it->Valid();
       forward ? it->Next() : it->Prev()) {
    if (it->key().starts_with(kJunkPrefix)) {
      if (it->value() == JunkValue(it->key())) continue;
      return Status::Corruption("\"" + base::EscapeBytes(it->key()) + "\" has a foreign value");
    }
    (*state)[std::string(it->key())] = {std::string(it->value()), it->expiry_ms(), it->user_meta()};
  }
  return it->status();
}

std::string Difference(const ModelState& expected, const ModelState& found) {
  for (const auto& [key, value] : expected) {
    const auto it = found.find(key);
    if (it == found.end()) return "key \"" + base::EscapeBytes(key) + "\" is missing";
    if (!(it->second == value)) {
      return "key \"" + base::EscapeBytes(key) + "\" holds " + Describe(it->second) + ", not " +
             Describe(value);
    }
  }
  for (const auto& [key, value] : found) {
    if (!expected.contains(key)) {
      return "key \"" + base::EscapeBytes(key) + "\" is there with " + Describe(value) +
             " and must not be";
    }
  }
  return "";
}

}  // namespace

Verdict CheckAgainst(const Model& model, DB& db, uint64_t must, uint64_t now_ms) {
  const auto marker = db.Get({}, kMarkerKey);
  if (!marker.ok()) return Violation("read of the marker failed: " + marker.status().ToString());
  Verdict verdict;
  if (marker->has_value()) verdict.prefix = std::stoull((*marker)->data);
  const std::string holds = "holds " + std::to_string(verdict.prefix) + " batches";
  if (verdict.prefix < must) {
    return Violation(holds + ", but " + std::to_string(must) + " must survive");
  }
  if (verdict.prefix > model.issued()) {
    return Violation(holds + ", but only " + std::to_string(model.issued()) + " were written");
  }
  ModelState expected = model.StateAt(verdict.prefix);
  std::erase_if(expected, [now_ms](const auto& entry) {
    return entry.second.expiry_ms != 0 && entry.second.expiry_ms <= now_ms;
  });
  for (const bool forward : {true, false}) {
    ModelState found;
    const Status status = ReadAll(db, forward, &found);
    if (!status.ok()) return Violation("iteration failed: " + status.ToString());
    const std::string difference = Difference(expected, found);
    if (!difference.empty()) {
      return Violation(holds + (forward ? "; forward: " : "; backward: ") + difference);
    }
  }
  for (const auto& [key, value] : expected) {
    const auto got = db.Get({}, key);
    if (!got.ok()) return Violation("read failed: " + got.status().ToString());
    if (!got->has_value() || (*got)->data != value.data) {
      return Violation(holds + "; Get of \"" + base::EscapeBytes(key) + "\" differs from the scan");
    }
  }
  return verdict;
}

}  // namespace nokv::sim
