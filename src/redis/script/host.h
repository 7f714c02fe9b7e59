// ScriptHost: what a script asks of the gateway around it.
//
// Thread safety: called on the gateway's loop, from inside ScriptRun::Resume.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace nokv::redis {

enum class ScriptLogLevel : uint8_t { kDebug, kVerbose, kNotice, kWarning };

class ScriptHost {
 public:
  virtual ~ScriptHost() = default;
  // Runs one command, whose words live until it returns; appends one reply, as RESP of version
  // `protocol`, to `*reply`.
  virtual void Call(std::span<const std::string_view> args, int protocol, std::string* reply) = 0;
  // Whether the user of the script may run a command; nullopt if there is no such command.
  virtual std::optional<bool> MayCall(std::span<const std::string_view> args) = 0;
  virtual void Log(ScriptLogLevel level, std::string_view text) = 0;
};

}  // namespace nokv::redis
