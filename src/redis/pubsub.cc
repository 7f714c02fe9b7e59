#include "redis/pubsub.h"

#include <initializer_list>

#include "redis/glob.h"
#include "redis/resp/reply.h"

namespace nokv::redis {

namespace {

// Nodes of the two sets and the map, and the string in each.
constexpr size_t kBytesPerSubscription = 256;

size_t Cost(std::string_view name) {
  return kBytesPerSubscription + 2 * name.size();
}

// One message, encoded once for all who get it: the two protocols differ in its first byte.
class Encoded {
 public:
  Encoded(std::initializer_list<std::string_view> words) {
    Reply reply(&bytes_, 2);
    reply.Array(words.size());
    for (const std::string_view word : words) reply.Bulk(word);
  }

  void PushTo(Receiver& receiver, uint64_t barrier) {
    bytes_[0] = receiver.protocol() >= 3 ? '>' : '*';
    receiver.Push(bytes_, barrier);
  }

 private:
  std::string bytes_;
};

}  // namespace

bool PubSub::HasRoom(const Subscriptions& client, size_t count, size_t bytes) const {
  return client.total() + count <= limits_.names_per_client &&
         bytes_ + count * kBytesPerSubscription + 2 * bytes <= limits_.total_bytes;
}

void PubSub::Subscribe(Receiver& receiver, Subscriptions* client, SubscriptionKind kind,
                       std::string_view name) {
  if (!client->of(kind).emplace(name).second) return;
  bytes_ += Cost(name);
  Registry& registry = registries_[static_cast<size_t>(kind)];
  auto found = registry.find(name);
  if (found == registry.end()) found = registry.emplace(name, Receivers()).first;
  found->second.emplace(receiver.id(), &receiver);
}

void PubSub::Remove(const Receiver& receiver, SubscriptionKind kind, std::string_view name) {
  bytes_ -= Cost(name);
  Registry& registry = registries_[static_cast<size_t>(kind)];
  const auto found = registry.find(name);
  found->second.erase(receiver.id());
  if (found->second.empty()) registry.erase(found);
}

void PubSub::Unsubscribe(const Receiver& receiver, Subscriptions* client, SubscriptionKind kind,
                         std::string_view name) {
  const auto found = client->of(kind).find(name);
  if (found == client->of(kind).end()) return;
  Remove(receiver, kind, name);
  client->of(kind).erase(found);
}

void PubSub::UnsubscribeAll(const Receiver& receiver, Subscriptions* client) {
  for (size_t i = 0; i < kSubscriptionKinds; ++i) {
    const auto kind = static_cast<SubscriptionKind>(i);
    for (const std::string& name : client->of(kind)) Remove(receiver, kind, name);
    client->of(kind).clear();
  }
}

void PubSub::ForEachMatch(
    std::string_view channel,
    const std::function<void(std::string_view, const Receivers&)>& visit) const {
  for (const auto& [pattern, receivers] : registry(SubscriptionKind::kPattern)) {
    if (GlobMatch(pattern, channel)) visit(pattern, receivers);
  }
}

size_t PubSub::CountReceivers(SubscriptionKind kind, std::string_view channel) const {
  size_t count = CountListeners(kind, channel);
  if (kind == SubscriptionKind::kChannel) {
    ForEachMatch(channel, [&count](std::string_view, const Receivers& receivers) {
      count += receivers.size();
    });
  }
  return count;
}

void PubSub::Publish(SubscriptionKind kind, std::string_view channel, std::string_view message,
                     uint64_t barrier) const {
  const bool shard = kind == SubscriptionKind::kShardChannel;
  const auto found = registry(kind).find(channel);
  if (found != registry(kind).end()) {
    Encoded encoded({shard ? "smessage" : "message", channel, message});
    for (const auto& [id, receiver] : found->second) encoded.PushTo(*receiver, barrier);
  }
  if (shard) return;
  ForEachMatch(channel, [&](std::string_view pattern, const Receivers& receivers) {
    Encoded encoded({"pmessage", pattern, channel, message});
    for (const auto& [id, receiver] : receivers) encoded.PushTo(*receiver, barrier);
  });
}

size_t PubSub::CountListeners(SubscriptionKind kind, std::string_view name) const {
  const auto found = registry(kind).find(name);
  return found == registry(kind).end() ? 0 : found->second.size();
}

void PubSub::ForEachName(SubscriptionKind kind, std::optional<std::string_view> pattern,
                         const std::function<void(std::string_view)>& visit) const {
  for (const auto& [name, receivers] : registry(kind)) {
    if (!pattern.has_value() || GlobMatch(*pattern, name)) visit(name);
  }
}

}  // namespace nokv::redis
