// The documentation of a command, read from its text (commands/doc_text.h) for COMMAND DOCS.
//
// Its "args" line is a small grammar, one word for each argument:
//
//   key value            names; an argument is a string unless a type says something else
//   count:int            types: int, float, key, pattern, time, token; "key" alone is a key
//   NX                   a token that stands for itself
//   EX=seconds:int       a token and the argument that follows it
//   condition(NX|XX)     one of several
//   pair(field value)    several that stand together
//   [GET]                optional
//   key+ PREFIX=name++   repeated; repeated together with its token
//   GET@6.2.0  ip~2.8.0  since when it exists; since when it is deprecated
//
// Thread safety: pure functions.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace nokv::redis {

struct CommandSpec;

// Views are of the text of the command.
struct Argument {
  std::string name;
  std::string_view type;  // as Redis names it
  std::optional<std::string_view> token;
  std::string_view since;
  std::string_view deprecated_since;
  bool optional = false;
  bool repeated = false;
  bool repeated_with_token = false;
  int key_spec = -1;  // of a key: which of the command's key specs it falls under
  std::vector<Argument> arguments;
};

struct CommandDoc {
  std::string_view summary;
  std::string_view cost;  // empty for a container of subcommands
  std::string_view deprecated_since;
  std::string_view replaced_by;
  std::vector<std::string_view> tips;
  std::vector<std::pair<std::string_view, std::string_view>> history;  // version, change
  std::vector<Argument> arguments;
};

// nullopt if the text is malformed, which a test looks for in all commands.
std::optional<CommandDoc> ParseDoc(const CommandSpec& spec);

}  // namespace nokv::redis
