// Replies of commands as Lua values, and Lua values as replies: Redis's conversions.
//
// These run inside Lua's error handling: see lua_state.h for what that asks of them.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

struct lua_State;

namespace nokv::redis {

// Pushes the first RESP value of `*bytes` and removes it from there. The value must be well formed:
// it comes from a command.
void PushReply(lua_State* lua, std::string_view* bytes);

struct ReplyForm {
  int protocol;         // of the client
  int script_protocol;  // that the script has chosen: booleans depend on it
  size_t limit_bytes;
};
// Appends the value on the top of the stack to `*out` and pops it. Raises an error if it is nested
// too deeply or too large; then what was appended is of no use.
void AppendValue(lua_State* lua, const ReplyForm& form, std::string* out);

// Pushes {err = text}.
void PushError(lua_State* lua, std::string_view text);
// Pops the error value on the top of the stack; its text, with its code, goes to `*text`.
void ReadError(lua_State* lua, std::string* text);

}  // namespace nokv::redis
