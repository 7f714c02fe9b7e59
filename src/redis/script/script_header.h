// ScriptHeader: the first line of a script, "#!lua flags=no-writes,allow-oom".
//
// Thread safety: a pure function.
#pragma once

#include <cstddef>
#include <string_view>

#include "nokv/status.h"

namespace nokv::redis {

struct ScriptHeader {
  bool present = false;
  bool no_writes = false;
  // Where the text begins that Lua compiles: at the line break, so that lines keep their numbers.
  size_t body_begin = 0;
};

// Errors: kInvalidArgument, in Redis's words.
Result<ScriptHeader> ParseScriptHeader(std::string_view script);

}  // namespace nokv::redis
