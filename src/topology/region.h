// The words of a cluster's layout: stores, regions and their peers, as values.
//
// A region is a range of keys that one raft group serves; its peers are the members of that group,
// each on another store. The epoch tells layouts of one region apart: `version` rises with each
// change of the range, `conf_version` with each change of the peers.
//
// Thread safety: thread-compatible values and pure functions.
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "nokv/status.h"

namespace nokv::topology {

using StoreId = uint64_t;
using RegionId = uint64_t;
using PeerId = uint64_t;

// No id is zero.
inline constexpr uint64_t kNoId = 0;
// What a region may have at most. A bound need not be a key that exists: a store that splits takes
// the shortest one that separates.
inline constexpr size_t kMaxBoundBytes = 4096;
inline constexpr size_t kMaxPeers = 32;

struct Epoch {
  uint64_t version = 0;
  uint64_t conf_version = 0;
  bool operator==(const Epoch&) const = default;
};

// True if `a` is what `b` became or could have become: neither part is smaller.
inline bool NotBehind(const Epoch& a, const Epoch& b) {
  return a.version >= b.version && a.conf_version >= b.conf_version;
}

// A learner is sent everything and decides nothing.
enum class PeerRole : uint8_t { kVoter = 0, kLearner = 1 };

struct Peer {
  StoreId store = kNoId;
  PeerId peer = kNoId;
  PeerRole role = PeerRole::kVoter;
  bool operator==(const Peer&) const = default;
};

// From `start` up to but not including `end`; an empty `end` is the end of all keys.
struct KeyRange {
  std::string start = {};
  std::string end = {};

  bool Contains(std::string_view key) const { return key >= start && (end.empty() || key < end); }
  bool operator==(const KeyRange&) const = default;
};

// True if there is a key that both contain.
bool Overlap(const KeyRange& a, const KeyRange& b);
// `["", "m")`, the bounds escaped; `∞` is no bound.
std::string ToString(const KeyRange& range);

struct Region {
  RegionId id = kNoId;
  KeyRange range = {};
  Epoch epoch = {};
  std::vector<Peer> peers = {};
  bool operator==(const Region&) const = default;
};

// "region 7"
std::string NameOf(RegionId id);
// True if the regions have the same peers, in any order.
bool SamePeers(const Region& a, const Region& b);
// kInvalidArgument, naming the region, if it cannot be one: an id that is zero, a range without
// keys, no peers or no voter, two peers with one id or on one store, or more than the limits.
Status CheckRegion(const Region& region);

// As files and rooted events hold it. Decode takes any bytes, consumes what it reads, and answers
// false for what Encode does not write, CheckRegion aside.
void EncodeRegion(const Region& region, std::string* out);
bool DecodeRegion(std::string_view* in, Region* region);

}  // namespace nokv::topology
