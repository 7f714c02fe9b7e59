#include "cli/peers.h"

#include <algorithm>

#include "base/macros.h"
#include "cli/flag_values.h"
#include "cli/text.h"
#include "rpc/http/host_port.h"

namespace nokv::cli {

namespace {

constexpr size_t kMembers = 3;

Result<NumberedAddress> ParsePeer(const std::string& flag, const std::string& text) {
  const size_t equals = text.find('=');
  const auto id = ParseNumber(std::string_view(text).substr(0, equals));
  if (equals == std::string::npos || !id.has_value() || *id == 0) {
    return Status::InvalidArgument("--" + flag + " " + Quoted(text) + " is not ID=HOST:PORT")
        .WithHint("write it like --" + flag + " 1=127.0.0.1:2380");
  }
  NumberedAddress peer{*id, text.substr(equals + 1)};
  const auto parsed = rpc::ParseHostPort(peer.address);
  if (!parsed.ok()) return parsed.status().Prefixed("--" + flag + " " + Quoted(text));
  return peer;
}

}  // namespace

Result<std::vector<NumberedAddress>> ParsePeers(const std::string& flag,
                                                const std::vector<std::string>& peers) {
  std::vector<NumberedAddress> parsed;
  for (const std::string& text : peers) {
    ASSIGN_OR_RETURN(NumberedAddress peer, ParsePeer(flag, text));
    for (const NumberedAddress& other : parsed) {
      if (other.id != peer.id && other.address != peer.address) continue;
      return Status::InvalidArgument("--" + flag + " " + Quoted(text) + " and " +
                                     Quoted(std::to_string(other.id) + "=" + other.address) +
                                     " have the same " + (other.id == peer.id ? "id" : "address"))
          .WithHint("each member of the metadata root has its own id and address");
    }
    parsed.push_back(std::move(peer));
  }
  if (parsed.size() != kMembers) {
    return Status::InvalidArgument("--" + flag + " must be given 3 times, not " +
                                   std::to_string(parsed.size()))
        .WithHint("the metadata root has three members; name each with --" + flag +
                  " ID=HOST:PORT");
  }
  std::sort(parsed.begin(), parsed.end(), [](const auto& a, const auto& b) { return a.id < b.id; });
  return parsed;
}

}  // namespace nokv::cli
