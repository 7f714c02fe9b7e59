#include "redis/multi.h"

#include "base/check.h"

namespace nokv::redis {

bool MultiState::Add(const CommandSpec& spec, std::span<const std::string_view> args,
                     size_t limit_bytes) {
  NOKV_CHECK(open());
  if (spoiled_) return true;
  size_t bytes = sizeof(QueuedCommand);
  for (const std::string_view arg : args) bytes += sizeof(std::string) + arg.size();
  if (bytes > limit_bytes || bytes_ > limit_bytes - bytes) {
    spoiled_ = true;
    return false;
  }
  bytes_ += bytes;
  queue_->push_back({&spec, {args.begin(), args.end()}});
  return true;
}

}  // namespace nokv::redis
