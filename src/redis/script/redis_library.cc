// redis.*
#include <cstdio>
#include <lua5.1/lua.hpp>
#include <string>

#include "redis/number.h"
#include "redis/script/convert.h"
#include "redis/script/libraries.h"
#include "redis/script/lua_state.h"
#include "redis/script/run.h"
#include "redis/script/sha1.h"

namespace nokv::redis {

namespace {

constexpr int kMaxReplicationFlags = 3;

ScriptRun& Running(lua_State* lua) {
  return *LuaState::Of(lua).running();
}

// Raises {err = text}: an error that has its code already.
int Raise(lua_State* lua, std::string_view text) {
  PushError(lua, text);
  return lua_error(lua);
}

// Makes the arguments the words of a command; why it cannot, or null.
const char* CollectWords(lua_State* lua, ScriptRun& run) {
  const int count = lua_gettop(lua);
  if (count == 0) return "ERR Please specify at least one argument for this redis lib call";
  run.words().clear();
  for (int i = 1; i <= count; ++i) {
    if (lua_type(lua, i) == LUA_TNUMBER) {
      char text[40];
      std::snprintf(text, sizeof text, "%.17g", lua_tonumber(lua, i));
      lua_pushstring(lua, text);
      lua_replace(lua, i);
    } else if (lua_type(lua, i) != LUA_TSTRING) {
      return "ERR Lua redis lib command arguments must be strings or integers";
    }
    size_t size = 0;
    const char* data = lua_tolstring(lua, i, &size);
    run.words().emplace_back(data, size);
  }
  return nullptr;
}

// With `raise`, an error of the command is one of the script; otherwise it is returned.
int CallCommand(lua_State* lua, bool raise) {
  ScriptRun& run = Running(lua);
  bool failed = true;
  if (const char* problem = CollectWords(lua, run); problem != nullptr) {
    PushError(lua, problem);
  } else {
    run.scratch().clear();
    run.host().Call(run.words(), run.script_protocol(), &run.scratch());
    PassStopOn(lua);
    failed = run.scratch()[0] == '-';
    std::string_view bytes = run.scratch();
    PushReply(lua, &bytes);
  }
  return failed && raise ? lua_error(lua) : 1;
}

int Call(lua_State* lua) {
  return CallCommand(lua, true);
}

int PCall(lua_State* lua) {
  return CallCommand(lua, false);
}

// True if the only argument is a string; otherwise an error has been pushed.
bool IsOneString(lua_State* lua) {
  if (lua_gettop(lua) == 1 && lua_type(lua, 1) == LUA_TSTRING) return true;
  PushError(lua, "ERR wrong number or type of arguments");
  return false;
}

int StatusReply(lua_State* lua) {
  if (!IsOneString(lua)) return 1;
  lua_createtable(lua, 0, 1);
  lua_pushvalue(lua, 1);
  lua_setfield(lua, -2, "ok");
  return 1;
}

// A text without a code gets ERR. It ends at a zero byte, as in Redis.
int ErrorReply(lua_State* lua) {
  if (!IsOneString(lua)) return 1;
  const char* text = lua_tostring(lua, 1);
  if (*text == '-') ++text;
  const bool has_code = std::string_view(text).find(' ') != std::string_view::npos;
  lua_createtable(lua, 0, 1);
  lua_pushfstring(lua, has_code ? "%s" : "ERR %s", text);
  lua_setfield(lua, -2, "err");
  return 1;
}

int Sha1Hex(lua_State* lua) {
  if (lua_gettop(lua) != 1) return Raise(lua, "ERR wrong number of arguments");
  size_t size = 0;
  const char* data = lua_tolstring(lua, 1, &size);
  const Sha1Text digest = Sha1(data == nullptr ? std::string_view() : std::string_view(data, size));
  lua_pushlstring(lua, digest.data(), digest.size());
  return 1;
}

int Log(lua_State* lua) {
  const int count = lua_gettop(lua);
  if (count < 2) return Raise(lua, "ERR redis.log() requires two arguments or more.");
  if (lua_isnumber(lua, 1) == 0) {
    return Raise(lua, "ERR First argument must be a number (log level).");
  }
  const double level = lua_tonumber(lua, 1);
  if (!(level >= 0 && level < 4)) return Raise(lua, "ERR Invalid debug level.");
  ScriptRun& run = Running(lua);
  run.scratch().clear();
  for (int i = 2; i <= count; ++i) {
    size_t size = 0;
    const char* data = lua_tolstring(lua, i, &size);
    if (data == nullptr) continue;
    if (i > 2) run.scratch().push_back(' ');
    run.scratch().append(data, size);
  }
  run.host().Log(static_cast<ScriptLogLevel>(level), run.scratch());
  return 0;
}

int SetResp(lua_State* lua) {
  if (lua_gettop(lua) != 1) return Raise(lua, "ERR redis.setresp() requires one argument.");
  const double version = lua_tonumber(lua, 1);
  if (version != 2 && version != 3) return Raise(lua, "ERR RESP version must be 2 or 3.");
  Running(lua).script_protocol() = static_cast<int>(version);
  return 0;
}

// Effects are what is replicated, always.
int ReplicateCommands(lua_State* lua) {
  lua_pushboolean(lua, 1);
  return 1;
}

int SetRepl(lua_State* lua) {
  if (lua_gettop(lua) != 1) return Raise(lua, "ERR redis.set_repl() requires two arguments.");
  const double flags = lua_tonumber(lua, 1);
  if (!(flags >= 0 && flags <= kMaxReplicationFlags)) {
    return Raise(lua,
                 "ERR Invalid replication flags. Use REPL_AOF, REPL_REPLICA, REPL_ALL or "
                 "REPL_NONE.");
  }
  return 0;
}

// There is no debugger.
int Breakpoint(lua_State* lua) {
  lua_pushboolean(lua, 0);
  return 1;
}

int Debug(lua_State* /*lua*/) {
  return 0;
}

int AclCheckCmd(lua_State* lua) {
  ScriptRun& run = Running(lua);
  if (const char* problem = CollectWords(lua, run); problem != nullptr) return Raise(lua, problem);
  const std::optional<bool> may = run.host().MayCall(run.words());
  if (!may.has_value()) {
    return Raise(lua, "ERR Invalid command passed to redis.acl_check_cmd()");
  }
  lua_pushboolean(lua, *may ? 1 : 0);
  return 1;
}

constexpr luaL_Reg kFunctions[] = {
    {"call", Call},
    {"pcall", PCall},
    {"status_reply", StatusReply},
    {"error_reply", ErrorReply},
    {"sha1hex", Sha1Hex},
    {"log", Log},
    {"setresp", SetResp},
    {"replicate_commands", ReplicateCommands},
    {"set_repl", SetRepl},
    {"breakpoint", Breakpoint},
    {"debug", Debug},
    {"acl_check_cmd", AclCheckCmd},
};

struct NamedNumber {
  const char* name;
  int value;
};
constexpr NamedNumber kNumbers[] = {
    {"LOG_DEBUG", 0}, {"LOG_VERBOSE", 1}, {"LOG_NOTICE", 2},   {"LOG_WARNING", 3}, {"REPL_NONE", 0},
    {"REPL_AOF", 1},  {"REPL_SLAVE", 2},  {"REPL_REPLICA", 2}, {"REPL_ALL", 3},
};

// "7.2.0" as 0x00070200.
int VersionNumber(std::string_view version) {
  int number = 0;
  for (int part = 0; part < 3; ++part) {
    const size_t dot = version.find('.');
    number = number * 256 + static_cast<int>(ParseInt64(version.substr(0, dot)).value_or(0));
    version = dot == std::string_view::npos ? std::string_view() : version.substr(dot + 1);
  }
  return number;
}

}  // namespace

void PassStopOn(lua_State* lua) {
  ScriptRun& run = Running(lua);
  if (run.stopping()) run.RaiseStop(lua);
}

void OpenRedisLibrary(lua_State* lua, std::string_view version) {
  lua_createtable(lua, 0, 32);
  for (const luaL_Reg& function : kFunctions) {
    lua_pushcfunction(lua, function.func);
    lua_setfield(lua, -2, function.name);
  }
  for (const NamedNumber& number : kNumbers) {
    lua_pushinteger(lua, number.value);
    lua_setfield(lua, -2, number.name);
  }
  lua_pushlstring(lua, version.data(), version.size());
  lua_setfield(lua, -2, "REDIS_VERSION");
  lua_pushinteger(lua, VersionNumber(version));
  lua_setfield(lua, -2, "REDIS_VERSION_NUM");
}

}  // namespace nokv::redis
