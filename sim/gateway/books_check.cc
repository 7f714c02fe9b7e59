#include "sim/gateway/books_check.h"

#include <array>
#include <set>
#include <utility>

#include "base/macros.h"
#include "redis/books.h"
#include "redis/layout.h"

namespace nokv::sim {

namespace {

using IndexEntry = std::pair<uint64_t, std::string>;  // when, and which key

std::string CheckCounts(const redis::Counts& counts, size_t live, size_t entries, size_t due) {
  if (counts.keys != live + due) {
    return std::to_string(counts.keys) + " keys are counted, there are " + std::to_string(live) +
           " and " + std::to_string(due) + " to be removed";
  }
  if (counts.expires != entries) {
    return std::to_string(counts.expires) + " entries of the index are counted, there are " +
           std::to_string(entries);
  }
  return "";
}

std::string CheckDatabase(Process& process, int db, const redis::Counts& stored,
                          const Content& content) {
  size_t live = 0;
  std::set<IndexEntry> wanted;
  for (const auto& [name, value] : content) {
    if (name.first != db) continue;
    live++;
    if (value.expiry_ms != 0) wanted.emplace(value.expiry_ms, name.second);
  }
  size_t entries = 0, due = 0;
  const redis::KeyRange range = redis::ExpiryIndexRange(db);
  const auto cursor = process.backend().Scan(range.begin, range.end);
  for (; cursor->Valid(); cursor->Next(), entries++) {
    const auto entry = redis::ParseExpiryIndexKey(cursor->key());
    if (!entry.has_value()) return "an entry of the expiry index is malformed";
    if (entry->expiry_ms <= process.now_ms()) {
      due++;
    } else if (wanted.erase({entry->expiry_ms, std::string(entry->key)}) == 0) {
      return "the expiry index holds \"" + std::string(entry->key) + "\" at " +
             std::to_string(entry->expiry_ms) + ", and the key does not expire then";
    }
  }
  if (!cursor->status().ok()) return cursor->status().ToString();
  if (!wanted.empty()) {
    return "the expiry index does not hold \"" + wanted.begin()->second + "\" at " +
           std::to_string(wanted.begin()->first);
  }
  std::string wrong = CheckCounts(stored, live, entries, due);
  if (wrong.empty() && !(process.counts()[db] == stored)) {
    wrong = "the counts in memory are not those of the store";
  }
  return wrong;
}

}  // namespace

Result<Content> ReadContent(redis::Backend& backend) {
  Content content;
  std::string scratch;
  for (int db = 0; db < redis::kDatabases; db++) {
    for (const redis::KeyRange& range : redis::KeyRanges(db)) {
      const auto cursor = backend.Scan(range.begin, range.end);
      for (; cursor->Valid(); cursor->Next()) {
        redis::Record record;
        ASSIGN_OR_RETURN(const bool found, backend.Get(cursor->key(), &record));
        if (!found || record.expiry_ms != cursor->expiry_ms()) {
          return Status::Corruption("a scan and a lookup differ");
        }
        content[{db, std::string(redis::UserKey(db, cursor->key(), &scratch))}] = {
            std::string(record.value), record.expiry_ms};
      }
      RETURN_IF_ERROR(cursor->status());
    }
  }
  return content;
}

std::string CheckBooks(Process& process, const Content& content) {
  const auto stored = redis::ReadCounts(process.backend());
  if (!stored.ok()) return stored.status().ToString();
  if (!stored->has_value()) return "the counts in the store are malformed";
  std::array<size_t, redis::kDatabases> live{};
  for (const auto& [name, value] : content) live[static_cast<size_t>(name.first)]++;
  for (int db = 0; db < redis::kDatabases; db++) {
    const std::string wrong = CheckDatabase(process, db, (**stored)[db], content);
    if (!wrong.empty()) return "database " + std::to_string(db) + ": " + wrong;
  }
  const std::string size = process.Run({"DBSIZE"});
  if (size != ":" + std::to_string(live[0])) {
    return "DBSIZE is " + size + ", there are " + std::to_string(live[0]) + " keys";
  }
  return "";
}

}  // namespace nokv::sim
