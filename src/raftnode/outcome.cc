#include "raftnode/outcome.h"

namespace nokv::raftnode {
namespace {

constexpr const char* kRefusals[] = {"none",
                                     "not the leader",
                                     "too much waits or is not committed yet",
                                     "the group has no member here",
                                     "the group has stopped here",
                                     "the change does not fit the configuration",
                                     "no quorum confirmed the read in time",
                                     "another entry took its place",
                                     "it is not known whether it takes effect"};

}  // namespace

std::string_view ToString(Refusal refusal) {
  return kRefusals[static_cast<size_t>(refusal)];
}

}  // namespace nokv::raftnode
