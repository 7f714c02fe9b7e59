// JsonDocument: a file of JSON (RFC 8259: no comments, no trailing commas) as a tree that says
// where each value stands, so that whoever judges it can point at what is wrong.
//
// Thread safety: pure functions; the structs are values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace nokv::config {

// Both count from 1; a column is a character of UTF-8.
struct Place {
  uint64_t line = 1;
  uint64_t column = 1;
  auto operator<=>(const Place&) const = default;
};

struct Problem {
  Place at;
  std::string what;  // "is given twice, first in line 3"
};

struct JsonMember;

struct JsonValue {
  enum class Kind { kNull, kSwitch, kNumber, kText, kList, kObject };

  Kind kind = Kind::kNull;
  std::string text = {};  // a number as it is written; "true" or "false" of a switch
  Place at = {};
  std::vector<JsonValue> items = {};  // of a list
  std::vector<JsonMember> members;    // of an object, in the order of the file; names may repeat
};

struct JsonMember {
  std::string name;
  Place name_at;
  JsonValue value;
};

struct JsonDocument {
  // What was read before a mistake of syntax. Empty: nothing was.
  std::optional<JsonValue> root;
  // The mistake of syntax.
  std::optional<Problem> problem;
};

// Lists and objects that lie deeper are there, but empty.
inline constexpr size_t kMaxJsonDepth = 16;

// Takes any bytes. The tree takes about a hundred bytes for each value.
JsonDocument ParseJson(std::string_view text);

// "null", "true or false", "a number", "text", "a list" or "an object".
std::string_view NameOf(JsonValue::Kind kind);

}  // namespace nokv::config
