#include "topology/region.h"

#include <algorithm>

#include "base/bytes.h"
#include "base/coding.h"

namespace nokv::topology {

namespace {

Status Bad(const Region& region, const std::string& what) {
  return Status::InvalidArgument(NameOf(region.id) + " " + what);
}

std::vector<Peer> Sorted(std::vector<Peer> peers) {
  std::sort(peers.begin(), peers.end(),
            [](const Peer& a, const Peer& b) { return a.peer < b.peer; });
  return peers;
}

bool HasDuplicate(const std::vector<Peer>& peers, uint64_t Peer::* id, uint64_t* which) {
  std::vector<uint64_t> ids;
  for (const Peer& peer : peers) ids.push_back(peer.*id);
  std::sort(ids.begin(), ids.end());
  const auto twice = std::adjacent_find(ids.begin(), ids.end());
  if (twice != ids.end()) *which = *twice;
  return twice != ids.end();
}

}  // namespace

bool Overlap(const KeyRange& a, const KeyRange& b) {
  const auto begins_before = [](const std::string& start, const std::string& end) {
    return end.empty() || start < end;
  };
  return begins_before(a.start, b.end) && begins_before(b.start, a.end);
}

std::string ToString(const KeyRange& range) {
  const std::string end = range.end.empty() ? "∞" : '"' + base::EscapeBytes(range.end) + '"';
  return "[\"" + base::EscapeBytes(range.start) + "\", " + end + ")";
}

std::string NameOf(RegionId id) {
  return "region " + std::to_string(id);
}

bool SamePeers(const Region& a, const Region& b) {
  return Sorted(a.peers) == Sorted(b.peers);
}

Status CheckRegion(const Region& region) {
  if (region.id == kNoId) return Status::InvalidArgument("a region has the id 0");
  if (std::max(region.range.start.size(), region.range.end.size()) > kMaxBoundBytes) {
    return Bad(region, "has a bound of more than " + std::to_string(kMaxBoundBytes) + " bytes");
  }
  if (!region.range.end.empty() && region.range.start >= region.range.end) {
    return Bad(region, "has no keys: " + ToString(region.range));
  }
  if (region.peers.size() > kMaxPeers) {
    return Bad(region, "has more than " + std::to_string(kMaxPeers) + " peers");
  }
  bool has_voter = false;
  for (const Peer& peer : region.peers) {
    if (peer.store == kNoId || peer.peer == kNoId) return Bad(region, "has a peer with an id of 0");
    has_voter = has_voter || peer.role == PeerRole::kVoter;
  }
  if (!has_voter) return Bad(region, "has no peer that votes");
  uint64_t id = 0;
  if (HasDuplicate(region.peers, &Peer::peer, &id)) {
    return Bad(region, "has two peers with the id " + std::to_string(id));
  }
  if (HasDuplicate(region.peers, &Peer::store, &id)) {
    return Bad(region, "has two peers on store " + std::to_string(id));
  }
  return Status::Ok();
}

void EncodeRegion(const Region& region, std::string* out) {
  base::PutVarint64(out, region.id);
  base::PutLengthPrefixed(out, region.range.start);
  base::PutLengthPrefixed(out, region.range.end);
  base::PutVarint64(out, region.epoch.version);
  base::PutVarint64(out, region.epoch.conf_version);
  base::PutVarint64(out, region.peers.size());
  for (const Peer& peer : region.peers) {
    base::PutVarint64(out, peer.store);
    base::PutVarint64(out, peer.peer);
    base::PutVarint64(out, static_cast<uint64_t>(peer.role));
  }
}

bool DecodeRegion(std::string_view* in, Region* region) {
  std::string_view start;
  std::string_view end;
  uint64_t peers = 0;
  if (!base::GetVarint64(in, &region->id) || !base::GetLengthPrefixed(in, &start) ||
      !base::GetLengthPrefixed(in, &end) || !base::GetVarint64(in, &region->epoch.version) ||
      !base::GetVarint64(in, &region->epoch.conf_version) || !base::GetVarint64(in, &peers) ||
      peers > kMaxPeers || start.size() > kMaxBoundBytes || end.size() > kMaxBoundBytes) {
    return false;
  }
  region->range = {std::string(start), std::string(end)};
  region->peers.clear();
  for (uint64_t i = 0; i < peers; i++) {
    Peer peer;
    uint64_t role = 0;
    if (!base::GetVarint64(in, &peer.store) || !base::GetVarint64(in, &peer.peer) ||
        !base::GetVarint64(in, &role) || role > static_cast<uint64_t>(PeerRole::kLearner)) {
      return false;
    }
    peer.role = static_cast<PeerRole>(role);
    region->peers.push_back(peer);
  }
  return true;
}

}  // namespace nokv::topology
