// What scripts find in their global variables: the libraries, one function to open each. They push
// a table with the functions, and nothing else.
//
// These run inside Lua's error handling: see lua_state.h for what that asks of them.
#pragma once

#include <string_view>

struct lua_State;

namespace nokv::redis {

// redis.call and the rest of the gateway's own. `version` is of Redis, "7.2.0".
void OpenRedisLibrary(lua_State* lua, std::string_view version);
// MessagePack, as lua-cmsgpack 0.4 reads and writes it.
void OpenCmsgpack(lua_State* lua);
// Binary structures, in the format language of Roberto Ierusalimschy's struct 0.2.
void OpenStruct(lua_State* lua);

// Replaces functions of the standard libraries, which are open, that would let a script out of its
// limits, or see other scripts. The tables of the libraries are global variables.
void ReplaceFunctions(lua_State* lua);

// Raises the error that the run was stopped with, if it was.
void PassStopOn(lua_State* lua);

}  // namespace nokv::redis
