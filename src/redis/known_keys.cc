#include "redis/known_keys.h"

#include <cstring>

#include "base/check.h"
#include "base/hash.h"

namespace nokv::redis {

KnownKeys::KnownKeys() {
  Clear();
}

KnownKeys::Slot& KnownKeys::SlotOf(std::string_view key) const {
  return slots_[base::Hash64(key) & (kSlots - 1)];
}

bool KnownKeys::Contains(std::string_view key) const {
  const Slot& slot = SlotOf(key);
  return slot.used == key.size() + 1 && std::memcmp(slot.key, key.data(), key.size()) == 0;
}

void KnownKeys::Add(std::string_view key) {
  if (key.size() > sizeof(Slot::key)) return;
  Slot& slot = SlotOf(key);
  slot.used = static_cast<unsigned char>(key.size() + 1);
  std::memcpy(slot.key, key.data(), key.size());
}

void KnownKeys::Remove(std::string_view key) {
  if (Contains(key)) SlotOf(key).used = 0;
}

void KnownKeys::Clear() {
  slots_.reset(static_cast<Slot*>(std::calloc(kSlots, sizeof(Slot))));
  NOKV_CHECK(slots_ != nullptr) << "out of memory";
}

}  // namespace nokv::redis
