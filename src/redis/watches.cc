#include "redis/watches.h"

#include <utility>

#include "base/macros.h"

namespace nokv::redis {

namespace {

ReadSet ReadsOf(const Position& since, const auto& keys) {
  ReadSet reads;
  reads.since = &since;
  reads.keys.reserve(keys.size());
  for (const auto& [key, seen] : keys) reads.keys.push_back(key);
  return reads;
}

Status ChangedError() {
  return Status::Aborted("a watched key has changed");
}

}  // namespace

Status Watches::Check(Watch& watch) {
  if (watch.since == nullptr) return ChangedError();
  Status status = backend_.CheckUnchanged(ReadsOf(*watch.since, watch.keys));
  if (status.code() == StatusCode::kAborted) watch.since.reset();
  return status;
}

Status Watches::Check(Watch& watch, uint64_t now_ms) {
  for (const auto& [key, seen] : watch.keys) {
    if (seen.live && seen.expiry_ms != 0 && seen.expiry_ms <= now_ms) watch.since.reset();
  }
  return Check(watch);
}

Status Watches::Add(uint64_t client, const std::string& data_key, uint64_t now_ms,
                    size_t limit_bytes) {
  constexpr size_t kNodeBytes = 96;
  const auto watching = watches_.find(client);
  size_t bytes = kNodeBytes + data_key.size();
  if (watching != watches_.end()) {
    const Status status = Check(watching->second, now_ms);
    if (status.code() == StatusCode::kAborted) return Status::Ok();  // nothing undoes that
    RETURN_IF_ERROR(status);
    if (watching->second.keys.contains(data_key)) return Status::Ok();
    bytes += watching->second.bytes;
  }
  if (bytes > limit_bytes) {
    return Status::InvalidArgument(
        "the watched keys take more memory than client-query-buffer-limit, " +
        std::to_string(limit_bytes) + " bytes");
  }
  // First the position, then the key: what comes in between counts as a change.
  auto since = backend_.CurrentPosition();
  Record record;
  ASSIGN_OR_RETURN(const bool found, backend_.Get(data_key, &record));
  const bool live = found && (record.expiry_ms == 0 || record.expiry_ms > now_ms);
  Watch& watch = watches_[client];
  watch.since = std::move(since);
  watch.keys.emplace(data_key, Seen{live, live ? record.expiry_ms : 0});
  watch.bytes = bytes;
  return Status::Ok();
}

void Watches::Forget(uint64_t client) {
  watches_.erase(client);
}

Result<std::shared_ptr<const Dependency>> Watches::Take(uint64_t client, uint64_t now_ms) {
  std::shared_ptr<Dependency> dependency;
  auto node = watches_.extract(client);
  if (node.empty()) return std::shared_ptr<const Dependency>();
  Watch& watch = node.mapped();
  RETURN_IF_ERROR(Check(watch, now_ms));
  dependency = std::make_shared<Dependency>();
  dependency->reads = ReadsOf(*watch.since, watch.keys);
  dependency->since = std::move(watch.since);
  return std::shared_ptr<const Dependency>(std::move(dependency));
}

bool Watches::Changed(uint64_t client) {
  const auto watching = watches_.find(client);
  return watching != watches_.end() && Check(watching->second).code() == StatusCode::kAborted;
}

void Watches::BeforeCommit(const Transaction& txn) {
  if (!txn.removes_unseen()) return;
  for (auto& [client, watch] : watches_) {
    bool only_removes_unseen = false;
    for (const auto& [key, seen] : watch.keys) {
      const Write* write = txn.Pending(key);
      if (write == nullptr) continue;
      only_removes_unseen = !seen.live && write->kind == Write::Kind::kDelete;
      if (!only_removes_unseen) break;
    }
    watch.moves = only_removes_unseen && Check(watch).ok();
    any_moves_ |= watch.moves;
  }
}

void Watches::AfterCommit() {
  if (!any_moves_) return;
  any_moves_ = false;
  for (auto& [client, watch] : watches_) {
    if (std::exchange(watch.moves, false)) watch.since = backend_.CurrentPosition();
  }
}

void Watches::Renew() {
  for (auto& [client, watch] : watches_) {
    if (Check(watch).ok()) watch.since = backend_.CurrentPosition();
  }
}

size_t Watches::keys() const {
  size_t count = 0;
  for (const auto& [client, watch] : watches_) count += watch.keys.size();
  return count;
}

}  // namespace nokv::redis
