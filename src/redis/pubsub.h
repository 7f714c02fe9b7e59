// PubSub: who listens to which channels and patterns, and the way of a message to them.
//
// A message is handed to the connections that listen at that moment, each with the commit that it
// must not overtake: a connection shows it in its place among its own replies, once that commit is
// acknowledged, and never if it failed.
//
// Shard channels are a second set of names with the same rules and no patterns.
//
// Invariant: a name is in the registry of its kind exactly if it is in the Subscriptions of at
// least one client. The order in which anything is listed or sent is that of the names, then that
// of the clients' ids.
//
// Thread safety: owned by the gateway's loop.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "redis/receiver.h"

namespace nokv::redis {

enum class SubscriptionKind : uint8_t { kChannel, kPattern, kShardChannel };
inline constexpr size_t kSubscriptionKinds = 3;

// What one client listens to.
struct Subscriptions {
  using Names = std::set<std::string, std::less<>>;
  std::array<Names, kSubscriptionKinds> names;

  Names& of(SubscriptionKind kind) { return names[static_cast<size_t>(kind)]; }
  const Names& of(SubscriptionKind kind) const { return names[static_cast<size_t>(kind)]; }
  size_t total() const { return names[0].size() + names[1].size() + names[2].size(); }
  // As Redis counts them in the replies for `kind`: shard channels are apart.
  size_t CountFor(SubscriptionKind kind) const {
    return kind == SubscriptionKind::kShardChannel ? names[2].size()
                                                   : names[0].size() + names[1].size();
  }
};

struct PubSubLimits {
  size_t names_per_client = 65536;
  // Of all subscriptions of all clients together, with what each takes in memory.
  size_t total_bytes = size_t{256} << 20;
};

class PubSub {
 public:
  explicit PubSub(const PubSubLimits& limits = {}) : limits_(limits) {}

  // True if `count` more names of `bytes` together are within the limits.
  bool HasRoom(const Subscriptions& client, size_t count, size_t bytes) const;
  // `receiver` is borrowed until it listens to nothing. Nothing happens if it does already.
  void Subscribe(Receiver& receiver, Subscriptions* client, SubscriptionKind kind,
                 std::string_view name);
  // Nothing happens if it does not.
  void Unsubscribe(const Receiver& receiver, Subscriptions* client, SubscriptionKind kind,
                   std::string_view name);
  void UnsubscribeAll(const Receiver& receiver, Subscriptions* client);

  // How many times a message to `channel` would be sent; `kind` is kChannel or kShardChannel.
  size_t CountReceivers(SubscriptionKind kind, std::string_view channel) const;
  void Publish(SubscriptionKind kind, std::string_view channel, std::string_view message,
               uint64_t barrier) const;

  // How many listen to exactly this name.
  size_t CountListeners(SubscriptionKind kind, std::string_view name) const;
  // How many different names of a kind somebody listens to.
  size_t CountNames(SubscriptionKind kind) const { return registry(kind).size(); }
  // All names of a kind, or those that match `pattern`, in their order.
  void ForEachName(SubscriptionKind kind, std::optional<std::string_view> pattern,
                   const std::function<void(std::string_view)>& visit) const;

 private:
  using Receivers = std::map<uint64_t, Receiver*>;  // by id
  using Registry = std::map<std::string, Receivers, std::less<>>;

  const Registry& registry(SubscriptionKind kind) const {
    return registries_[static_cast<size_t>(kind)];
  }
  // Patterns that match `channel`, with who listens.
  void ForEachMatch(std::string_view channel,
                    const std::function<void(std::string_view, const Receivers&)>& visit) const;
  void Remove(const Receiver& receiver, SubscriptionKind kind, std::string_view name);

  const PubSubLimits limits_;
  size_t bytes_ = 0;
  std::array<Registry, kSubscriptionKinds> registries_;
};

}  // namespace nokv::redis
