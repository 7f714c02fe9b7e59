#include "redis/script/sandbox.h"

#include <lua5.1/lua.hpp>
#include <span>
#include <string_view>

#include "redis/script/libraries.h"
#include "redis/script/run.h"

// Their headers do not say that they are C.
extern "C" {
#include <lua5.1/lua-bitop.h>
#include <lua5.1/lua-cjson.h>
}

namespace nokv::redis {

namespace {

constexpr const char* kFunctions[] = {
    "_VERSION", "assert", "collectgarbage", "error",  "gcinfo",       "getmetatable",
    "ipairs",   "load",   "loadstring",     "next",   "pairs",        "pcall",
    "rawequal", "rawget", "rawset",         "select", "setmetatable", "tonumber",
    "tostring", "type",   "unpack",         "xpcall",
};
constexpr const char* kLibraries[] = {
    "bit", "cjson", "cmsgpack", "coroutine", "math", "os", "redis", "string", "struct", "table",
};
// In the registry: what is behind `variables`, with the metatable that asks for libraries.
constexpr const char* kVariablesMeta = "nokv.variables";
constexpr const char* kLibraryMetas = "nokv.libraries";

int RefuseAssignment(lua_State* lua) {
  return luaL_error(lua, "Attempt to modify a readonly table");
}

// __index of the shared functions: makes this run's view of a library when it is first used.
int FindLibrary(lua_State* lua) {
  lua_settop(lua, 2);
  lua_getfield(lua, LUA_REGISTRYINDEX, kLibraryMetas);
  lua_pushvalue(lua, 2);
  lua_rawget(lua, -2);
  if (lua_isnil(lua, -1)) {
    const char* name = lua_isstring(lua, 2) != 0 ? lua_tostring(lua, 2) : luaL_typename(lua, 2);
    return luaL_error(lua, "Script attempted to access nonexistent global variable '%s'", name);
  }
  lua_newtable(lua);
  lua_insert(lua, -2);
  lua_setmetatable(lua, -2);
  // Remember it in the variables: behind the environment of the thread that runs.
  lua_pushvalue(lua, LUA_GLOBALSINDEX);
  if (lua_getmetatable(lua, -1) != 0) {
    lua_getfield(lua, -1, "__index");
    lua_pushvalue(lua, 2);
    lua_pushvalue(lua, 4);
    lua_rawset(lua, -3);
    lua_settop(lua, 4);
  }
  return 1;
}

// Pushes {__index = value on the top, which is popped; no assignment; no way to see or change it}.
void PushReadOnlyMeta(lua_State* lua) {
  lua_createtable(lua, 0, 4);
  lua_insert(lua, -2);
  lua_setfield(lua, -2, "__index");
  lua_pushcfunction(lua, RefuseAssignment);
  lua_setfield(lua, -2, "__newindex");
  lua_pushboolean(lua, 0);
  lua_setfield(lua, -2, "__metatable");
  lua_pushboolean(lua, 1);
  lua_setfield(lua, -2, "__read_only");
}

void OpenStandardLibraries(lua_State* lua) {
  constexpr lua_CFunction kOpen[] = {luaopen_base, luaopen_table, luaopen_string, luaopen_math,
                                     luaopen_bit};
  for (const lua_CFunction open : kOpen) {
    lua_pushcfunction(lua, open);
    lua_call(lua, 0, 0);
  }
  lua_pushcfunction(lua, luaopen_cjson);
  lua_call(lua, 0, 1);
  lua_pushnil(lua);
  lua_setfield(lua, -2, "new");  // it would make encoders without our limits
  lua_setglobal(lua, "cjson");
  lua_newtable(lua);
  lua_pushboolean(lua, 1);  // to be replaced
  lua_setfield(lua, -2, "clock");
  lua_setglobal(lua, "os");
}

void OpenOwnLibraries(lua_State* lua, std::string_view version) {
  OpenRedisLibrary(lua, version);
  lua_setglobal(lua, "redis");
  OpenCmsgpack(lua);
  lua_setglobal(lua, "cmsgpack");
  OpenStruct(lua);
  lua_setglobal(lua, "struct");
}

void PushStrings(lua_State* lua, std::span<const std::string_view> strings) {
  lua_createtable(lua, static_cast<int>(strings.size()), 0);
  int position = 0;
  for (const std::string_view string : strings) {
    lua_pushlstring(lua, string.data(), string.size());
    lua_rawseti(lua, -2, ++position);
  }
}

}  // namespace

void OpenSandbox(lua_State* lua, std::string_view version) {
  OpenStandardLibraries(lua);
  OpenOwnLibraries(lua, version);
  ReplaceFunctions(lua);

  // The metatable of strings is one for all.
  lua_pushliteral(lua, "");
  lua_getmetatable(lua, -1);
  lua_pushboolean(lua, 0);
  lua_setfield(lua, -2, "__metatable");
  lua_settop(lua, 0);

  lua_newtable(lua);
  for (const char* library : kLibraries) {
    lua_getglobal(lua, library);
    PushReadOnlyMeta(lua);
    lua_setfield(lua, -2, library);
  }
  lua_setfield(lua, LUA_REGISTRYINDEX, kLibraryMetas);

  lua_newtable(lua);
  for (const char* function : kFunctions) {
    lua_getglobal(lua, function);
    lua_setfield(lua, -2, function);
  }
  lua_newtable(lua);
  lua_pushcfunction(lua, FindLibrary);
  lua_setfield(lua, -2, "__index");
  lua_setmetatable(lua, -2);
  lua_createtable(lua, 0, 1);
  lua_insert(lua, -2);
  lua_setfield(lua, -2, "__index");
  lua_setfield(lua, LUA_REGISTRYINDEX, kVariablesMeta);
}

void PushEnvironment(lua_State* lua, const ScriptCall& call) {
  lua_newtable(lua);            // the environment
  lua_createtable(lua, 0, 12);  // the variables
  PushStrings(lua, call.keys);
  lua_setfield(lua, -2, "KEYS");
  PushStrings(lua, call.arguments);
  lua_setfield(lua, -2, "ARGV");
  lua_pushvalue(lua, -2);
  lua_setfield(lua, -2, "_G");
  lua_getfield(lua, LUA_REGISTRYINDEX, kVariablesMeta);
  lua_setmetatable(lua, -2);
  PushReadOnlyMeta(lua);
  lua_setmetatable(lua, -2);
}

}  // namespace nokv::redis
