// `nokv-bench raft-member`: one of three members of raft groups, in a process of its own: the
// driver over gRPC streams and a synced log, and a service that proposes.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "cli/command.h"

namespace nokv::bench {

inline constexpr size_t kMembers = 3;
// Of kProposalService, beside those of proposals.h. Both answer when it is done:
inline constexpr std::string_view kLeadMethod = "Lead";  // the member leads all groups
inline constexpr std::string_view kLoadMethod = "Load";  // LoadOptions -> LoadResult

// The words that start member `id`, of 1..3; they listen on `ports`.
std::vector<std::string> MemberWords(uint64_t id, const std::vector<uint16_t>& ports,
                                     uint64_t groups, uint64_t value_bytes,
                                     const std::string& directory);

cli::Command RaftMemberCommand();

}  // namespace nokv::bench
