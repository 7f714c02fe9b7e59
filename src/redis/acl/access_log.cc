#include "redis/acl/access_log.h"

#include <algorithm>
#include <utility>

namespace nokv::redis::acl {

namespace {

constexpr uint64_t kSameWithinMs = 60'000;
constexpr std::ptrdiff_t kSameWithinEntries = 10;

}  // namespace

void AccessLog::Add(Entry entry, uint64_t now_ms) {
  const auto end =
      entries_.begin() +
      std::min<std::ptrdiff_t>(kSameWithinEntries, static_cast<std::ptrdiff_t>(entries_.size()));
  const auto same = std::find_if(entries_.begin(), end, [&](const Entry& known) {
    return known.reason == entry.reason && known.where == entry.where &&
           known.object == entry.object && known.user == entry.user &&
           now_ms - known.updated_ms <= kSameWithinMs;
  });
  entry.id = next_id_;
  entry.created_ms = now_ms;
  if (same != end) {
    entry.id = same->id;
    entry.count = same->count + 1;
    entry.created_ms = same->created_ms;
    entries_.erase(same);
  } else {
    ++next_id_;
  }
  entry.updated_ms = now_ms;
  entries_.push_front(std::move(entry));
  if (entries_.size() > kMaxEntries) entries_.pop_back();
}

}  // namespace nokv::redis::acl
