#include "metaroot/event.h"

#include <algorithm>
#include <array>

#include "base/bytes.h"
#include "base/coding.h"

namespace nokv::metaroot {

namespace {

constexpr std::array<std::string_view, std::variant_size_v<Event>> kNames = {
    "cluster_created",  "store_joined",  "store_intended", "layout_created", "transition_planned",
    "transition_moved", "lease_granted", "lease_ended",    "window_reserved"};

// One function per direction and kind of event; the compiler finds the one that is missing.
struct Writer {
  std::string* out;

  void Number(uint64_t number) const { base::PutVarint64(out, number); }
  void Text(std::string_view text) const { base::PutLengthPrefixed(out, text); }
  void Regions(const std::vector<topology::Region>& regions) const {
    Number(regions.size());
    for (const topology::Region& region : regions) topology::EncodeRegion(region, out);
  }

  void operator()(const ClusterCreated& e) const { Number(e.cluster_id); }
  void operator()(const StoreJoined& e) const { Number(e.store), Text(e.addr); }
  void operator()(const StoreIntended& e) const {
    Number(e.store), Number(static_cast<uint64_t>(e.intent));
  }
  void operator()(const LayoutCreated& e) const { Regions(e.regions); }
  void operator()(const TransitionPlanned& e) const {
    Number(static_cast<uint64_t>(e.kind));
    Regions(e.from), Regions(e.to);
    Text(e.waits_for), Number(e.at_ms);
  }
  void operator()(const TransitionMoved& e) const {
    Text(e.id), Number(static_cast<uint64_t>(e.step)), Text(e.text), Number(e.at_ms);
  }
  void operator()(const LeaseGranted& e) const { Text(e.holder), Number(e.ttl_ms); }
  void operator()(const LeaseEnded& e) const {
    Number(e.generation), Number(e.released ? 1 : 0), Number(e.granted_revision);
  }
  void operator()(const WindowReserved& e) const {
    Number(static_cast<uint64_t>(e.kind)), Number(e.generation), Number(e.from);
    Number(e.until);
  }
};

struct Reader {
  std::string_view* in;

  bool Number(uint64_t* number) const { return base::GetVarint64(in, number); }
  bool Text(std::string* text, size_t limit = kMaxNameBytes) const {
    std::string_view view;
    if (!base::GetLengthPrefixed(in, &view) || view.size() > limit) return false;
    *text = view;
    return true;
  }
  template <typename E>
  bool Enum(E* value, E last) const {
    uint64_t number = 0;
    if (!Number(&number) || number > static_cast<uint64_t>(last)) return false;
    *value = static_cast<E>(number);
    return true;
  }
  bool Regions(std::vector<topology::Region>* regions) const {
    uint64_t count = 0;
    if (!Number(&count) || count > kMaxRegions) return false;
    for (uint64_t i = 0; i < count; i++) {
      if (!topology::DecodeRegion(in, &regions->emplace_back())) return false;
    }
    return true;
  }

  bool operator()(ClusterCreated& e) const { return Number(&e.cluster_id); }
  bool operator()(StoreJoined& e) const { return Number(&e.store) && Text(&e.addr); }
  bool operator()(StoreIntended& e) const {
    return Number(&e.store) && Enum(&e.intent, StoreIntent::kRemove);
  }
  bool operator()(LayoutCreated& e) const { return Regions(&e.regions); }
  bool operator()(TransitionPlanned& e) const {
    return Enum(&e.kind, TransitionKind::kMerge) && Regions(&e.from) && Regions(&e.to) &&
           Text(&e.waits_for) && Number(&e.at_ms);
  }
  bool operator()(TransitionMoved& e) const {
    return Text(&e.id, kMaxIdBytes) && Enum(&e.step, TransitionStep::kCancelled) && Text(&e.text) &&
           Number(&e.at_ms);
  }
  bool operator()(LeaseGranted& e) const { return Text(&e.holder) && Number(&e.ttl_ms); }
  bool operator()(LeaseEnded& e) const {
    uint64_t released = 0;
    if (!Number(&e.generation) || !Number(&released) || released > 1) return false;
    e.released = released == 1;
    return Number(&e.granted_revision);
  }
  bool operator()(WindowReserved& e) const {
    return Enum(&e.kind, WindowKind::kTimestamps) && Number(&e.generation) && Number(&e.from) &&
           Number(&e.until);
  }
};

// An event of the kind with this number.
template <size_t kKind = 0>
bool EmplaceKind(uint64_t kind, Event* event) {
  if constexpr (kKind < std::variant_size_v<Event>) {
    if (kind != kKind) return EmplaceKind<kKind + 1>(kind, event);
    event->emplace<kKind>();
    return true;
  }
  return false;
}

// The peers of `a` that are not, or not like this, in `b`.
std::vector<topology::Peer> Without(const topology::Region& a, const topology::Region& b) {
  std::vector<topology::Peer> rest;
  for (const topology::Peer& peer : a.peers) {
    if (std::find(b.peers.begin(), b.peers.end(), peer) == b.peers.end()) rest.push_back(peer);
  }
  return rest;
}

std::string PeerChangeId(const topology::Region& from, const topology::Region& to) {
  const std::vector<topology::Peer> added = Without(to, from);
  const std::vector<topology::Peer> removed = Without(from, to);
  const bool changed = !added.empty() && !removed.empty();
  const topology::Peer peer = !added.empty()     ? added[0]
                              : !removed.empty() ? removed[0]
                                                 : topology::Peer();
  const char* what = changed ? "change" : added.empty() ? "remove" : "add";
  return "peer:" + std::to_string(from.id) + ":" + what + ":" + std::to_string(peer.store) + ":" +
         std::to_string(peer.peer);
}

struct Describer {
  static std::string Ranges(const std::vector<topology::Region>& regions) {
    std::string text;
    for (const topology::Region& region : regions) {
      text += (text.empty() ? "" : " + ") + std::to_string(region.id) + " " +
              topology::ToString(region.range);
    }
    return text;
  }

  std::string operator()(const ClusterCreated& e) const {
    return "cluster " + std::to_string(e.cluster_id);
  }
  std::string operator()(const StoreJoined& e) const {
    return "store " + std::to_string(e.store) + " at " + e.addr;
  }
  std::string operator()(const StoreIntended& e) const {
    return "store " + std::to_string(e.store) + " is to " + std::string(NameOf(e.intent));
  }
  std::string operator()(const LayoutCreated& e) const {
    return std::to_string(e.regions.size()) + " regions";
  }
  std::string operator()(const TransitionPlanned& e) const {
    return TransitionId(e) + ": " + Ranges(e.from) + " -> " + Ranges(e.to) +
           (e.waits_for.empty() ? "" : "; waits for " + e.waits_for);
  }
  std::string operator()(const TransitionMoved& e) const {
    return e.id + " " + std::string(NameOf(e.step)) + (e.text.empty() ? "" : ": " + e.text);
  }
  std::string operator()(const LeaseGranted& e) const {
    return e.holder + " for " + std::to_string(e.ttl_ms) + " ms";
  }
  std::string operator()(const LeaseEnded& e) const {
    return "generation " + std::to_string(e.generation) + (e.released ? ", given back" : "");
  }
  std::string operator()(const WindowReserved& e) const {
    return std::string(NameOf(e.kind)) + " from " + std::to_string(e.from) + " up to " +
           std::to_string(e.until) + " to generation " + std::to_string(e.generation);
  }
};

}  // namespace

std::string_view NameOf(const Event& event) {
  return kNames[event.index()];
}

std::string_view NameOf(TransitionKind kind) {
  constexpr std::string_view kKinds[] = {"peer_change", "split", "merge"};
  return kKinds[static_cast<size_t>(kind)];
}

std::string_view NameOf(TransitionStep step) {
  constexpr std::string_view kSteps[] = {"waits",    "retried", "executed",
                                         "finished", "failed",  "cancelled"};
  return kSteps[static_cast<size_t>(step)];
}

std::string_view NameOf(StoreIntent intent) {
  constexpr std::string_view kIntents[] = {"serve", "drain", "remove"};
  return kIntents[static_cast<size_t>(intent)];
}

std::string_view NameOf(WindowKind kind) {
  return kind == WindowKind::kIds ? "ids" : "timestamps";
}

std::string TransitionId(const TransitionPlanned& plan) {
  if (plan.from.empty() || plan.to.empty()) return "";
  if (plan.kind == TransitionKind::kPeerChange) return PeerChangeId(plan.from[0], plan.to[0]);
  if (plan.kind == TransitionKind::kSplit) {
    std::string keys;
    for (size_t i = 1; i < plan.to.size(); i++) {
      keys += ":" + base::HexBytes(plan.to[i].range.start);
    }
    return "split:" + std::to_string(plan.from[0].id) + keys;
  }
  std::string id = "merge";
  for (const topology::Region& region : plan.from) id += ":" + std::to_string(region.id);
  return id;
}

std::string Describe(const Event& event) {
  return std::string(NameOf(event)) + ": " + std::visit(Describer(), event);
}

void EncodeEvent(const Event& event, std::string* out) {
  base::PutVarint64(out, event.index());
  std::visit(Writer{out}, event);
}

bool DecodeEvent(std::string_view* in, Event* event) {
  uint64_t kind = 0;
  if (!base::GetVarint64(in, &kind) || !EmplaceKind(kind, event)) return false;
  return std::visit([in](auto& e) { return Reader{in}(e); }, *event);
}

}  // namespace nokv::metaroot
