// ScriptRun: one execution of one script, which may be interrupted and go on later.
//
// The script is a Lua coroutine with a hook that is called every few thousand instructions. There
// the run is held to its limits, and there it may be left between two slices of time. It cannot be
// left inside pcall, metamethods, iterators written in Lua, coroutines and sort or gsub functions:
// Lua 5.1 has C frames on its stack then. Such a stretch ends at its time limit at the latest.
//
// Thread safety: owned by the gateway's loop.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "redis/script/host.h"

struct lua_Debug;
struct lua_State;

namespace nokv::base {
class Clock;
}

namespace nokv::redis {

class LuaState;

struct ScriptLimits {
  uint64_t run_ms = 60'000;                // of execution, slices added up
  uint64_t instructions = 20'000'000'000;  // of the Lua machine
  size_t reply_bytes = size_t{512} << 20;
};

// What one run is started with.
struct ScriptCall {
  std::string sha;
  int protocol = 2;  // of the reply
  // These two need to live until it is started, no longer.
  std::span<const std::string_view> keys;
  std::span<const std::string_view> arguments;
  uint64_t seed = 0;  // of math.random
};

// Redis's generator for math.random: 48 bits, linear congruential.
struct ScriptRandom {
  uint64_t state = 0;
  void Seed(uint32_t seed) { state = (uint64_t{seed} << 16) | 0x330E; }
  // In [0, 2^31).
  int32_t Next() {
    state = (state * 0x5DEECE66D + 0xB) & ((uint64_t{1} << 48) - 1);
    return static_cast<int32_t>(state >> 17);
  }
};

class ScriptRun {
 public:
  // All are borrowed. Use ScriptEngine::Start.
  ScriptRun(LuaState& state, base::Clock& clock, const ScriptLimits& limits, ScriptCall call);
  ~ScriptRun();
  ScriptRun(const ScriptRun&) = delete;
  ScriptRun& operator=(const ScriptRun&) = delete;

  enum class Outcome : uint8_t {
    kYielded,   // Resume goes on
    kReturned,  // reply() is what it returned
    kRaised,    // reply() is the error that it raised
    kStopped,   // reply() says who or what stopped it: nothing of it may stay
  };
  // Runs until the end, or, if `may_yield`, until about `slice_us` are over. REQUIRES: it yielded,
  // or has not begun; no other run is inside Resume.
  Outcome Resume(ScriptHost& host, bool may_yield, uint64_t slice_us);
  // One RESP value, once it has ended.
  std::string& reply() { return reply_; }

  // It ends with its next instruction, and `error` is its reply.
  void Stop(std::string error);

  // --- for the functions that scripts call ---
  ScriptHost& host() { return *host_; }
  base::Clock& clock() { return clock_; }
  lua_State* thread() { return thread_; }
  ScriptRandom& random() { return random_; }
  // Of replies to redis.call and of values that are returned.
  int& script_protocol() { return script_protocol_; }
  // The words of the command that is being called.
  std::vector<std::string_view>& words() { return words_; }
  // Bytes that outlive a longjmp; whoever needs them clears them first.
  std::string& scratch() { return scratch_; }
  bool stopping() const { return !stop_.empty(); }
  // Raises what stopped the run. REQUIRES: stopping().
  int RaiseStop(lua_State* lua);

 private:
  friend class ScriptEngine;

  static void Hook(lua_State* lua, lua_Debug* activation);
  // Becomes the coroutine on the top of the stack, which has the script on its own.
  void Adopt(lua_State* lua);
  void CheckLimits();
  bool CanYield() const;
  Outcome EncodeReturned();
  Outcome EncodeRaised();

  LuaState& state_;
  base::Clock& clock_;
  const ScriptLimits limits_;
  ScriptCall call_;
  ScriptHost* host_ = nullptr;
  lua_State* thread_ = nullptr;
  int thread_reference_;
  ScriptRandom random_;
  int script_protocol_ = 2;
  std::vector<std::string_view> words_;
  std::string scratch_;
  std::string reply_;
  std::string stop_;  // the reason; empty: none
  bool may_yield_ = false;
  uint64_t slice_us_ = 0;
  uint64_t slice_began_us_ = 0;
  uint64_t ran_us_ = 0;  // in earlier slices
  uint64_t instructions_ = 0;
};

}  // namespace nokv::redis
