// The world that scripts see: the allowed parts of the standard libraries, the libraries of Redis,
// and no global variable that one script could leave for another.
//
// A run has an environment of its own. Its global variables are found along
//
//   environment   empty, so that every assignment to a global variable is seen and refused
//   variables     of this run: KEYS, ARGV, _G, and its views of the libraries
//   functions     that all runs share
//
// A view of a library is an empty table through which the library is read: what a script manages
// to put there is gone with it.
//
// These run inside Lua's error handling: see lua_state.h for what that asks of them.
#pragma once

#include <string_view>

struct lua_State;

namespace nokv::redis {

struct ScriptCall;

// Prepares a new state. `version` is of Redis.
void OpenSandbox(lua_State* lua, std::string_view version);
// Pushes the environment of one run.
void PushEnvironment(lua_State* lua, const ScriptCall& call);

}  // namespace nokv::redis
