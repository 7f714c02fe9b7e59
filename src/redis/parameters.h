// The parameters of CONFIG GET and CONFIG SET, one line for each in parameters.cc.
//
// A parameter acts (it reads and changes a member of Config), is stored (it is checked, kept and
// shown, but there is nothing here that it could change: encodings of structures, for example), or
// is fixed. docs/redis-compatibility.md lists them; a test compares.
//
// Thread safety: immutable.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "redis/config.h"

namespace nokv::redis {

struct Parameter {
  enum class Effect : uint8_t { kActs, kStored, kFixed };

  std::string_view name;
  // Brings `*text` into the form that CONFIG GET shows; returns what is wrong with it, in Redis's
  // words, or nothing.
  std::function<std::string(std::string* text)> check;
  std::function<std::string(const Config& config)> get;
  // Takes a text that was checked. Null: immutable.
  std::function<void(Config& config, const std::string& text)> set;
  Effect effect = Effect::kActs;
  std::string_view old_name = "";  // that Redis still knows it by
};

// By name.
std::span<const Parameter> Parameters();
// By name or old name, in any mixture of cases; null if there is none.
const Parameter* FindParameter(std::string_view name);

}  // namespace nokv::redis
