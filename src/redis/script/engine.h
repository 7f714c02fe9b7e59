// ScriptEngine: compiles scripts and starts their runs, all in one Lua state.
//
// Thread safety: owned by the gateway's loop.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "nokv/status.h"
#include "redis/script/lua_state.h"
#include "redis/script/run.h"

namespace nokv::redis {

class ScriptEngine {
 public:
  // `clock` is borrowed. `version` is the one of Redis that scripts are told.
  ScriptEngine(base::Clock& clock, size_t memory_limit_bytes, std::string_view version);

  // A compiled script; freed by Release.
  using Function = int;
  // The message of a failure says what is wrong with the script, in Lua's words.
  Result<Function> Compile(std::string_view body);
  void Release(Function function);

  // A run that is yet to begin. `function` may be released, but must not be started again before
  // the run has ended: it has the environment of one run.
  Result<std::unique_ptr<ScriptRun>> Start(Function function, const ScriptLimits& limits,
                                           ScriptCall call);

  // Frees what ended runs have left, if it is much.
  void CleanUp();
  size_t used_bytes() const { return state_.used_bytes(); }

 private:
  base::Clock& clock_;
  LuaState state_;
};

}  // namespace nokv::redis
