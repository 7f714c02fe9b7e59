// LuaState: a Lua 5.1 interpreter whose memory is limited.
//
// A script that asks for more gets Lua's "not enough memory" error, which unwinds to whoever called
// into Lua; nothing else is harmed.
//
// Lua reports errors with longjmp. Hence the rule for every C++ function that Lua calls, or that
// runs under `Protect`: while a call into Lua can fail, no local object with a destructor lives.
//
// Thread safety: owned by the gateway's loop.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

struct lua_State;

namespace nokv::redis {

class ScriptRun;

class LuaState {
 public:
  explicit LuaState(size_t limit_bytes);
  ~LuaState();
  LuaState(const LuaState&) = delete;
  LuaState& operator=(const LuaState&) = delete;

  // The state that the functions of `lua`, the main thread or another, belong to.
  static LuaState& Of(lua_State* lua);

  lua_State* main() { return main_; }
  size_t used_bytes() const { return used_bytes_; }
  size_t limit_bytes() const { return limit_bytes_; }
  // How far a call may go beyond the limit that would lose memory of its own if it failed.
  void set_overdraft(size_t bytes) { overdraft_bytes_ = bytes; }
  // Frees what no script can reach any more.
  void CollectGarbage();

  // Pushes the function that the text of a chunk is, or why it is none; returns Lua's status. Text
  // only: whoever makes up bytecode can do anything to the process.
  static int Load(lua_State* lua, std::string_view text, const char* name);

  // Calls `body(lua, argument)` on the main thread; false and Lua's message if it fails.
  bool Protect(void (*body)(lua_State* lua, void* argument), void* argument, std::string* error);

  // The script whose functions run now; null between slices.
  ScriptRun* running() { return running_; }
  void set_running(ScriptRun* run) { running_ = run; }

 private:
  static void* Allocate(void* self, void* block, size_t old_bytes, size_t new_bytes);

  const size_t limit_bytes_;
  size_t used_bytes_ = 0;
  size_t overdraft_bytes_ = 0;
  ScriptRun* running_ = nullptr;
  lua_State* main_;
};

}  // namespace nokv::redis
