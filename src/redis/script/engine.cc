#include "redis/script/engine.h"

#include <lua5.1/lua.hpp>
#include <utility>

#include "base/check.h"
#include "redis/script/sandbox.h"

namespace nokv::redis {

namespace {
// By its name in the messages of errors.
constexpr const char* kChunkName = "@user_script";
}  // namespace

ScriptEngine::ScriptEngine(base::Clock& clock, size_t memory_limit_bytes, std::string_view version)
    : clock_(clock), state_(memory_limit_bytes) {
  std::string error;
  const auto open = [](lua_State* lua, void* argument) {
    OpenSandbox(lua, *static_cast<const std::string_view*>(argument));
  };
  NOKV_CHECK(state_.Protect(open, &version, &error)) << "opening Lua's libraries: " << error;
}

Result<ScriptEngine::Function> ScriptEngine::Compile(std::string_view body) {
  struct Job {
    std::string_view body;
    Function function;
  } job{body, LUA_NOREF};
  const auto compile = [](lua_State* lua, void* argument) {
    Job& wanted = *static_cast<Job*>(argument);
    if (LuaState::Load(lua, wanted.body, kChunkName) != 0) lua_error(lua);
    wanted.function = luaL_ref(lua, LUA_REGISTRYINDEX);
  };
  std::string error;
  if (!state_.Protect(compile, &job, &error)) return Status::InvalidArgument(error);
  return job.function;
}

void ScriptEngine::Release(Function function) {
  luaL_unref(state_.main(), LUA_REGISTRYINDEX, function);
}

Result<std::unique_ptr<ScriptRun>> ScriptEngine::Start(Function function,
                                                       const ScriptLimits& limits,
                                                       ScriptCall call) {
  auto run = std::make_unique<ScriptRun>(state_, clock_, limits, std::move(call));
  struct Job {
    ScriptRun& run;
    Function function;
  } job{*run, function};
  const auto start = [](lua_State* lua, void* argument) {
    Job& wanted = *static_cast<Job*>(argument);
    lua_State* thread = lua_newthread(lua);
    lua_rawgeti(lua, LUA_REGISTRYINDEX, wanted.function);
    PushEnvironment(lua, wanted.run.call_);
    lua_pushvalue(lua, -1);
    lua_setfenv(lua, -3);
    // The functions and coroutines that the script makes get the environment of its thread.
    lua_xmove(lua, thread, 2);
    lua_replace(thread, LUA_GLOBALSINDEX);
    wanted.run.Adopt(lua);
  };
  std::string error;
  if (!state_.Protect(start, &job, &error)) return Status::ResourceExhausted(error);
  return run;
}

void ScriptEngine::CleanUp() {
  if (state_.used_bytes() > state_.limit_bytes() / 2) state_.CollectGarbage();
}

}  // namespace nokv::redis
