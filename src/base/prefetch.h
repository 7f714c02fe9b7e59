// Hints to the processor: what will soon be looked at.
#pragma once

#include <cstddef>
#include <string_view>

namespace nokv::base {

constexpr size_t kCacheLineBytes = 64;

// GCC takes a function that does nothing but prefetch for one without effect, and leaves out the
// calls of it. An empty statement that it cannot see through is one to it.
#define NOKV_HAS_EFFECT asm volatile("")

// Has the line of `address`, which may be anywhere, fetched.
inline void Prefetch(const void* address) {
  NOKV_HAS_EFFECT;
  __builtin_prefetch(address);
}

// As Prefetch, for what will be written.
inline void PrefetchToWrite(const void* address) {
  NOKV_HAS_EFFECT;
  __builtin_prefetch(address, /*rw=*/1);
}

// As Prefetch for all lines of `bytes`, at once. When many are read one after the other, the
// processor notices by itself.
inline void PrefetchBytes(std::string_view bytes) {
  for (size_t at = 0; at < bytes.size(); at += kCacheLineBytes) Prefetch(bytes.data() + at);
}

#undef NOKV_HAS_EFFECT

}  // namespace nokv::base
