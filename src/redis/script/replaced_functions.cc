// Functions of the standard libraries that scripts get in another form.
#include <climits>
#include <cmath>
#include <cstdint>
#include <lua5.1/lua.hpp>
#include <string_view>

#include "base/clock.h"
#include "redis/script/libraries.h"
#include "redis/script/lua_state.h"
#include "redis/script/run.h"

namespace nokv::redis {

namespace {

// Longer patterns could exhaust the stack of the matcher, which calls itself for each item.
constexpr size_t kMaxPatternBytes = 8192;
// What cjson may write out of one value: it does not count against the limit of Lua's memory.
constexpr double kMaxJsonValues = 4e6;
constexpr size_t kMaxJsonBytes = size_t{16} << 20;
constexpr size_t kMostBytesPerJsonByte = 64;
constexpr int kMaxJsonDepth = 1000;  // cjson's own default

ScriptRun& Running(lua_State* lua) {
  return *LuaState::Of(lua).running();
}

// The function that was replaced goes on in the same frame, so that its errors name the right
// function and line. Its own upvalue is the first one here, it itself the second.
int CallOriginal(lua_State* lua) {
  return lua_tocfunction(lua, lua_upvalueindex(2))(lua);
}

// An error of redis.call is a table; whoever catches it gets its text, as in Redis.
int PCall(lua_State* lua) {
  luaL_checkany(lua, 1);
  const int status = lua_pcall(lua, lua_gettop(lua) - 1, LUA_MULTRET, 0);
  if (status != 0) {
    PassStopOn(lua);
    if (lua_istable(lua, -1)) {
      lua_pushliteral(lua, "err");
      lua_rawget(lua, -2);
      if (lua_type(lua, -1) == LUA_TSTRING) {
        lua_replace(lua, -2);
      } else {
        lua_pop(lua, 1);
      }
    }
  }
  luaL_checkstack(lua, 1, "too many results");
  lua_pushboolean(lua, status == 0);
  lua_insert(lua, 1);
  return lua_gettop(lua);
}

// What load and loadstring return for a text.
int Compile(lua_State* lua, std::string_view text, const char* name) {
  if (LuaState::Load(lua, text, name) == 0) return 1;
  lua_pushnil(lua);
  lua_insert(lua, -2);
  return 2;
}

int LoadString(lua_State* lua) {
  size_t size = 0;
  const char* text = luaL_checklstring(lua, 1, &size);
  return Compile(lua, {text, size}, luaL_optstring(lua, 2, text));
}

// load(reader, name): all pieces are read before the first is compiled.
int Load(lua_State* lua) {
  luaL_checktype(lua, 1, LUA_TFUNCTION);
  const char* name = luaL_optstring(lua, 2, "=(load)");
  lua_settop(lua, 2);
  lua_pushliteral(lua, "");
  for (;;) {
    lua_pushvalue(lua, 1);
    lua_call(lua, 0, 1);
    if (lua_isnil(lua, -1)) break;
    if (lua_type(lua, -1) != LUA_TSTRING) {
      return luaL_error(lua, "reader function must return a string");
    }
    if (lua_objlen(lua, -1) == 0) break;
    lua_concat(lua, 2);
  }
  lua_pop(lua, 1);
  size_t size = 0;
  const char* text = lua_tolstring(lua, 3, &size);
  return Compile(lua, {text, size}, name);
}

// The collector is shared: a script may look and help, but not turn it off.
int CollectGarbage(lua_State* lua) {
  const std::string_view option = luaL_optstring(lua, 1, "collect");
  if (option == "count") {
    lua_pushnumber(lua, static_cast<lua_Number>(LuaState::Of(lua).used_bytes()) / 1024);
  } else {
    if (option == "collect" || option == "step") lua_gc(lua, LUA_GCCOLLECT, 0);
    lua_pushinteger(lua, 0);
  }
  return 1;
}

// Counts in floating point: the integers of the original overflow.
int Unpack(lua_State* lua) {
  luaL_checktype(lua, 1, LUA_TTABLE);
  const lua_Number first = luaL_optnumber(lua, 2, 1);
  const lua_Number last = lua_isnoneornil(lua, 3) ? static_cast<lua_Number>(lua_objlen(lua, 1))
                                                  : luaL_checknumber(lua, 3);
  if (first > last) return 0;
  const bool fits = first >= INT_MIN && last < INT_MAX && last - first < INT_MAX;
  const int count = fits ? static_cast<int>(last - first) + 1 : 0;
  if (count == 0 || lua_checkstack(lua, count) == 0) {
    return luaL_error(lua, "too many results to unpack");
  }
  for (int i = 0; i < count; ++i) lua_rawgeti(lua, 1, static_cast<int>(first) + i);
  return count;
}

bool IsReadOnly(lua_State* lua, int index) {
  if (lua_getmetatable(lua, index) == 0) return false;
  lua_pushliteral(lua, "__read_only");
  lua_rawget(lua, -2);
  const bool read_only = lua_toboolean(lua, -1) != 0;
  lua_pop(lua, 2);
  return read_only;
}

// For rawset and setmetatable.
int RefuseReadOnly(lua_State* lua) {
  if (IsReadOnly(lua, 1)) {
    lua_pushliteral(lua, "Attempt to modify a readonly table");
    return lua_error(lua);
  }
  return CallOriginal(lua);
}

// What the original would make of it byte by byte can take for ever, and overflows.
int Repeat(lua_State* lua) {
  size_t size = 0;
  luaL_checklstring(lua, 1, &size);
  const lua_Number times = luaL_checknumber(lua, 2);
  if (size == 0 || !(times >= 1)) return lua_pushliteral(lua, ""), 1;
  if (times * static_cast<lua_Number>(size) >
      static_cast<lua_Number>(LuaState::Of(lua).limit_bytes())) {
    return luaL_error(lua, "resulting string too large");
  }
  return CallOriginal(lua);
}

// For find, match, gmatch, gfind and gsub.
int BoundPattern(lua_State* lua) {
  size_t size = 0;
  const char* pattern = luaL_checklstring(lua, 2, &size);
  if (size > kMaxPatternBytes &&
      std::string_view(pattern, size).find_first_of("^$*+?.([%-") != std::string_view::npos) {
    return luaL_error(lua, "pattern too long");
  }
  return CallOriginal(lua);
}

// A run is a coroutine itself, which only its hook may leave.
int Yield(lua_State* lua) {
  if (lua == Running(lua).thread()) {
    lua_pushliteral(lua, "attempt to yield across metamethod/C-call boundary");
    return lua_error(lua);
  }
  return lua_yield(lua, lua_gettop(lua));
}

int CurrentCoroutine(lua_State* lua) {
  if (lua == Running(lua).thread()) {
    lua_pushnil(lua);
  } else {
    lua_pushthread(lua);
  }
  return 1;
}

int Random(lua_State* lua) {
  constexpr int32_t kRange = INT32_MAX;
  const lua_Number random = static_cast<lua_Number>(Running(lua).random().Next() % kRange) / kRange;
  switch (lua_gettop(lua)) {
    case 0:
      lua_pushnumber(lua, random);
      return 1;
    case 1: {
      const int upper = luaL_checkint(lua, 1);
      luaL_argcheck(lua, upper >= 1, 1, "interval is empty");
      lua_pushnumber(lua, std::floor(random * upper) + 1);
      return 1;
    }
    case 2: {
      const int lower = luaL_checkint(lua, 1);
      const int upper = luaL_checkint(lua, 2);
      luaL_argcheck(lua, lower <= upper, 2, "interval is empty");
      const lua_Number width = static_cast<lua_Number>(upper) - lower + 1;
      lua_pushnumber(lua, std::floor(random * width) + lower);
      return 1;
    }
    default:
      return luaL_error(lua, "wrong number of arguments");
  }
}

int RandomSeed(lua_State* lua) {
  Running(lua).random().Seed(static_cast<uint32_t>(luaL_checkint(lua, 1)));
  return 0;
}

int Clock(lua_State* lua) {
  const uint64_t now_us = Running(lua).clock().MonotonicMicros();
  lua_pushnumber(lua, static_cast<lua_Number>(now_us) / 1e6);
  return 1;
}

// The original negates the smallest integer, and reads out of its buffer then.
int ToHex(lua_State* lua) {
  if (!lua_isnoneornil(lua, 2)) {
    const lua_Number digits = luaL_checknumber(lua, 2);
    lua_settop(lua, 1);
    lua_pushnumber(lua, digits > 8 ? 8 : digits < -8 ? -8 : digits);
  }
  return CallOriginal(lua);
}

// Takes what cjson would write for the value on the top, which is popped, off `*left`: all values,
// those of tables that are shared each time, and the nulls of sparse arrays.
void CountValues(lua_State* lua, int depth, double* left) {
  if (depth > kMaxJsonDepth || lua_checkstack(lua, 4) == 0) {
    luaL_error(lua, "Cannot serialise, excessive nesting (%d)", depth);
  }
  *left -= 1;
  if (lua_type(lua, -1) == LUA_TSTRING) {
    *left -= static_cast<double>(lua_objlen(lua, -1)) / 16;
  } else if (lua_istable(lua, -1)) {
    double largest = 0;
    for (lua_pushnil(lua); lua_next(lua, -2) != 0;) {
      if (lua_type(lua, -2) == LUA_TNUMBER) largest = std::fmax(largest, lua_tonumber(lua, -2));
      CountValues(lua, depth + 1, left);
    }
    if (std::isfinite(largest)) *left -= largest;
  }
  if (*left < 0) luaL_error(lua, "Cannot serialise: the value is too large");
  lua_pop(lua, 1);
}

int EncodeJson(lua_State* lua) {
  luaL_argcheck(lua, lua_gettop(lua) == 1, 1, "expected 1 argument");
  if (lua_istable(lua, 1)) {
    double left = kMaxJsonValues;
    lua_pushvalue(lua, 1);
    CountValues(lua, 1, &left);
  }
  return CallOriginal(lua);
}

// cjson loses its buffer if Lua runs out of memory meanwhile: it may overdraw, by what the input
// can become at the most.
int DecodeJson(lua_State* lua) {
  luaL_argcheck(lua, lua_gettop(lua) == 1, 1, "expected 1 argument");
  size_t size = 0;
  luaL_checklstring(lua, 1, &size);
  if (size > kMaxJsonBytes) return luaL_error(lua, "JSON text too large");
  LuaState& state = LuaState::Of(lua);
  lua_pushvalue(lua, lua_upvalueindex(2));
  lua_insert(lua, 1);
  state.set_overdraft(size * kMostBytesPerJsonByte + kMostBytesPerJsonByte);
  const int status = lua_pcall(lua, lua_gettop(lua) - 1, LUA_MULTRET, 0);
  state.set_overdraft(0);
  if (status == 0) return lua_gettop(lua);
  luaL_where(lua, 1);
  lua_insert(lua, -2);
  lua_concat(lua, 2);
  return lua_error(lua);
}

// It keeps its buffer: one that is not kept is lost if Lua runs out of memory.
int KeepBuffer(lua_State* lua) {
  lua_pushboolean(lua, 1);
  return 1;
}

struct Replacement {
  const char* library;
  const char* name;
  lua_CFunction function;
};
constexpr Replacement kReplacements[] = {
    {"_G", "pcall", PCall},
    {"_G", "load", Load},
    {"_G", "loadstring", LoadString},
    {"_G", "collectgarbage", CollectGarbage},
    {"_G", "unpack", Unpack},
    {"_G", "rawset", RefuseReadOnly},
    {"_G", "setmetatable", RefuseReadOnly},
    {"string", "rep", Repeat},
    {"string", "find", BoundPattern},
    {"string", "match", BoundPattern},
    {"string", "gmatch", BoundPattern},
    {"string", "gfind", BoundPattern},
    {"string", "gsub", BoundPattern},
    {"coroutine", "yield", Yield},
    {"coroutine", "running", CurrentCoroutine},
    {"math", "random", Random},
    {"math", "randomseed", RandomSeed},
    {"os", "clock", Clock},
    {"bit", "tohex", ToHex},
    {"cjson", "encode", EncodeJson},
    {"cjson", "decode", DecodeJson},
    {"cjson", "encode_keep_buffer", KeepBuffer},
};

}  // namespace

void ReplaceFunctions(lua_State* lua) {
  for (const Replacement& replacement : kReplacements) {
    lua_getglobal(lua, replacement.library);
    lua_getfield(lua, -1, replacement.name);
    if (lua_isnil(lua, -1)) {
      lua_pop(lua, 2);
      continue;
    }
    if (lua_getupvalue(lua, -1, 1) == nullptr) lua_pushnil(lua);
    lua_insert(lua, -2);
    lua_pushcclosure(lua, replacement.function, 2);
    lua_setfield(lua, -2, replacement.name);
    lua_pop(lua, 1);
  }
}

}  // namespace nokv::redis
