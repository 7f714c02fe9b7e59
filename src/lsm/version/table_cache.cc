#include "lsm/version/table_cache.h"

#include <algorithm>
#include <charconv>
#include <cstdio>

#include "base/macros.h"

namespace nokv::lsm {

namespace {

constexpr std::string_view kWayOut =
    "restore the file from a backup or checkpoint of the directory";

Status Missing(const std::string& path) {
  return Status::Corruption("missing sstable " + path +
                            ", which the manifest names; nothing was changed")
      .WithHint(kWayOut)
      .WithErrorNumber(1304);
}

Status Unexpected(const std::string& path, const std::string& what) {
  return Status::Corruption("open sstable " + path + ": " + what)
      .WithHint(kWayOut)
      .WithErrorNumber(1303);
}

}  // namespace

Result<std::shared_ptr<const Table>> TableCache::Open(const manifest::FileMetadata& meta) const {
  const std::string path = vfs::JoinPath(dir_, TableName(meta.number));
  Result<std::unique_ptr<vfs::RandomFile>> file = fs_.OpenRandom(path, mode_);
  if (!file.ok()) {
    if (file.status().IsNotFound()) return Missing(path);
    return file.status().Prefixed("open sstable " + path);
  }
  if ((*file)->Size() != meta.file_bytes) {
    return Unexpected(path, "it has " + std::to_string((*file)->Size()) +
                                " bytes, the manifest says " + std::to_string(meta.file_bytes));
  }
  ASSIGN_OR_RETURN(
      std::shared_ptr<const Table> table,
      Table::Open(std::move(*file), path, meta.number, cache_, meta.largest_sequence, &counters_));
  const bool ingested = !table->external_comparator().empty();
  if (ingested && meta.smallest_sequence != meta.largest_sequence) {
    return Unexpected(path, "it is not the one that the manifest names");
  }
  return table;
}

Result<TablePin> TableCache::Use(const manifest::FileMetadata& meta) {
  {
    base::MutexLock lock(mu_);
    const auto found = by_number_.find(meta.number);
    if (found != by_number_.end()) {
      order_.splice(order_.begin(), order_, found->second);
      return TablePin(order_.front().table);
    }
  }
  // Two threads may open one table at once; what the first of them keeps is used from then on.
  ASSIGN_OR_RETURN(std::shared_ptr<const Table> table, Open(meta));
  Order closed;  // destroyed after the lock is released
  base::MutexLock lock(mu_);
  if (!by_number_.contains(meta.number)) {
    order_.push_front({meta.number, table});
    by_number_.emplace(meta.number, order_.begin());
  }
  while (order_.size() > limit_) {
    by_number_.erase(order_.back().number);
    closed.splice(closed.begin(), order_, std::prev(order_.end()));
  }
  return TablePin(std::move(table));
}

std::shared_ptr<const Table> TableCache::Release(uint64_t number) {
  base::MutexLock lock(mu_);
  const auto found = by_number_.find(number);
  if (found == by_number_.end()) return nullptr;
  std::shared_ptr<const Table> table = std::move(found->second->table);
  order_.erase(found->second);
  by_number_.erase(found);
  return table;
}

Status TableCache::CheckPresent(const std::set<uint64_t>& numbers) const {
  ASSIGN_OR_RETURN(const std::vector<std::string> names, fs_.List(dir_));
  std::set<uint64_t> missing = numbers;
  for (const std::string& name : names) {
    uint64_t number = 0;
    if (ParseTableName(name, &number)) missing.erase(number);
  }
  if (missing.empty()) return Status::Ok();
  return Missing(vfs::JoinPath(dir_, TableName(*missing.begin())));
}

size_t TableCache::open_tables() const {
  base::MutexLock lock(mu_);
  return order_.size();
}

std::string TableName(uint64_t number) {
  char name[32];
  const int length =
      std::snprintf(name, sizeof name, "%05llu.sst", static_cast<unsigned long long>(number));
  return std::string(name, static_cast<size_t>(length));
}

bool ParseTableName(std::string_view name, uint64_t* number) {
  if (!name.ends_with(".sst")) return false;
  const char* end = name.data() + name.size() - 4;
  const auto [parsed, error] = std::from_chars(name.data(), end, *number);
  return error == std::errc() && parsed == end && TableName(*number) == name;
}

}  // namespace nokv::lsm
