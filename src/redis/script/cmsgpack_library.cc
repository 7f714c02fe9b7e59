// cmsgpack.*
#include <bit>
#include <climits>
#include <cmath>
#include <cstdint>
#include <limits>
#include <lua5.1/lua.hpp>
#include <string>
#include <string_view>

#include "redis/script/libraries.h"
#include "redis/script/lua_state.h"
#include "redis/script/run.h"

namespace nokv::redis {

namespace {

// Tables within tables; what is deeper is packed as nil.
constexpr int kMaxNesting = 16;

bool IsInteger(lua_Number number) {
  constexpr double kBound = 9223372036854775808.0;
  return number >= -kBound && number < kBound &&
         static_cast<lua_Number>(static_cast<int64_t>(number)) == number;
}

// Appends values to the scratch bytes of the run.
class Packer {
 public:
  explicit Packer(lua_State* lua)
      : lua_(lua),
        out_(LuaState::Of(lua).running()->scratch()),
        limit_bytes_(LuaState::Of(lua).limit_bytes()) {
    out_.clear();
  }

  std::string_view bytes() const { return out_; }

  // Pops the value on the top of the stack.
  void Value(int depth) {
    luaL_checkstack(lua_, 6, "in function pack");
    switch (lua_type(lua_, -1)) {
      case LUA_TSTRING:
        String();
        break;
      case LUA_TBOOLEAN:
        Byte(lua_toboolean(lua_, -1) != 0 ? 0xC3 : 0xC2);
        break;
      case LUA_TNUMBER:
        Number(lua_tonumber(lua_, -1));
        break;
      case LUA_TTABLE:
        if (depth < kMaxNesting) {
          Table(depth);
        } else {
          Byte(0xC0);
        }
        break;
      default:
        Byte(0xC0);
    }
    if (out_.size() > limit_bytes_) luaL_error(lua_, "not enough memory");
    lua_pop(lua_, 1);
  }

 private:
  void Byte(int byte) { out_.push_back(static_cast<char>(byte)); }
  void BigEndian(uint64_t value, int bytes) {
    for (int i = bytes - 1; i >= 0; --i) Byte(static_cast<int>(value >> (8 * i)));
  }
  void Coded(int code, uint64_t value, int bytes) {
    Byte(code);
    BigEndian(value, bytes);
  }

  void String() {
    size_t size = 0;
    const char* data = lua_tolstring(lua_, -1, &size);
    if (size < 32) {
      Byte(0xA0 | static_cast<int>(size));
    } else if (size <= 0xFF) {
      Coded(0xD9, size, 1);
    } else if (size <= 0xFFFF) {
      Coded(0xDA, size, 2);
    } else {
      Coded(0xDB, size, 4);
    }
    out_.append(data, size);
  }

  void Number(lua_Number number) {
    if (IsInteger(number)) {
      Integer(static_cast<int64_t>(number));
    } else if (static_cast<lua_Number>(static_cast<float>(number)) == number) {
      Coded(0xCA, std::bit_cast<uint32_t>(static_cast<float>(number)), 4);
    } else {
      Coded(0xCB, std::bit_cast<uint64_t>(number), 8);
    }
  }

  void Integer(int64_t value) {
    const auto bits = static_cast<uint64_t>(value);
    if (value >= 0) {
      if (value <= 0x7F) return Byte(static_cast<int>(value));
      if (value <= 0xFF) return Coded(0xCC, bits, 1);
      if (value <= 0xFFFF) return Coded(0xCD, bits, 2);
      if (value <= 0xFFFFFFFF) return Coded(0xCE, bits, 4);
      return Coded(0xCF, bits, 8);
    }
    if (value >= -32) return Byte(static_cast<int>(value) & 0xFF);
    if (value >= std::numeric_limits<int8_t>::min()) return Coded(0xD0, bits, 1);
    if (value >= std::numeric_limits<int16_t>::min()) return Coded(0xD1, bits, 2);
    if (value >= std::numeric_limits<int32_t>::min()) return Coded(0xD2, bits, 4);
    Coded(0xD3, bits, 8);
  }

  void Header(int small, int code, uint64_t count) {
    if (count <= 15) return Byte(small | static_cast<int>(count));
    if (count <= 0xFFFF) return Coded(code, count, 2);
    Coded(code + 1, count, 4);
  }

  // The table on the top: an array if its keys are 1 to n, otherwise a map.
  void Table(int depth) {
    uint64_t count = 0;
    lua_Number largest = 0;
    bool is_array = true;
    for (lua_pushnil(lua_); lua_next(lua_, -2) != 0; lua_pop(lua_, 1)) {
      ++count;
      const lua_Number key = lua_type(lua_, -2) == LUA_TNUMBER ? lua_tonumber(lua_, -2) : 0;
      is_array = is_array && key >= 1 && key <= INT_MAX && std::floor(key) == key;
      if (key > largest) largest = key;
    }
    if (is_array && largest == static_cast<lua_Number>(count)) {
      Header(0x90, 0xDC, count);
      for (uint64_t i = 1; i <= count; ++i) {
        lua_rawgeti(lua_, -1, static_cast<int>(i));
        Value(depth + 1);
      }
      return;
    }
    Header(0x80, 0xDE, count);
    for (lua_pushnil(lua_); lua_next(lua_, -2) != 0;) {
      lua_pushvalue(lua_, -2);
      Value(depth + 1);
      Value(depth + 1);
    }
  }

  lua_State* lua_;
  std::string& out_;
  size_t limit_bytes_;
};

// Takes values from the front of bytes and pushes them.
class Unpacker {
 public:
  Unpacker(lua_State* lua, std::string_view bytes) : lua_(lua), rest_(bytes) {}

  std::string_view rest() const { return rest_; }

  void Value() {
    luaL_checkstack(lua_, 4, "in function unpack");
    const auto code = static_cast<uint8_t>(Bytes(1)[0]);
    if (code <= 0x7F) return Push(code);
    if (code <= 0x8F) return Map(code & 0x0F);
    if (code <= 0x9F) return Array(code & 0x0F);
    if (code <= 0xBF) return String(code & 0x1F);
    if (code >= 0xE0) return Push(static_cast<int8_t>(code));
    switch (code) {
      case 0xC0:
        return lua_pushnil(lua_);
      case 0xC2:
      case 0xC3:
        return lua_pushboolean(lua_, code & 1);
      case 0xCA:
        return Push(std::bit_cast<float>(static_cast<uint32_t>(BigEndian(4))));
      case 0xCB:
        return Push(std::bit_cast<double>(BigEndian(8)));
      case 0xCC:
      case 0xCD:
      case 0xCE:
      case 0xCF:
        return Push(static_cast<lua_Number>(static_cast<int64_t>(BigEndian(1 << (code - 0xCC)))));
      case 0xD0:
        return Push(static_cast<int8_t>(BigEndian(1)));
      case 0xD1:
        return Push(static_cast<int16_t>(BigEndian(2)));
      case 0xD2:
        return Push(static_cast<int32_t>(BigEndian(4)));
      case 0xD3:
        return Push(static_cast<lua_Number>(static_cast<int64_t>(BigEndian(8))));
      case 0xD9:
      case 0xDA:
      case 0xDB:
        return String(BigEndian(1 << (code - 0xD9)));
      case 0xDC:
      case 0xDD:
        return Array(BigEndian(code == 0xDC ? 2 : 4));
      case 0xDE:
      case 0xDF:
        return Map(BigEndian(code == 0xDE ? 2 : 4));
      default:
        luaL_error(lua_, "Bad data format in input.");
    }
  }

 private:
  std::string_view Bytes(uint64_t count) {
    if (count > rest_.size()) luaL_error(lua_, "Missing bytes in input.");
    const std::string_view bytes = rest_.substr(0, count);
    rest_.remove_prefix(count);
    return bytes;
  }
  uint64_t BigEndian(int bytes) {
    uint64_t value = 0;
    for (const char byte : Bytes(static_cast<uint64_t>(bytes))) {
      value = value << 8 | static_cast<uint8_t>(byte);
    }
    return value;
  }
  void Push(lua_Number number) { lua_pushnumber(lua_, number); }
  void String(uint64_t size) {
    const std::string_view bytes = Bytes(size);
    lua_pushlstring(lua_, bytes.data(), bytes.size());
  }
  void Array(uint64_t count) {
    lua_newtable(lua_);
    for (uint64_t i = 1; i <= count; ++i) {
      Value();
      lua_rawseti(lua_, -2, static_cast<int>(i));
    }
  }
  void Map(uint64_t count) {
    lua_newtable(lua_);
    for (uint64_t i = 0; i < count; ++i) {
      Value();
      Value();
      lua_rawset(lua_, -3);  // fails if the key is nil or not a number
    }
  }

  lua_State* lua_;
  std::string_view rest_;
};

int Pack(lua_State* lua) {
  const int count = lua_gettop(lua);
  if (count == 0) return luaL_argerror(lua, 0, "MessagePack pack needs input.");
  Packer packer(lua);
  luaL_checkstack(lua, 1, "in function pack");
  for (int i = 1; i <= count; ++i) {
    lua_pushvalue(lua, i);
    packer.Value(0);
  }
  lua_pushlstring(lua, packer.bytes().data(), packer.bytes().size());
  return 1;
}

// Up to `limit` values, and before them the offset of what comes then, -1 at the end. A limit and
// an offset of 0: all values.
int UnpackFrom(lua_State* lua, int limit, int offset) {
  size_t size = 0;
  const char* data = luaL_checklstring(lua, 1, &size);
  if (offset < 0 || limit < 0) {
    return luaL_error(lua, "Invalid request to unpack with offset of %d and limit of %d.", offset,
                      static_cast<int>(size));
  }
  if (static_cast<size_t>(offset) > size) {
    return luaL_error(lua, "Start offset %d greater than input length %d.", offset,
                      static_cast<int>(size));
  }
  lua_settop(lua, 1);
  Unpacker unpacker(lua, std::string_view(data, size).substr(static_cast<size_t>(offset)));
  const bool all = limit == 0 && offset == 0;
  int count = 0;
  while (!unpacker.rest().empty() && (all || count < limit)) {
    unpacker.Value();
    ++count;
  }
  if (all) return count;
  const size_t left = unpacker.rest().size();
  luaL_checkstack(lua, 1, "in function unpack");
  lua_pushnumber(lua, left == 0 ? -1 : static_cast<lua_Number>(size - left));
  lua_insert(lua, 2);
  return count + 1;
}

int Unpack(lua_State* lua) {
  return UnpackFrom(lua, 0, 0);
}

int UnpackOne(lua_State* lua) {
  return UnpackFrom(lua, 1, luaL_optint(lua, 2, 0));
}

int UnpackLimit(lua_State* lua) {
  return UnpackFrom(lua, luaL_checkint(lua, 2), luaL_optint(lua, 3, 0));
}

constexpr luaL_Reg kFunctions[] = {
    {"pack", Pack},
    {"unpack", Unpack},
    {"unpack_one", UnpackOne},
    {"unpack_limit", UnpackLimit},
};

}  // namespace

void OpenCmsgpack(lua_State* lua) {
  lua_createtable(lua, 0, 8);
  for (const luaL_Reg& function : kFunctions) {
    lua_pushcfunction(lua, function.func);
    lua_setfield(lua, -2, function.name);
  }
  lua_pushliteral(lua, "cmsgpack");
  lua_setfield(lua, -2, "_NAME");
  lua_pushliteral(lua, "lua-cmsgpack 0.4.0");
  lua_setfield(lua, -2, "_VERSION");
}

}  // namespace nokv::redis
