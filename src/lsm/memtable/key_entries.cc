#include "lsm/memtable/key_entries.h"

#include <cstring>
#include <new>

#include "base/check.h"
#include "base/random.h"

namespace nokv::lsm::internal {

namespace {

constexpr uint64_t kBranching = 4;

// A function of the key alone, so the shape of the sorted list does not depend on who came first.
int HeightOf(uint64_t hash) {
  uint64_t dice = base::MixSeed(hash);
  int height = 1;
  for (; height < KeyEntries::kMaxHeight && dice % kBranching == 0; height++) dice /= kBranching;
  return height;
}

}  // namespace

Entry* Entry::New(uint64_t trailer, std::string_view header, std::string_view value,
                  base::Arena& arena) {
  const size_t payload_bytes = header.size() + value.size();
  NOKV_CHECK(payload_bytes <= UINT32_MAX) << "entry is too long";
  char* memory = arena.Allocate(sizeof(Entry) + payload_bytes);
  auto* entry = new (memory) Entry(trailer, static_cast<uint32_t>(payload_bytes));
  char* payload = memory + sizeof(Entry);
  if (!header.empty()) std::memcpy(payload, header.data(), header.size());
  if (!value.empty()) std::memcpy(payload + header.size(), value.data(), value.size());
  return entry;
}

void Entry::StandBefore(Entry* older) {
  // Relaxed: what makes this visible publishes it.
  older_.store(older, std::memory_order_relaxed);
  if (older == nullptr) return;
  // Two jumps of equal length in front make one that spans both.
  const Entry* near = older->jump_;
  const Entry* far = near == nullptr ? nullptr : near->jump_;
  const uint32_t near_depth = near == nullptr ? 0 : near->depth_;
  const uint32_t far_depth = far == nullptr ? 0 : far->depth_;
  const bool equal = near != nullptr && older->depth_ - near_depth == near_depth - far_depth;
  jump_ = equal ? far : older;
  depth_ = older->depth_ + 1;
}

KeyEntries* KeyEntries::New(uint64_t hash, std::string_view engine_key, Entry* first,
                            base::Arena& arena) {
  return New(HeightOf(hash), hash, engine_key, first, arena);
}

KeyEntries* KeyEntries::NewHead(base::Arena& arena) {
  return New(kMaxHeight, 0, {}, nullptr, arena);
}

KeyEntries* KeyEntries::New(int height, uint64_t hash, std::string_view engine_key, Entry* first,
                            base::Arena& arena) {
  NOKV_CHECK(engine_key.size() <= UINT32_MAX) << "key is too long";
  const size_t tower_at = (sizeof(KeyEntries) + engine_key.size() + 7) & ~size_t{7};
  char* memory = arena.Allocate(tower_at + static_cast<size_t>(height) * sizeof(Link));
  auto* key =
      new (memory) KeyEntries(hash, static_cast<uint32_t>(engine_key.size()), height, first);
  if (!engine_key.empty()) {
    std::memcpy(memory + sizeof(KeyEntries), engine_key.data(), engine_key.size());
  }
  key->tower_ = reinterpret_cast<Link*>(memory + tower_at);
  for (int level = 0; level < height; level++) new (key->tower_ + level) Link(nullptr);
  return key;
}

const Entry* KeyEntries::Find(uint64_t trailer) const {
  const Entry* entry = newest();
  while (entry != nullptr && entry->trailer() > trailer) {
    const Entry* jump = entry->jump_;
    entry = jump != nullptr && jump->trailer() >= trailer ? jump : entry->older();
  }
  return entry;
}

void KeyEntries::Add(Entry* entry) {
  std::atomic<Entry*>* link = &newest_;
  // Acquire, here and below: paired with the release of the exchange, so that the fields of what is
  // found are seen.
  Entry* older = link->load(std::memory_order_acquire);
  while (true) {
    while (older != nullptr && older->trailer() > entry->trailer()) {
      link = &older->older_;
      older = link->load(std::memory_order_acquire);
    }
    NOKV_CHECK(older == nullptr || older->trailer() != entry->trailer())
        << "an internal key was added twice";
    entry->StandBefore(older);
    // Release: paired with the acquire loads of `newest_` and `older_`. Nothing is removed, so
    // after a failure the search goes on from the same link.
    if (link->compare_exchange_strong(older, entry, std::memory_order_release,
                                      std::memory_order_acquire)) {
      return;
    }
  }
}

}  // namespace nokv::lsm::internal
