#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "config/cluster_config.h"

namespace nokv::config {

namespace {

std::string Name(const StoreConfig& store) {
  return "store " + std::to_string(store.id);
}

// True for HOST:PORT. Brackets hold an address that has colons itself.
bool IsAddress(const std::string& text) {
  const size_t colon = text.rfind(':');
  if (colon == std::string::npos || colon + 1 == text.size()) return false;
  const std::string port = text.substr(colon + 1);
  const bool digits =
      std::all_of(port.begin(), port.end(), [](char c) { return c >= '0' && c <= '9'; });
  if (!digits || port.size() > 5 || std::stoul(port) > 65535) return false;
  const std::string host = text.substr(0, colon);
  const bool bracketed = host.starts_with('[') && host.ends_with(']');
  return host.find_first_of(" /") == std::string::npos &&
         (bracketed || host.find(':') == std::string::npos);
}

class Validator {
 public:
  explicit Validator(const ClusterConfig& config) : config_(config) {}

  std::vector<Problem> Run() {
    CheckTemplate(config_.store_work_dir_template_at, "store_work_dir_template",
                  config_.store_work_dir_template);
    CheckTemplate(config_.store_docker_work_dir_template_at, "store_docker_work_dir_template",
                  config_.store_docker_work_dir_template);
    CheckCoordinator();
    if (config_.tso.has_value()) {
      CheckAddress(config_.tso->at, "tso", "listen_addr", config_.tso->listen_addr);
    }
    if (config_.stores.empty()) Add({}, "there is no store: \"stores\" must have at least one");
    for (const StoreConfig& store : config_.stores) CheckStore(store);
    for (const RegionConfig& region : config_.regions) CheckRegion(region);
    CheckCoverage();
    std::stable_sort(problems_.begin(), problems_.end(),
                     [](const Problem& a, const Problem& b) { return a.at < b.at; });
    return std::move(problems_);
  }

 private:
  void Add(Place at, const std::string& what) { problems_.push_back({at, what}); }

  void CheckTemplate(Place at, const std::string& name, const std::string& text) {
    if (!text.empty() && text.find("{id}") == std::string::npos) {
      Add(at, '"' + name + "\" must have {id} in it, where the store's id goes");
    }
  }

  void CheckCoordinator() {
    if (!config_.coordinator.has_value()) return;
    CheckCoordinatorAddresses("addr", config_.coordinator->addr);
    CheckCoordinatorAddresses("docker_addr", config_.coordinator->docker_addr);
  }

  // Several, with commas between.
  void CheckCoordinatorAddresses(const std::string& field, const std::string& addrs) {
    const Place at = config_.coordinator->at;
    for (size_t begin = 0; begin < addrs.size();) {
      const size_t end = std::min(addrs.find(',', begin), addrs.size());
      const std::string addr = addrs.substr(begin, end - begin);
      CheckAddress(at, "coordinator", field, addr);
      Claim(&addrs_, at, "coordinator", addr);
      begin = end + 1;
    }
  }

  void CheckAddress(Place at, const std::string& whose, const std::string& field,
                    const std::string& addr) {
    if (!addr.empty() && !IsAddress(addr)) {
      Add(at, whose + ": \"" + field + "\" must be HOST:PORT, not \"" + addr + '"');
    }
  }

  using Claims = std::map<std::string, std::string>;  // what, and who has it

  // Notes that `whose` has `what`; a problem if another has it.
  void Claim(Claims* claims, Place at, const std::string& whose, const std::string& what) {
    if (what.empty()) return;
    const auto [first, is_new] = claims->emplace(what, whose);
    if (!is_new && first->second != whose) {
      Add(at, whose + " has \"" + what + "\", which " + first->second + " has already");
    }
  }

  void CheckStore(const StoreConfig& store) {
    if (store.id == topology::kNoId) Add(store.at, "a store has no \"store_id\", or 0");
    if (store.id != topology::kNoId && !stores_.emplace(store.id, &store).second) {
      Add(store.at, Name(store) + " is there twice, first in line " +
                        std::to_string(stores_[store.id]->at.line));
      return;
    }
    if (store.addr.empty()) Add(store.at, Name(store) + " has no \"addr\"");
    CheckAddress(store.at, Name(store), "addr", store.addr);
    CheckAddress(store.at, Name(store), "listen_addr", store.listen_addr);
    CheckAddress(store.at, Name(store), "docker_addr", store.docker_addr);
    CheckAddress(store.at, Name(store), "docker_listen_addr", store.docker_listen_addr);
    Claim(&addrs_, store.at, Name(store), store.addr);
    Claim(&addrs_, store.at, Name(store), store.docker_addr);
    Claim(&work_dirs_, store.at, Name(store), WorkDirOf(config_, store, Scope::kHost));
  }

  void CheckRegion(const RegionConfig& region) {
    const std::string name = topology::NameOf(region.region.id);
    if (const Status status = topology::CheckRegion(region.region); !status.ok()) {
      Add(region.at, std::string(status.message()));
    }
    if (region.region.id != topology::kNoId &&
        !regions_.emplace(region.region.id, &region).second) {
      Add(region.at, name + " is there twice, first in line " +
                         std::to_string(regions_[region.region.id]->at.line));
    }
    bool leader_is_peer = region.leader_store == topology::kNoId;
    for (const topology::Peer& peer : region.region.peers) {
      const std::string peer_name = "peer " + std::to_string(peer.peer);
      leader_is_peer = leader_is_peer || peer.store == region.leader_store;
      if (peer.store != topology::kNoId && !stores_.contains(peer.store)) {
        Add(region.at, name + ": " + peer_name + " is on store " + std::to_string(peer.store) +
                           ", which is not among \"stores\"");
      }
      const auto [first, is_new] = peers_.emplace(peer.peer, name);
      if (!is_new && first->second != name) {
        Add(region.at, name + " has " + peer_name + ", which " + first->second + " has already");
      }
    }
    if (!leader_is_peer) {
      Add(region.at, name + ": \"leader_store_id\" is " + std::to_string(region.leader_store) +
                         ", on which it has no peer");
    }
  }

  // All keys must belong to one region.
  void CheckCoverage() {
    std::vector<const RegionConfig*> sorted;
    for (const RegionConfig& region : config_.regions) sorted.push_back(&region);
    std::stable_sort(sorted.begin(), sorted.end(), [](const auto* a, const auto* b) {
      return a->region.range.start < b->region.range.start;
    });
    const RegionConfig* before = nullptr;  // that which reaches furthest
    for (const RegionConfig* region : sorted) {
      CheckBorder(before, *region);
      if (before == nullptr || Reaches(*region, *before)) before = region;
    }
    if (before != nullptr && !before->region.range.end.empty()) {
      Add(before->at, "no region has the keys from " + FormatKey(before->region.range.end) +
                          " on, where " + topology::NameOf(before->region.id) + " ends");
    }
  }

  static bool Reaches(const RegionConfig& a, const RegionConfig& b) {
    const std::string& a_end = a.region.range.end;
    const std::string& b_end = b.region.range.end;
    return !b_end.empty() && (a_end.empty() || a_end > b_end);
  }

  void CheckBorder(const RegionConfig* before, const RegionConfig& region) {
    const topology::KeyRange& range = region.region.range;
    const std::string name = topology::NameOf(region.region.id);
    if (before == nullptr) {
      if (range.start.empty()) return;
      Add(region.at, "no region has the keys before " + FormatKey(range.start) + ", where " + name +
                         " begins");
      return;
    }
    const std::string& end = before->region.range.end;
    if (topology::Overlap(before->region.range, range)) {
      Add(region.at, name + " " + topology::ToString(range) + " overlaps " +
                         topology::NameOf(before->region.id) + " " +
                         topology::ToString(before->region.range));
    } else if (!end.empty() && end < range.start) {
      Add(region.at, "no region has the keys from " + FormatKey(end) + " to " +
                         FormatKey(range.start) + ", between " +
                         topology::NameOf(before->region.id) + " and " + name);
    }
  }

  const ClusterConfig& config_;
  std::vector<Problem> problems_;
  Claims addrs_;
  Claims work_dirs_;
  std::map<topology::StoreId, const StoreConfig*> stores_;
  std::map<topology::RegionId, const RegionConfig*> regions_;
  std::map<topology::PeerId, std::string> peers_;  // and the region that has it
};

}  // namespace

std::vector<Problem> Validate(const ClusterConfig& config) {
  return Validator(config).Run();
}

}  // namespace nokv::config
