#include "redis/script/lua_state.h"

#include <cstdlib>
#include <lua5.1/lua.hpp>

#include "base/check.h"

namespace nokv::redis {

void* LuaState::Allocate(void* self, void* block, size_t old_bytes, size_t new_bytes) {
  LuaState& state = *static_cast<LuaState*>(self);
  if (new_bytes == 0) {
    std::free(block);
    state.used_bytes_ -= old_bytes;
    return nullptr;
  }
  // Lua relies on shrinking never to fail.
  if (new_bytes > old_bytes &&
      state.used_bytes_ + (new_bytes - old_bytes) > state.limit_bytes_ + state.overdraft_bytes_) {
    return nullptr;
  }
  void* grown = std::realloc(block, new_bytes);
  if (grown != nullptr) state.used_bytes_ += new_bytes - old_bytes;
  return grown;
}

LuaState::LuaState(size_t limit_bytes)
    : limit_bytes_(limit_bytes), main_(lua_newstate(Allocate, this)) {
  NOKV_CHECK(main_ != nullptr) << "no memory for a Lua state within " << limit_bytes << " bytes";
}

LuaState::~LuaState() {
  lua_close(main_);
}

LuaState& LuaState::Of(lua_State* lua) {
  void* self = nullptr;
  lua_getallocf(lua, &self);
  return *static_cast<LuaState*>(self);
}

void LuaState::CollectGarbage() {
  lua_gc(main_, LUA_GCCOLLECT, 0);
}

int LuaState::Load(lua_State* lua, std::string_view text, const char* name) {
  if (!text.empty() && text[0] == LUA_SIGNATURE[0]) {
    const bool is_place = *name == '@';
    lua_pushfstring(lua, is_place ? "%s:1: %s" : "[string \"%s\"]:1: %s", name + (is_place ? 1 : 0),
                    "unexpected symbol near 'char(27)'");
    return LUA_ERRSYNTAX;
  }
  // The collector stands still: the parser of Lua 5.1 does not hold on to the chunk's name.
  lua_gc(lua, LUA_GCSTOP, 0);
  const int status = luaL_loadbuffer(lua, text.data(), text.size(), name);
  lua_gc(lua, LUA_GCRESTART, 0);
  return status;
}

bool LuaState::Protect(void (*body)(lua_State*, void*), void* argument, std::string* error) {
  struct Call {
    void (*body)(lua_State*, void*);
    void* argument;
  } call{body, argument};
  const auto trampoline = [](lua_State* lua) {
    const Call& wanted = *static_cast<const Call*>(lua_touserdata(lua, 1));
    lua_settop(lua, 0);
    wanted.body(lua, wanted.argument);
    return 0;
  };
  if (lua_cpcall(main_, trampoline, &call) == 0) return true;
  const char* message = lua_tostring(main_, -1);
  *error = message == nullptr ? "unknown error" : message;
  lua_pop(main_, 1);
  return false;
}

}  // namespace nokv::redis
