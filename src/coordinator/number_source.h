// NumberSource: gives out ids or timestamps from a window that was reserved at the metadata root.
//
// A window belongs to a generation of the lease and begins at the fence, below which all is given
// away; so no two coordinators ever have one number to give, whatever their clocks do. The source
// says early how far the window should reach next, so that nobody waits for it while the root
// answers in time. Skipping numbers is fine; repeating one never.
//
//   source.Begin(generation, fence);                    // the lease was granted
//   if (auto until = source.Wanted(now_ms)) …           // reserve [fence, *until) at the root
//   source.Reserved(generation, *until);                // it was
//   auto first = source.Take(16, now_ms);               // 16 numbers, while the lease holds
//   source.End();                                       // the lease is over
//
// Whether the lease still holds is asked of LeaseKeeper, at each Take.
//
// Thread safety: thread-compatible.
#pragma once

#include <cstdint>
#include <optional>

namespace nokv::coordinator {

// Of one Take.
inline constexpr uint64_t kMaxCount = uint64_t{1} << 16;

class NumberSource {
 public:
  // Ids: one after the other. Timestamps: never behind the clock (coordinator/timestamp.h).
  enum class Kind { kIds, kTimestamps };

  // `window`: how much is reserved at a time: ids, or milliseconds of timestamps; not zero.
  // Numbers below `least` are not given out.
  NumberSource(Kind kind, uint64_t window, uint64_t least);

  // A lease begins: numbers below `fence` are given away. What is left of an older window is
  // dropped.
  void Begin(uint64_t generation, uint64_t fence);
  void End();

  // The first of `count` consecutive numbers, above all that were given out before. Empty: the
  // window does not reach so far; there is none; or `count` is 0 or more than kMaxCount.
  std::optional<uint64_t> Take(uint64_t count, uint64_t wall_ms);

  // Up to where to reserve now; empty: there is enough, also for a Take of `need`, or there is no
  // more. The answer stands until Reserved or Begin.
  std::optional<uint64_t> Wanted(uint64_t wall_ms, uint64_t need = 0) const;
  // The window reaches up to `until`, if `generation` is still that of the lease.
  void Reserved(uint64_t generation, uint64_t until);

  // Numbers up to `last` are used without having been given out here.
  void Skip(uint64_t last);

  uint64_t generation() const { return generation_; }  // 0: no lease
  uint64_t next() const { return next_; }
  uint64_t until() const { return until_; }
  // Below it all is given away, as far as is known: where the next window begins.
  uint64_t fence() const { return fence_; }

 private:
  // The number with which a Take at this time begins.
  uint64_t Earliest(uint64_t wall_ms) const;

  const Kind kind_;
  const uint64_t window_;  // in numbers
  const uint64_t least_;
  uint64_t generation_ = 0;
  uint64_t next_ = 0;
  uint64_t until_ = 0;
  uint64_t fence_ = 0;
};

}  // namespace nokv::coordinator
