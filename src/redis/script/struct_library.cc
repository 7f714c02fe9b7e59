// struct.*
#include <bit>
#include <cctype>
#include <climits>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <lua5.1/lua.hpp>
#include <string>
#include <string_view>
#include <utility>

#include "redis/script/libraries.h"
#include "redis/script/lua_state.h"
#include "redis/script/run.h"

namespace nokv::redis {

namespace {

constexpr int kMaxIntegerBytes = 32;
constexpr int kNaturalAlignment = 8;

// Walks a format, whose letters stand for items and for how the next ones are laid out.
struct Format {
  lua_State* lua;
  const char* at;
  bool little = true;
  int alignment = 1;  // of the largest item that is aligned

  struct Item {
    char option = 0;
    size_t bytes = 0;
    size_t padding = 0;  // before it
  };

  int Number(int missing) {
    if (std::isdigit(static_cast<unsigned char>(*at)) == 0) return missing;
    int64_t number = 0;
    for (; std::isdigit(static_cast<unsigned char>(*at)) != 0; ++at) {
      number = number * 10 + (*at - '0');
      if (number > INT_MAX) luaL_error(lua, "integral size overflow");
    }
    return static_cast<int>(number);
  }

  size_t IntegerBytes() {
    const int bytes = Number(sizeof(int));
    if (bytes > kMaxIntegerBytes) {
      luaL_error(lua, "integral size %d is larger than limit of %d", bytes, kMaxIntegerBytes);
    }
    return static_cast<size_t>(bytes);
  }

  size_t Bytes(char option) {
    switch (option) {
      case 'b':
      case 'B':
      case 'x':
        return 1;
      case 'h':
      case 'H':
        return sizeof(int16_t);
      case 'l':
      case 'L':
      case 'T':
        return sizeof(int64_t);
      case 'i':
      case 'I':
        return IntegerBytes();
      case 'f':
        return sizeof(float);
      case 'd':
        return sizeof(double);
      case 'c':
        return static_cast<size_t>(Number(1));
      default:
        return 0;  // 's', and what controls the layout
    }
  }

  // The next item of what begins at `offset`; false at the end of the format.
  bool Next(size_t offset, Item* item) {
    while (*at != '\0') {
      const char option = *at++;
      *item = Item{option, Bytes(option), 0};
      if (Controls(option)) continue;
      const size_t align = item->bytes < static_cast<size_t>(alignment)
                               ? item->bytes
                               : static_cast<size_t>(alignment);
      // Of three bytes too, as Redis computes it.
      if (align > 1 && option != 'c') {
        item->padding = (align - (offset & (align - 1))) & (align - 1);
      }
      return true;
    }
    return false;
  }

  bool Controls(char option) {
    switch (option) {
      case ' ':
        return true;
      case '<':
        little = true;
        return true;
      case '>':
        little = false;
        return true;
      case '!':
        alignment = Number(kNaturalAlignment);
        if (alignment <= 0 || (alignment & (alignment - 1)) != 0) {
          luaL_error(lua, "alignment %d is not a power of 2", alignment);
        }
        return true;
      default:
        return false;
    }
  }
};

bool IsInteger(char option) {
  return std::strchr("bBhHlLTiI", option) != nullptr;
}

void AppendInteger(lua_Number number, size_t bytes, bool little, std::string* out) {
  // Negative numbers in two's complement, of 64 bits: higher bytes are zero, as always. What does
  // not fit becomes what the processor makes of it.
  constexpr double kBound = 9223372036854775808.0;
  uint64_t bits = number >= 0 ? 0 : uint64_t{1} << 63;
  if (number >= -kBound && number < 0) {
    bits = static_cast<uint64_t>(static_cast<int64_t>(number));
  } else if (number >= 0 && number < 2 * kBound) {
    bits = static_cast<uint64_t>(number);
  }
  const size_t begin = out->size();
  out->resize(begin + bytes);
  for (size_t i = 0; i < bytes; ++i) {
    const char byte = i < sizeof bits ? static_cast<char>(bits >> (8 * i)) : 0;
    (*out)[little ? begin + i : begin + bytes - 1 - i] = byte;
  }
}

lua_Number ReadInteger(std::string_view data, bool little, bool is_signed) {
  uint64_t bits = 0;
  const size_t bytes = data.size();
  for (size_t i = 0; i < bytes && i < sizeof bits; ++i) {
    const auto byte = static_cast<uint8_t>(data[little ? i : bytes - 1 - i]);
    bits |= uint64_t{byte} << (8 * i);
  }
  if (!is_signed) return static_cast<lua_Number>(bits);
  if (bytes < sizeof bits && bytes > 0) {
    const size_t unused = 64 - 8 * bytes;
    return static_cast<lua_Number>(static_cast<int64_t>(bits << unused) >> unused);
  }
  return static_cast<lua_Number>(static_cast<int64_t>(bits));
}

void Reverse(char* bytes, size_t size) {
  for (size_t i = 0; i < size / 2; ++i) std::swap(bytes[i], bytes[size - 1 - i]);
}

template <typename Real>
void AppendReal(lua_Number number, bool little, std::string* out) {
  const Real real = static_cast<Real>(number);
  char bytes[sizeof real];
  std::memcpy(bytes, &real, sizeof real);
  if (little != (std::endian::native == std::endian::little)) Reverse(bytes, sizeof bytes);
  out->append(bytes, sizeof bytes);
}

template <typename Real>
lua_Number ReadReal(std::string_view data, bool little) {
  char bytes[sizeof(Real)];
  std::memcpy(bytes, data.data(), sizeof bytes);
  if (little != (std::endian::native == std::endian::little)) Reverse(bytes, sizeof bytes);
  Real real;
  std::memcpy(&real, bytes, sizeof real);
  return static_cast<lua_Number>(real);
}

int InvalidOption(lua_State* lua, char option) {
  return luaL_argerror(lua, 1, lua_pushfstring(lua, "invalid format option '%c'", option));
}

void AppendString(lua_State* lua, int argument, const Format::Item& item, std::string* out) {
  size_t size = 0;
  const char* data = luaL_checklstring(lua, argument, &size);
  const bool whole = item.option == 's' || item.bytes == 0;
  if (!whole && size < item.bytes) luaL_argerror(lua, argument + 1, "string too short");
  out->append(data, whole ? size : item.bytes);
  if (item.option == 's') out->push_back('\0');
}

int Pack(lua_State* lua) {
  LuaState& state = LuaState::Of(lua);
  std::string& out = state.running()->scratch();
  out.clear();
  Format format{lua, luaL_checkstring(lua, 1)};
  lua_pushnil(lua);  // what missing arguments are
  int argument = 2;
  for (Format::Item item; format.Next(out.size(), &item);) {
    if (out.size() + item.padding + item.bytes > state.limit_bytes()) {
      return luaL_error(lua, "not enough memory");
    }
    out.append(item.padding, '\0');
    if (IsInteger(item.option)) {
      AppendInteger(luaL_checknumber(lua, argument++), item.bytes, format.little, &out);
    } else if (item.option == 'f') {
      AppendReal<float>(luaL_checknumber(lua, argument++), format.little, &out);
    } else if (item.option == 'd') {
      AppendReal<double>(luaL_checknumber(lua, argument++), format.little, &out);
    } else if (item.option == 'x') {
      out.push_back('\0');
    } else if (item.option == 'c' || item.option == 's') {
      AppendString(lua, argument++, item, &out);
    } else {
      return InvalidOption(lua, item.option);
    }
  }
  lua_pushlstring(lua, out.data(), out.size());
  return 1;
}

// The string that the item stands for, from the beginning of `data`; `*taken` are its bytes there.
std::string_view ReadString(lua_State* lua, const Format::Item& item, std::string_view data,
                            bool has_previous, size_t* taken) {
  if (item.option == 's') {
    const size_t end = data.find('\0');
    if (end == std::string_view::npos) luaL_error(lua, "unfinished string in data");
    *taken = end + 1;
    return data.substr(0, end);
  }
  size_t bytes = item.bytes;
  if (bytes == 0) {
    if (!has_previous || lua_isnumber(lua, -1) == 0) {
      luaL_error(lua, "format 'c0' needs a previous size");
    }
    lua_Number size = lua_tonumber(lua, -1);
    lua_pop(lua, 1);
    if (size >= 2 * 9223372036854775808.0) size = 0;  // what the processor makes of it
    const bool fits = size >= 0 && size <= static_cast<lua_Number>(data.size());
    if (!fits) luaL_argerror(lua, 2, "data string too short");
    bytes = static_cast<size_t>(size);
  }
  *taken = bytes;
  return data.substr(0, bytes);
}

int Unpack(lua_State* lua) {
  Format format{lua, luaL_checkstring(lua, 1)};
  size_t size = 0;
  const char* bytes = luaL_checklstring(lua, 2, &size);
  const lua_Number first = std::trunc(luaL_optnumber(lua, 3, 1));
  luaL_argcheck(lua, first != 0, 3, "offset must be 1 or greater");
  const bool fits = first >= 1 && first - 1 <= static_cast<lua_Number>(size);
  const std::string_view data(bytes, size);
  size_t offset = fits ? static_cast<size_t>(first) - 1 : 0;
  lua_settop(lua, 2);
  for (Format::Item item; format.Next(offset, &item);) {
    if (!fits || item.padding + item.bytes > size - offset) {
      luaL_argerror(lua, 2, "data string too short");
    }
    offset += item.padding;
    luaL_checkstack(lua, 2, "too many results");
    const std::string_view rest = data.substr(offset);
    const std::string_view value = rest.substr(0, item.bytes);
    size_t taken = item.bytes;
    if (IsInteger(item.option)) {
      const bool is_signed = std::islower(static_cast<unsigned char>(item.option)) != 0;
      lua_pushnumber(lua, ReadInteger(value, format.little, is_signed));
    } else if (item.option == 'f') {
      lua_pushnumber(lua, ReadReal<float>(value, format.little));
    } else if (item.option == 'd') {
      lua_pushnumber(lua, ReadReal<double>(value, format.little));
    } else if (item.option == 'c' || item.option == 's') {
      const std::string_view text = ReadString(lua, item, rest, lua_gettop(lua) > 2, &taken);
      lua_pushlstring(lua, text.data(), text.size());
    } else if (item.option != 'x') {
      return InvalidOption(lua, item.option);
    }
    offset += taken;
  }
  // Where there is nothing is not asked if there are no items.
  lua_pushnumber(lua, fits ? static_cast<lua_Number>(offset + 1) : first);
  return lua_gettop(lua) - 2;
}

int Size(lua_State* lua) {
  Format format{lua, luaL_checkstring(lua, 1)};
  size_t total = 0;
  for (Format::Item item; format.Next(total, &item);) {
    if (std::isalnum(static_cast<unsigned char>(item.option)) == 0) {
      return InvalidOption(lua, item.option);
    }
    if (item.option == 's') luaL_argerror(lua, 1, "option 's' has no fixed size");
    if (item.option == 'c' && item.bytes == 0) {
      luaL_argerror(lua, 1, "option 'c0' has no fixed size");
    }
    if (item.padding + item.bytes > INT_MAX - total) luaL_error(lua, "integral size overflow");
    total += item.padding + item.bytes;
  }
  lua_pushinteger(lua, static_cast<lua_Integer>(total));
  return 1;
}

}  // namespace

void OpenStruct(lua_State* lua) {
  lua_createtable(lua, 0, 3);
  lua_pushcfunction(lua, Pack);
  lua_setfield(lua, -2, "pack");
  lua_pushcfunction(lua, Unpack);
  lua_setfield(lua, -2, "unpack");
  lua_pushcfunction(lua, Size);
  lua_setfield(lua, -2, "size");
}

}  // namespace nokv::redis
