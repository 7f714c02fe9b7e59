#include "redis/books.h"

#include <utility>

#include "base/coding.h"
#include "base/macros.h"
#include "redis/layout.h"

namespace nokv::redis {

namespace {

// A step of the recount looks at so many keys.
constexpr size_t kKeysPerStep = 4096;
constexpr uint64_t kKeysPerLogLine = 1'000'000;

std::string Fixed64(uint64_t value) {
  std::string out;
  base::PutFixed64(&out, value);
  return out;
}

}  // namespace

Result<std::optional<AllCounts>> ReadCounts(Backend& backend) {
  AllCounts counts{};
  for (int db = 0; db < kDatabases; ++db) {
    Record record;
    ASSIGN_OR_RETURN(const bool found, backend.Get(CountsKey(db), &record));
    if (!found) continue;
    if (record.value.size() != 16) return std::optional<AllCounts>();
    counts[db].keys = base::LoadFixed64(record.value.data());
    counts[db].expires = base::LoadFixed64(record.value.data() + 8);
  }
  return std::optional<AllCounts>(counts);
}

void Books::Open(Done done) {
  done_ = std::move(done);
  Result<bool> trusted = Load();
  if (!trusted.ok()) return Fail(trusted.status());
  if (*trusted) return Close();
  counts_ = AllCounts{};
  DropIndex();
}

Result<bool> Books::Load() {
  Record record;
  ASSIGN_OR_RETURN(bool found, backend_.Get(GenerationKey(), &record));
  if (!found || record.value.size() != 8) return false;
  if (base::LoadFixed64(record.value.data()) + 1 != backend_.Generation()) return false;
  ASSIGN_OR_RETURN(const std::optional<AllCounts> counts, ReadCounts(backend_));
  if (counts.has_value()) counts_ = *counts;
  return counts.has_value();
}

void Books::DropIndex() {
  logger_.Info(
      "counting keys: the directory is new to the gateway or was written by another "
      "program since");
  std::vector<Write> writes;
  for (int db = 0; db < kDatabases; ++db) {
    KeyRange range = ExpiryIndexRange(db);
    Write write;
    write.kind = Write::Kind::kDeleteRange;
    write.key = std::move(range.begin);
    write.end = std::move(range.end);
    writes.push_back(std::move(write));
  }
  CommitThen(writes, &Books::CountSome);
}

void Books::CountSome() {
  std::vector<Write> writes;
  std::string scratch;
  for (size_t looked_at = 0; looked_at < kKeysPerStep;) {
    if (cursor_ == nullptr) {
      const std::vector<KeyRange> ranges = KeyRanges(db_);
      cursor_ = backend_.Scan(ranges[range_].begin, ranges[range_].end);
    }
    if (cursor_->Valid()) {
      ++looked_at;
      ++counts_[db_].keys;
      if (++counted_ % kKeysPerLogLine == 0) {
        logger_.Info("counting keys: " + std::to_string(counted_) + " so far");
      }
      if (cursor_->expiry_ms() != 0) {
        ++counts_[db_].expires;
        Write write;
        write.key =
            ExpiryIndexKey(db_, cursor_->expiry_ms(), UserKey(db_, cursor_->key(), &scratch));
        writes.push_back(std::move(write));
      }
      cursor_->Next();
      continue;
    }
    if (!cursor_->status().ok()) return Fail(cursor_->status().Prefixed("counting keys"));
    cursor_.reset();
    if (++range_ < KeyRanges(db_).size()) continue;
    range_ = 0;
    if (++db_ < kDatabases) continue;
    return CommitThen(writes, &Books::Close);
  }
  CommitThen(writes, &Books::CountSome);
}

void Books::Close() {
  std::vector<Write> writes;
  std::vector<std::string> values;
  values.reserve(kDatabases + 1);  // writes hold views of the elements
  for (int db = 0; db < kDatabases; ++db) {
    Write write;
    write.key = CountsKey(db);
    write.value = values.emplace_back(Fixed64(counts_[db].keys) + Fixed64(counts_[db].expires));
    writes.push_back(std::move(write));
  }
  Write generation;
  generation.key = GenerationKey();
  generation.value = values.emplace_back(Fixed64(backend_.Generation()));
  writes.push_back(std::move(generation));
  backend_.Commit(writes, Survives::kProcessDeath, [this](Status status) {
    loop_.Post([this, status = std::move(status)]() mutable { done_(std::move(status), counts_); });
  });
  backend_.Submit();
}

void Books::CommitThen(const std::vector<Write>& writes, void (Books::*next)()) {
  if (writes.empty()) {
    loop_.Post([this, next] { (this->*next)(); });
    return;
  }
  backend_.Commit(writes, Survives::kProcessDeath, [this, next](Status status) {
    // Through the loop also when it completes at once: the stack does not grow with the store.
    loop_.Post([this, next, status = std::move(status)]() mutable {
      if (!status.ok()) return Fail(std::move(status));
      (this->*next)();
    });
  });
  backend_.Submit();
}

}  // namespace nokv::redis
