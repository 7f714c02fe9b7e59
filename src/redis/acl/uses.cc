#include "redis/acl/uses.h"

namespace nokv::redis::acl {

std::vector<KeyUse> KeysUsed(const CommandSpec& spec, std::span<const std::string_view> args) {
  std::vector<KeyArgument> keys;
  // What does not fit the command is an error that the command itself will tell.
  if (!KeysOf(spec, args, &keys)) return {};
  std::vector<KeyUse> uses;
  for (const KeyArgument& key : keys) {
    if ((key.flags & kKeyNotKey) != 0) continue;
    uses.push_back({key.index, (key.flags & kKeyAccess) != 0,
                    (key.flags & (kKeyUpdate | kKeyInsert | kKeyDelete)) != 0});
  }
  return uses;
}

ChannelUse ChannelsUsed(const CommandSpec& spec, std::span<const std::string_view> args) {
  if (spec.group != "pubsub") return {};
  if (spec.name == "publish" || spec.name == "spublish") return {1, 2, false};
  if (spec.name == "subscribe" || spec.name == "ssubscribe") return {1, args.size(), false};
  if (spec.name == "psubscribe") return {1, args.size(), true};
  return {};
}

}  // namespace nokv::redis::acl
