#include "redis/script/convert.h"

#include <cstdint>
#include <cstdio>
#include <limits>
#include <lua5.1/lua.hpp>

#include "redis/number.h"
#include "redis/resp/reply.h"

namespace nokv::redis {

namespace {

std::string_view TakeLine(std::string_view* bytes) {
  const size_t end = bytes->find("\r\n");
  const std::string_view line = bytes->substr(0, end);
  bytes->remove_prefix(end + 2);
  return line;
}

std::string_view TakeBlob(std::string_view* bytes, int64_t size) {
  const std::string_view blob = bytes->substr(0, static_cast<size_t>(size));
  bytes->remove_prefix(blob.size() + 2);
  return blob;
}

void PushText(lua_State* lua, std::string_view text) {
  lua_pushlstring(lua, text.data(), text.size());
}

// Pushes a table whose only field is `text`.
void PushTagged(lua_State* lua, const char* field, std::string_view text) {
  lua_createtable(lua, 0, 1);
  PushText(lua, text);
  lua_setfield(lua, -2, field);
}

void PushArray(lua_State* lua, std::string_view* bytes, int64_t count) {
  lua_createtable(lua, static_cast<int>(count), 0);
  for (int64_t i = 1; i <= count; ++i) {
    PushReply(lua, bytes);
    lua_rawseti(lua, -2, static_cast<int>(i));
  }
}

// {map = {key = value}} or {set = {member = true}}.
void PushKeyed(lua_State* lua, std::string_view* bytes, int64_t count, bool is_map) {
  lua_createtable(lua, 0, 1);
  lua_createtable(lua, 0, static_cast<int>(count));
  for (int64_t i = 0; i < count; ++i) {
    PushReply(lua, bytes);
    if (is_map) {
      PushReply(lua, bytes);
    } else {
      lua_pushboolean(lua, 1);
    }
    lua_rawset(lua, -3);
  }
  lua_setfield(lua, -2, is_map ? "map" : "set");
}

void PushVerbatim(lua_State* lua, std::string_view blob) {
  lua_createtable(lua, 0, 1);
  lua_createtable(lua, 0, 2);
  PushText(lua, blob.substr(4));
  lua_setfield(lua, -2, "string");
  PushText(lua, blob.substr(0, 3));
  lua_setfield(lua, -2, "format");
  lua_setfield(lua, -2, "verbatim_string");
}

// What Redis sees of a text in one line: as much as there is before a zero byte.
std::string_view UpToZero(std::string_view text) {
  return text.substr(0, text.find('\0'));
}

std::string_view WithoutLineEnd(std::string_view text) {
  while (text.ends_with('\r') || text.ends_with('\n')) text.remove_suffix(1);
  return text;
}

// The integer that Redis makes of a number: cut, and the smallest one for what has none.
int64_t Truncated(double number) {
  constexpr double kBound = 9223372036854775808.0;
  const bool fits = number >= -kBound && number < kBound;
  return fits ? static_cast<int64_t>(number) : std::numeric_limits<int64_t>::min();
}

// Writes the values of one script's reply.
class Encoder {
 public:
  Encoder(lua_State* lua, const ReplyForm& form, std::string* out)
      : lua_(lua), form_(form), out_(out), begin_(out->size()), reply_(out, form.protocol) {}

  // Of the value on the top of the stack, which is popped.
  void Value() {
    if (lua_checkstack(lua_, 8) == 0) luaL_error(lua_, "reached lua stack limit");
    if (out_->size() - begin_ > form_.limit_bytes) {
      luaL_error(lua_, "reply of the script is larger than %d MiB",
                 static_cast<int>(form_.limit_bytes >> 20));
    }
    switch (lua_type(lua_, -1)) {
      case LUA_TSTRING:
        reply_.Bulk(Text());
        break;
      case LUA_TBOOLEAN:
        Boolean(lua_toboolean(lua_, -1) != 0);
        break;
      case LUA_TNUMBER:
        reply_.Integer(Truncated(lua_tonumber(lua_, -1)));
        break;
      case LUA_TTABLE:
        if (!Tagged()) Array();
        break;
      default:
        reply_.Null();
    }
    lua_pop(lua_, 1);
  }

 private:
  std::string_view Text() const {
    size_t size = 0;
    const char* data = lua_tolstring(lua_, -1, &size);
    return {data, size};
  }

  void Boolean(bool value) {
    if (form_.script_protocol < 3) {
      if (value) {
        reply_.Integer(1);
      } else {
        reply_.Null();
      }
    } else if (form_.protocol < 3) {
      reply_.Integer(value ? 1 : 0);
    } else {
      reply_.Raw(value ? "#t\r\n" : "#f\r\n");
    }
  }

  // Pushes the field if it has the type; otherwise leaves the stack as it is.
  bool Field(const char* name, int type) {
    lua_pushstring(lua_, name);
    lua_rawget(lua_, -2);
    if (lua_type(lua_, -1) == type) return true;
    lua_pop(lua_, 1);
    return false;
  }

  // A table that stands for another type; false if this is none.
  bool Tagged() {
    if (Field("err", LUA_TSTRING)) {
      reply_.Error(WithoutLineEnd(UpToZero(Text())));
    } else if (Field("ok", LUA_TSTRING)) {
      Line('+', UpToZero(Text()));
    } else if (Field("double", LUA_TNUMBER)) {
      Double(lua_tonumber(lua_, -1));
    } else if (Field("map", LUA_TTABLE)) {
      Keyed(true);
    } else if (Field("set", LUA_TTABLE)) {
      Keyed(false);
    } else if (Field("big_number", LUA_TSTRING)) {
      BigNumber();
    } else if (!Verbatim()) {
      return false;
    }
    lua_pop(lua_, 1);
    return true;
  }

  // Line breaks become spaces.
  void Line(char type, std::string_view text) {
    out_->push_back(type);
    AppendSpaced(text);
    out_->append("\r\n");
  }
  void AppendSpaced(std::string_view text) {
    for (const char c : text) out_->push_back(c == '\r' || c == '\n' ? ' ' : c);
  }

  void Double(double value) {
    char text[40];
    const int size = std::snprintf(text, sizeof text, "%.17g", value);
    const std::string_view digits(text, static_cast<size_t>(size));
    if (form_.protocol >= 3) {
      Line(',', digits);
    } else {
      reply_.Bulk(digits);
    }
  }

  void BigNumber() {
    if (form_.protocol >= 3) return Line('(', Text());
    out_->append("$" + std::to_string(Text().size()) + "\r\n");
    AppendSpaced(Text());
    out_->append("\r\n");
  }

  bool Verbatim() {
    if (!Field("verbatim_string", LUA_TTABLE)) return false;
    if (!Field("format", LUA_TSTRING)) return lua_pop(lua_, 1), false;
    char format[4] = "   ";
    Text().substr(0, 3).copy(format, 3);
    lua_pop(lua_, 1);
    if (!Field("string", LUA_TSTRING)) return lua_pop(lua_, 1), false;
    if (form_.protocol >= 3) {
      out_->append("=" + std::to_string(Text().size() + 4) + "\r\n" + format + ":");
      out_->append(Text());
      out_->append("\r\n");
    } else {
      reply_.Bulk(Text());
    }
    lua_pop(lua_, 1);
    return true;
  }

  // The table on the top: its pairs, or its keys.
  void Keyed(bool with_values) {
    size_t count = 0;
    for (lua_pushnil(lua_); lua_next(lua_, -2) != 0; lua_pop(lua_, 1)) ++count;
    if (with_values) {
      reply_.Map(count);
    } else {
      reply_.Set(count);
    }
    for (lua_pushnil(lua_); lua_next(lua_, -2) != 0;) {
      lua_pushvalue(lua_, -2);
      Value();
      if (with_values) {
        Value();
      } else {
        lua_pop(lua_, 1);
      }
    }
  }

  // The table on the top: its elements up to the first that is nil.
  void Array() {
    int count = 0;
    for (;; ++count) {
      lua_rawgeti(lua_, -1, count + 1);
      const bool end = lua_isnil(lua_, -1);
      lua_pop(lua_, 1);
      if (end) break;
    }
    reply_.Array(static_cast<size_t>(count));
    for (int i = 1; i <= count; ++i) {
      lua_rawgeti(lua_, -1, i);
      Value();
    }
  }

  lua_State* lua_;
  const ReplyForm& form_;
  std::string* out_;
  size_t begin_;
  Reply reply_;
};

}  // namespace

void PushReply(lua_State* lua, std::string_view* bytes) {
  luaL_checkstack(lua, 8, "the reply is nested too deeply");
  const std::string_view line = TakeLine(bytes);
  const std::string_view text = line.substr(1);
  switch (line[0]) {
    case '+':
      return PushTagged(lua, "ok", text);
    case '-':
      return PushTagged(lua, "err", text);
    case ':':
      return lua_pushnumber(lua, static_cast<lua_Number>(ParseInt64(text).value_or(0)));
    case ',':
      lua_createtable(lua, 0, 1);
      PushText(lua, text);
      lua_pushnumber(lua, lua_tonumber(lua, -1));
      lua_remove(lua, -2);
      return lua_setfield(lua, -2, "double");
    case '(':
      return PushTagged(lua, "big_number", text);
    case '#':
      return lua_pushboolean(lua, text == "t");
    case '_':
      return lua_pushnil(lua);
    default:
      break;
  }
  const int64_t count = ParseInt64(text).value_or(-1);
  if (count < 0) return lua_pushboolean(lua, 0);
  switch (line[0]) {
    case '$':
      return PushText(lua, TakeBlob(bytes, count));
    case '=':
      return PushVerbatim(lua, TakeBlob(bytes, count));
    case '%':
      return PushKeyed(lua, bytes, count, true);
    case '~':
      return PushKeyed(lua, bytes, count, false);
    default:
      return PushArray(lua, bytes, count);
  }
}

void AppendValue(lua_State* lua, const ReplyForm& form, std::string* out) {
  Encoder(lua, form, out).Value();
}

void PushError(lua_State* lua, std::string_view text) {
  PushTagged(lua, "err", text);
}

void ReadError(lua_State* lua, std::string* text) {
  bool has_code = false;
  if (lua_istable(lua, -1)) {
    lua_pushliteral(lua, "err");
    lua_rawget(lua, -2);
    has_code = lua_type(lua, -1) == LUA_TSTRING;
    if (!has_code) lua_pushliteral(lua, "unknown error");
  } else if (lua_isnil(lua, -1)) {
    lua_pushliteral(lua, "nil");
  } else if (lua_isboolean(lua, -1)) {
    lua_pushstring(lua, lua_toboolean(lua, -1) != 0 ? "true" : "false");
  } else if (lua_isstring(lua, -1) == 0) {
    lua_pushfstring(lua, "%s: %p", luaL_typename(lua, -1), lua_topointer(lua, -1));
  }
  size_t size = 0;
  const char* data = lua_tolstring(lua, -1, &size);
  *text = has_code ? "" : "ERR ";
  text->append(UpToZero({data, size}));
  lua_settop(lua, 0);
}

}  // namespace nokv::redis
