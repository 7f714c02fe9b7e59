#include "redis/commands/key_spec.h"

#include "redis/commands/spec.h"
#include "redis/commands/table.h"
#include "redis/number.h"

namespace nokv::redis {

namespace {

// Of SET, whose flags vary: without GET it shows nothing of what it overwrites.
uint16_t FlagsFor(const KeySpec& spec, std::span<const std::string_view> args) {
  if ((spec.flags & kKeyVariable) == 0) return spec.flags;
  for (size_t i = 3; i < args.size(); ++i) {
    if (EqualsIgnoreCase(args[i], "get")) return kKeyReadWrite | kKeyAccess | kKeyUpdate;
  }
  return kKeyOverwrite | kKeyUpdate;
}

}  // namespace

bool KeysOf(const CommandSpec& spec, std::span<const std::string_view> args,
            std::vector<KeyArgument>* keys) {
  keys->clear();
  const auto size = static_cast<int64_t>(args.size());
  for (const KeySpec& where : spec.keys) {
    int64_t begin = where.begin;
    int64_t last = where.last < 0 ? size + where.last : begin + where.last;
    if (where.counted) {
      if (begin >= size) return false;
      const auto count = ParseInt64(args[static_cast<size_t>(begin)]);
      if (!count.has_value() || *count < 0 || *count > size) return false;
      last = begin + *count;
      ++begin;
    }
    if (last >= size) return false;
    const uint16_t flags = FlagsFor(where, args);
    for (int64_t i = begin; i <= last; i += where.step) {
      keys->push_back({static_cast<size_t>(i), flags});
    }
  }
  return true;
}

}  // namespace nokv::redis
