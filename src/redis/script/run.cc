#include "redis/script/run.h"

#include <cstring>
#include <lua5.1/lua.hpp>
#include <utility>

#include "base/check.h"
#include "base/clock.h"
#include "redis/resp/reply.h"
#include "redis/script/convert.h"
#include "redis/script/lua_state.h"

namespace nokv::redis {

namespace {
// Long enough to cost nothing, short enough (some ten microseconds) for every limit.
constexpr int kHookInterval = 1000;
}  // namespace

ScriptRun::ScriptRun(LuaState& state, base::Clock& clock, const ScriptLimits& limits,
                     ScriptCall call)
    : state_(state),
      clock_(clock),
      limits_(limits),
      call_(std::move(call)),
      thread_reference_(LUA_NOREF) {
  random_.state = call_.seed;
}

ScriptRun::~ScriptRun() {
  luaL_unref(state_.main(), LUA_REGISTRYINDEX, thread_reference_);
}

void ScriptRun::Adopt(lua_State* lua) {
  thread_ = lua_tothread(lua, -1);
  lua_sethook(thread_, Hook, LUA_MASKCOUNT, kHookInterval);
  thread_reference_ = luaL_ref(lua, LUA_REGISTRYINDEX);
}

ScriptRun::Outcome ScriptRun::Resume(ScriptHost& host, bool may_yield, uint64_t slice_us) {
  NOKV_INVARIANT(state_.running() == nullptr);
  host_ = &host;
  may_yield_ = may_yield;
  slice_us_ = slice_us;
  slice_began_us_ = clock_.MonotonicMicros();
  state_.set_running(this);
  const int status = lua_resume(thread_, 0);
  state_.set_running(nullptr);
  host_ = nullptr;
  ran_us_ += clock_.MonotonicMicros() - slice_began_us_;
  if (status == LUA_YIELD) return Outcome::kYielded;
  if (status == 0 && !stopping()) return EncodeReturned();
  if (status == LUA_ERRMEM && !stopping()) {
    stop_ = "ERR Script stopped: it needs more memory than script-memory-limit allows (" +
            std::to_string(state_.limit_bytes()) + " bytes), nothing of it was applied";
  }
  return EncodeRaised();
}

void ScriptRun::Stop(std::string error) {
  stop_ = std::move(error);
  lua_sethook(thread_, Hook, LUA_MASKCOUNT, 1);
}

int ScriptRun::RaiseStop(lua_State* lua) {
  // Whatever catches this gets no further than its next instruction.
  lua_sethook(lua, Hook, LUA_MASKCOUNT, 1);
  lua_sethook(thread_, Hook, LUA_MASKCOUNT, 1);
  lua_pushlstring(lua, stop_.data(), stop_.size());
  return lua_error(lua);
}

void ScriptRun::Hook(lua_State* lua, lua_Debug* /*activation*/) {
  ScriptRun& run = *LuaState::Of(lua).running();
  if (!run.stopping()) run.CheckLimits();
  if (run.stopping()) {
    run.RaiseStop(lua);
    return;
  }
  if (!run.may_yield_ || lua != run.thread_) return;
  if (run.clock_.MonotonicMicros() - run.slice_began_us_ < run.slice_us_) return;
  if (run.CanYield()) lua_yield(lua, 0);
}

void ScriptRun::CheckLimits() {
  instructions_ += kHookInterval;
  const uint64_t ran_us = ran_us_ + clock_.MonotonicMicros() - slice_began_us_;
  if (ran_us / 1000 >= limits_.run_ms) {
    stop_ = "ERR Script stopped: it ran for longer than script-time-limit allows (" +
            std::to_string(limits_.run_ms) + " ms), nothing of it was applied";
  } else if (instructions_ > limits_.instructions) {
    stop_ = "ERR Script stopped: it ran more instructions than script-step-limit allows (" +
            std::to_string(limits_.instructions) + "), nothing of it was applied";
  }
}

bool ScriptRun::CanYield() const {
  // Every frame above the script's own must have been entered by a plain call in Lua. Calls through
  // C functions and metamethods have no name, those of iterators a telling one.
  lua_Debug frame;
  for (int level = 0; lua_getstack(thread_, level, &frame) != 0; ++level) {
    lua_getinfo(thread_, "Sn", &frame);
    if (std::strcmp(frame.what, "main") == 0) {
      lua_Debug below;
      return lua_getstack(thread_, level + 1, &below) == 0;
    }
    if (std::strcmp(frame.what, "Lua") != 0 || *frame.namewhat == '\0') return false;
    if (frame.name != nullptr && std::strcmp(frame.name, "(for generator)") == 0) return false;
  }
  return false;
}

ScriptRun::Outcome ScriptRun::EncodeReturned() {
  const auto encode = [](lua_State* lua, void* self) {
    ScriptRun& run = *static_cast<ScriptRun*>(self);
    if (lua_gettop(run.thread_) == 0) lua_pushnil(run.thread_);
    lua_settop(run.thread_, 1);
    lua_xmove(run.thread_, lua, 1);
    AppendValue(lua, {run.call_.protocol, run.script_protocol_, run.limits_.reply_bytes},
                &run.reply_);
  };
  std::string error;
  if (state_.Protect(encode, this, &error)) return Outcome::kReturned;
  reply_.clear();
  Reply(&reply_, call_.protocol).Error("ERR " + error + " script: " + call_.sha);
  return Outcome::kRaised;
}

ScriptRun::Outcome ScriptRun::EncodeRaised() {
  lua_Debug frame;
  std::string place;
  bool known = lua_getstack(thread_, 0, &frame) != 0 && lua_getinfo(thread_, "Sl", &frame) != 0;
  if (known && std::strcmp(frame.what, "C") == 0) {
    known = lua_getstack(thread_, 1, &frame) != 0 && lua_getinfo(thread_, "Sl", &frame) != 0;
  }
  if (known) {
    place = ", on " + std::string(frame.source) + ":" + std::to_string(frame.currentline) + ".";
  }
  if (!stopping()) {
    const auto read = [](lua_State* lua, void* self) {
      ScriptRun& run = *static_cast<ScriptRun*>(self);
      lua_xmove(run.thread_, lua, 1);
      ReadError(lua, &run.scratch_);
    };
    std::string error;
    scratch_.clear();
    if (!state_.Protect(read, this, &error)) scratch_ = "ERR " + error;
  }
  const std::string& text = stopping() ? stop_ : scratch_;
  reply_.clear();
  Reply(&reply_, call_.protocol).Error(text + " script: " + call_.sha + place);
  return stopping() ? Outcome::kStopped : Outcome::kRaised;
}

}  // namespace nokv::redis
