#include "redis/known_keys.h"

#include "base/check.h"
#include "base/hash.h"

namespace nokv::redis {

KnownKeys::KnownKeys() {
  Clear();
}

KnownKeys::Slot* KnownKeys::PairOf(std::string_view key) const {
  return &slots_[2 * (base::Hash64(key) & (kSlots / 2 - 1))];
}

bool KnownKeys::Contains(std::string_view key) const {
  const Slot* const pair = PairOf(key);
  return pair[0].Holds(key) || pair[1].Holds(key);
}

void KnownKeys::Add(std::string_view key) {
  if (key.size() > sizeof(Slot::key)) return;
  Slot* const pair = PairOf(key);
  if (pair[0].Holds(key) || pair[1].Holds(key)) return;
  pair[1] = pair[0];
  pair[0].used = static_cast<unsigned char>(key.size() + 1);
  std::memcpy(pair[0].key, key.data(), key.size());
}

void KnownKeys::Remove(std::string_view key) {
  Slot* const pair = PairOf(key);
  for (Slot* slot = pair; slot != pair + 2; ++slot) {
    if (slot->Holds(key)) slot->used = 0;
  }
}

void KnownKeys::Clear() {
  slots_.reset(static_cast<Slot*>(std::calloc(kSlots, sizeof(Slot))));
  NOKV_CHECK(slots_ != nullptr) << "out of memory";
}

}  // namespace nokv::redis
