#include "redis/script/script_header.h"

#include <algorithm>
#include <array>
#include <string>

#include "base/macros.h"

namespace nokv::redis {

namespace {

constexpr std::string_view kNoWrites = "no-writes";
// All are accepted; only the first makes a difference here.
constexpr std::array<std::string_view, 5> kFlags = {kNoWrites, "allow-oom", "allow-stale",
                                                    "no-cluster", "allow-cross-slot-keys"};

// Cuts off what is before the first `separator`.
std::string_view TakeUntil(std::string_view* text, char separator) {
  const std::string_view part = text->substr(0, text->find(separator));
  text->remove_prefix(std::min(text->size(), part.size() + 1));
  return part;
}

Status ParseFlags(std::string_view flags, ScriptHeader* header) {
  while (!flags.empty()) {
    const std::string_view flag = TakeUntil(&flags, ',');
    if (std::find(kFlags.begin(), kFlags.end(), flag) == kFlags.end()) {
      return Status::InvalidArgument("Unexpected flag in script shebang: " + std::string(flag));
    }
    header->no_writes |= flag == kNoWrites;
  }
  return Status::Ok();
}

}  // namespace

Result<ScriptHeader> ParseScriptHeader(std::string_view script) {
  ScriptHeader header;
  if (!script.starts_with("#!")) return header;
  header.present = true;
  header.body_begin = script.find('\n');
  if (header.body_begin == std::string_view::npos) {
    return Status::InvalidArgument("Invalid script shebang");
  }
  std::string_view line = script.substr(0, header.body_begin);
  if (const std::string_view engine = TakeUntil(&line, ' '); engine != "#!lua") {
    return Status::InvalidArgument("Unexpected engine in script shebang: " + std::string(engine));
  }
  constexpr std::string_view kFlagsOption = "flags=";
  while (!line.empty()) {
    const std::string_view option = TakeUntil(&line, ' ');
    if (option.empty()) continue;
    if (!option.starts_with(kFlagsOption)) {
      return Status::InvalidArgument("Unknown lua shebang option: " + std::string(option));
    }
    RETURN_IF_ERROR(ParseFlags(option.substr(kFlagsOption.size()), &header));
  }
  return header;
}

}  // namespace nokv::redis
