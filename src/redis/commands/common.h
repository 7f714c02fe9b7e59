// What several command families share: error texts, argument parsing, typed look-ups.
//
// Thread safety: as commands/command.h.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "redis/commands/command.h"

namespace nokv::redis {

inline constexpr std::string_view kSyntaxError = "ERR syntax error";
inline constexpr std::string_view kNotAnInteger = "ERR value is not an integer or out of range";
inline constexpr std::string_view kWrongTypeError =
    "WRONGTYPE Operation against a key holding the wrong kind of value";
inline constexpr std::string_view kTooLong =
    "ERR string exceeds maximum allowed size (proto-max-bulk-len)";
inline constexpr size_t kMaxStringBytes = size_t{512} << 20;

// proto-max-bulk-len: no longer string is made of shorter ones.
size_t MaxStringBytes(const Context& context);

// Writes an error and ends the command: return Fail(context, kSyntaxError).
Status Fail(Context& context, std::string_view error);

// A canonical integer, or nullopt after replying with `error`.
std::optional<int64_t> IntegerArgument(Context& context, std::string_view text,
                                       std::string_view error = kNotAnInteger);

// The same for one that fits 32 bits.
std::optional<int> SmallIntegerArgument(Context& context, std::string_view text);

enum class Lookup : uint8_t { kMissing, kFound, kWrongType };
// Finds a string that is to be read, and counts a hit or a miss. kWrongType: the error has been
// written.
Result<Lookup> FindString(Context& context, std::string_view key, Record* record);
// The same for a string that is to be changed, which is neither hit nor miss.
Result<Lookup> FindStringToChange(Context& context, std::string_view key, Record* record);
// Counts that a key to be read was there, or not, of which subscribers are told.
void CountLookup(Context& context, std::string_view key, bool found);
// Tells subscribers what happened to a key of the client's database. `event` is a literal.
void Notify(Context& context, KeyEvent kind, std::string_view event, std::string_view key);

enum class TimeUnit : uint8_t { kSeconds, kMillis };
// Turns an expiry argument into milliseconds since 1970; nullopt if it overflows or, with
// `positive`, if it is not above zero.
std::optional<uint64_t> ExpiryFrom(int64_t value, TimeUnit unit, bool absolute, bool positive,
                                   uint64_t now_ms);
// What subscribers are told of a key that gets this expiry, or loses it: a time that has passed
// deletes the key.
std::string_view ExpiryEvent(const Context& context, uint64_t expiry_ms);
// "ERR invalid expire time in 'set' command".
std::string InvalidExpiry(std::string_view command);
// "ERR wrong number of arguments for 'get' command".
std::string WrongArity(std::string_view command);
// "ERR unknown subcommand or wrong number of arguments for 'GET'. Try SLOWLOG HELP.": more
// arguments than a subcommand takes at most.
std::string WrongSubcommandUse(std::string_view container, std::string_view subcommand);
std::string LowerCase(std::string_view text);

// Replies with the help text of a container command, as Redis frames it.
void ReplyHelp(Context& context, std::string_view container,
               std::span<const std::string_view> lines);

}  // namespace nokv::redis
