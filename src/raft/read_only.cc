#include "raft/read_only.h"

#include <algorithm>

#include "base/coding.h"

namespace nokv::raft {

void ReadQueue::Add(LogIndex committed, Message request) {
  reads_.push_back({std::move(request), committed});
}

std::string ReadQueue::HeartbeatContext() const {
  std::string context;
  if (!reads_.empty()) base::PutFixed64(&context, newest());
  return context;
}

void ReadQueue::Acknowledge(NodeId from, std::string_view context) {
  if (context.size() != sizeof(uint64_t)) return;
  // A number that was never given out confirms nothing more than those that were.
  const uint64_t number = std::min(base::LoadFixed64(context.data()), newest());
  acks_[from] = std::max(acks_[from], number);
}

std::vector<ReadQueue::Read> ReadQueue::TakeConfirmed(const JointVoters& voters) {
  const uint64_t agreed = CommittedIndex(voters, [this](NodeId id) -> std::optional<LogIndex> {
    const auto found = acks_.find(id);
    return found == acks_.end() ? std::nullopt : std::optional(found->second);
  });
  std::vector<Read> taken;
  for (; confirmed_ < agreed && !reads_.empty(); confirmed_++) {
    taken.push_back(std::move(reads_.front()));
    reads_.pop_front();
  }
  return taken;
}

}  // namespace nokv::raft
