#include "redis/memory_backend.h"

namespace nokv::redis {

namespace {

class MapCursor final : public KeyCursor {
 public:
  explicit MapCursor(std::vector<std::pair<std::string, MemoryBackend::Entry>> entries)
      : entries_(std::move(entries)) {}
  bool Valid() const override { return at_ < entries_.size(); }
  void Next() override { ++at_; }
  std::string_view key() const override { return entries_[at_].first; }
  uint64_t expiry_ms() const override { return entries_[at_].second.expiry_ms; }
  uint8_t type() const override { return entries_[at_].second.type; }
  Status status() const override { return Status::Ok(); }

 private:
  std::vector<std::pair<std::string, MemoryBackend::Entry>> entries_;
  size_t at_ = 0;
};

struct MemoryPosition final : Position {
  explicit MemoryPosition(size_t at) : changes(at) {}
  const size_t changes;
};

// Whether [a, a_end) and [b, b_end) have a key in common; an empty end is the end of all keys.
bool Overlap(std::string_view a, std::string_view a_end, std::string_view b,
             std::string_view b_end) {
  return (b_end.empty() || a < b_end) && (a_end.empty() || b < a_end);
}

}  // namespace

Result<bool> MemoryBackend::Get(std::string_view key, Record* record) {
  const auto found = entries_.find(std::string(key));
  if (found == entries_.end()) return false;
  const Entry& entry = found->second;
  if (entry.expiry_ms != 0 && entry.expiry_ms <= clock_.WallMillis()) return false;
  auto pin = std::make_shared<std::string>(entry.value);
  *record = Record{*pin, entry.expiry_ms, entry.type, pin};
  return true;
}

Result<bool> MemoryBackend::GetExpiry(std::string_view key, uint64_t* expiry_ms) {
  Record record;
  const Result<bool> found = Get(key, &record);
  *expiry_ms = record.expiry_ms;
  return found;
}

std::unique_ptr<KeyCursor> MemoryBackend::Scan(std::string_view begin, std::string_view end) {
  std::vector<std::pair<std::string, Entry>> entries;
  for (auto it = entries_.lower_bound(std::string(begin)); it != entries_.end(); ++it) {
    if (!end.empty() && it->first >= end) break;
    if (it->second.expiry_ms != 0 && it->second.expiry_ms <= clock_.WallMillis()) continue;
    entries.emplace_back(*it);
  }
  return std::make_unique<MapCursor>(std::move(entries));
}

void MemoryBackend::Apply(std::span<const Write> writes) {
  for (const Write& write : writes) {
    changes_.push_back(
        {write.key, write.kind == Write::Kind::kDeleteRange ? write.end : write.key + '\0'});
    switch (write.kind) {
      case Write::Kind::kPut:
        entries_[write.key] = Entry{std::string(write.value), write.expiry_ms, write.type};
        break;
      case Write::Kind::kDelete:
        entries_.erase(write.key);
        break;
      case Write::Kind::kDeleteRange:
        entries_.erase(entries_.lower_bound(write.key),
                       write.end.empty() ? entries_.end() : entries_.lower_bound(write.end));
        break;
    }
  }
}

std::unique_ptr<Position> MemoryBackend::CurrentPosition() {
  return std::make_unique<MemoryPosition>(changes_.size());
}

Status MemoryBackend::CheckUnchanged(const ReadSet& reads) {
  for (size_t i = static_cast<const MemoryPosition*>(reads.since)->changes; i < changes_.size();
       ++i) {
    const Change& change = changes_[i];
    for (const std::string& key : reads.keys) {
      if (Overlap(key, key + '\0', change.begin, change.end)) return Status::Aborted("conflict");
    }
    for (const auto& [begin, end] : reads.ranges) {
      if (Overlap(begin, end, change.begin, change.end)) return Status::Aborted("conflict");
    }
  }
  return Status::Ok();
}

bool MemoryBackend::Commit(std::span<const Write> writes, Survives survives, CommitDone done) {
  return Commit(nullptr, writes, survives, std::move(done));
}

bool MemoryBackend::CommitIf(const ReadSet& reads, std::span<const Write> writes, Survives survives,
                             CommitDone done) {
  return Commit(&reads, writes, survives, std::move(done));
}

bool MemoryBackend::Commit(const ReadSet* reads, std::span<const Write> writes, Survives survives,
                           CommitDone done) {
  ++commits_;
  if (!write_error_.ok()) {
    done(write_error_);
    return false;
  }
  if (no_room_) {
    Waiting waiting{std::move(done), {}, {}};
    for (const Write& write : writes) {
      waiting.unapplied.emplace_back(write, std::string(write.value));
    }
    if (reads != nullptr) waiting.reads = *reads;
    waiting_.push_back(std::move(waiting));
    return false;
  }
  if (reads != nullptr) {
    Status unchanged = CheckUnchanged(*reads);
    if (!unchanged.ok()) {
      done(std::move(unchanged));
      return false;
    }
  }
  Apply(writes);
  if (survives == Survives::kPowerLoss) {
    unsynced_.push_back(std::move(done));
  } else {
    done(Status::Ok());
  }
  return true;
}

void MemoryBackend::Sync(bool leading, CommitDone done) {
  ++syncs_;
  if (leading) ++led_syncs_;
  unsynced_.push_back(std::move(done));
  for (CommitDone& synced : unsynced_) waiting_.push_back({std::move(synced), {}, {}});
  unsynced_.clear();
  if (!hold_syncs_) Acknowledge(Status::Ok());
}

void MemoryBackend::Acknowledge(const Status& status) {
  std::deque<Waiting> waiting;
  waiting.swap(waiting_);
  for (Waiting& one : waiting) {
    Status outcome = status;
    if (outcome.ok() && one.reads.has_value()) outcome = CheckUnchanged(*one.reads);
    for (auto& [write, value] : one.unapplied) {
      write.value = value;
      if (outcome.ok()) Apply({&write, 1});
    }
    one.done(std::move(outcome));
  }
}

}  // namespace nokv::redis
