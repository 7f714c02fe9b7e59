// FlagSet, second part: from the command line, variables and files into the targets.
#include <algorithm>
#include <utility>

#include "cli/flags.h"
#include "cli/text.h"
#include "config/suggest.h"

namespace nokv::cli {

namespace {

std::string Shown(const Flag& flag) {
  return "--" + flag.name;
}

}  // namespace

// An argument of the command line.
struct FlagSet::Token {
  enum class Kind { kEnd, kArgument, kFlag, kUnknown };
  Kind kind;
  const Flag* flag = nullptr;
  std::optional<std::string> value = {};  // what came in the same argument
  size_t times = 1;                       // -vv: 2
};

const Flag* FlagSet::Find(std::string_view name) const {
  const auto it = std::find_if(flags_.begin(), flags_.end(),
                               [name](const Flag& flag) { return flag.name == name; });
  return it == flags_.end() ? nullptr : &*it;
}

const Flag* FlagSet::FindLetter(char letter) const {
  const auto it = std::find_if(flags_.begin(), flags_.end(), [letter](const Flag& flag) {
    return letter != 0 && flag.letter == letter;
  });
  return it == flags_.end() ? nullptr : &*it;
}

FlagSet::Token FlagSet::Split(const std::string& arg) const {
  if (arg == "--") return {.kind = Token::Kind::kEnd};
  if (arg.size() < 2 || arg[0] != '-') return {.kind = Token::Kind::kArgument};
  const size_t dashes = arg[1] == '-' ? 2 : 1;
  const size_t equals = arg.find('=');
  Token token{.kind = Token::Kind::kFlag};
  const std::string name =
      arg.substr(dashes, equals == std::string::npos ? equals : equals - dashes);
  token.flag = Find(name);
  if (token.flag == nullptr && dashes == 1 && !name.empty() &&
      name.find_first_not_of(name[0]) == std::string::npos) {
    token.flag = FindLetter(name[0]);
    token.times = name.size();
  }
  const bool known = token.flag != nullptr &&
                     (token.times == 1 || (token.flag->repeats && !token.flag->TakesNext()));
  if (!known) return {.kind = Token::Kind::kUnknown};
  if (equals != std::string::npos) token.value = arg.substr(equals + 1);
  return token;
}

Status FlagSet::Unknown(const std::string& arg) const {
  const std::string name = arg.substr(0, arg.find('='));
  const Status status = Status::InvalidArgument("unknown flag " + Quoted(name));
  std::vector<std::string> names;
  const std::string plain = name.substr(std::min(name.find_first_not_of('-'), name.size()));
  for (const Flag& flag : flags_) {
    names.push_back(Shown(flag));
    if (std::find(flag.also.begin(), flag.also.end(), plain) != flag.also.end()) {
      return status.WithHint("did you mean " + Shown(flag) + " " + flag.value + "?");
    }
  }
  // "-workdri" is compared as "--workdri".
  const std::string nearest = config::Suggest(name.starts_with("--") ? name : "-" + name, names);
  return nearest.empty() ? status : status.WithHint("did you mean " + nearest + "?");
}

bool FlagSet::IsGiven(std::string_view name) const {
  const Flag* flag = Find(name);
  return flag != nullptr && GivenFor(*flag) != nullptr;
}

const Given* FlagSet::GivenFor(const Flag& flag) const {
  const auto it = std::find_if(given_.begin(), given_.end(),
                               [&flag](const Given& given) { return given.flag == &flag; });
  return it == given_.end() ? nullptr : &*it;
}

Status FlagSet::Take(const Flag& flag, const std::string& source, const std::string& text) {
  given_.push_back({&flag, text, source});
  const std::string problem = flag.Assign(text);
  return problem.empty() ? Status::Ok() : Status::InvalidArgument(source + " " + problem);
}

Status FlagSet::ParseArgument(const std::string& arg) {
  for (const Flag& argument : arguments_) {
    if (GivenFor(argument) == nullptr) return Take(argument, argument.name, arg);
  }
  return Unexpected(arg);
}

Status FlagSet::Unexpected(const std::string& arg) const {
  const Status status = Status::InvalidArgument("unexpected argument " + Quoted(arg));
  // "nokv-redis data"
  for (const Flag& flag : flags_) {
    if (flag.required && arguments_.empty() && GivenFor(flag) == nullptr) {
      return status.WithHint("did you mean " + Shown(flag) + " " + Quoted(arg) + "?");
    }
  }
  // "--watch 5s"
  if (given_.empty() || given_.back().flag->implied.empty()) return status;
  return status.WithHint("did you mean " + Shown(*given_.back().flag) + "=" + Quoted(arg) + "?");
}

Status FlagSet::ParseFlags(const Args& args) {
  bool ended = false;
  for (size_t i = 0; i < args.size(); i++) {
    Token token = ended ? Token{.kind = Token::Kind::kArgument} : Split(args[i]);
    Status status;
    switch (token.kind) {
      case Token::Kind::kEnd:
        ended = true;
        break;
      case Token::Kind::kArgument:
        status = ParseArgument(args[i]);
        break;
      case Token::Kind::kUnknown:
        return Unknown(args[i]);
      case Token::Kind::kFlag: {
        const Flag& flag = *token.flag;
        if (!flag.repeats && GivenFor(flag) != nullptr) {
          return Status::InvalidArgument(Shown(flag) + " is given twice");
        }
        if (!token.value.has_value() && flag.TakesNext()) {
          // Another flag is not a value: it was forgotten.
          const bool missing = i + 1 == args.size() ||
                               Split(args[i + 1]).kind == Token::Kind::kFlag || args[i + 1] == "--";
          if (missing) {
            return Status::InvalidArgument(Shown(flag) + " needs a value: " + flag.value);
          }
          token.value = args[++i];
        }
        if (flag.value.empty() && token.value == "") {
          return Status::InvalidArgument(Shown(flag) + " is empty: it takes no value");
        }
        for (size_t n = 0; n < token.times && status.ok(); n++) {
          status = Take(flag, Shown(flag), token.value.value_or(flag.implied));
        }
        break;
      }
    }
    if (!status.ok()) return status;
  }
  return Status::Ok();
}

Status FlagSet::FillFromEnvironment(const Variables& variables) {
  for (const Flag& flag : flags_) {
    if (flag.environment.empty() || !variables || GivenFor(flag) != nullptr) continue;
    const auto value = variables(flag.environment);
    // An empty variable is one that is not set.
    if (!value.has_value() || value->empty()) continue;
    const Status status = Take(flag, flag.environment, *value);
    if (!status.ok()) return status;
  }
  return Status::Ok();
}

Status FlagSet::FillFromFiles(const FileValues& files) {
  for (const Flag& flag : flags_) {
    if (flag.environment.empty() || GivenFor(flag) != nullptr) continue;
    const Result<std::optional<FileValue>> value = files(flag);
    if (!value.ok()) return value.status();
    // The commands that share a setting need not all have a meaning for an empty one.
    if (!value->has_value() || ((*value)->text.empty() && !flag.may_be_empty)) continue;
    const Status status = Take(flag, (*value)->place, (*value)->text);
    if (!status.ok()) return status;
  }
  return Status::Ok();
}

Status FlagSet::Parse(const Args& args, const Variables& variables, const FileValues& files) {
  Status status = ParseFlags(args);
  if (status.ok()) status = FillFromEnvironment(variables);
  if (status.ok() && files) status = FillFromFiles(files);
  if (!status.ok()) return status;
  for (const auto* declared : {&arguments_, &flags_}) {
    for (const Flag& flag : *declared) {
      if (!flag.required || GivenFor(flag) != nullptr) continue;
      missing_ = true;
      return Status::InvalidArgument((declared == &flags_ ? Shown(flag) : flag.name) +
                                     " is required");
    }
  }
  for (const auto& check : checks_) {
    status = check();
    if (!status.ok()) return status;
  }
  return Status::Ok();
}

bool FlagSet::WantsHelp(const Args& args) const {
  for (size_t i = 0; i < args.size(); i++) {
    const Token token = Split(args[i]);
    if (token.kind == Token::Kind::kEnd) return false;
    if (token.kind != Token::Kind::kFlag) continue;
    if (token.flag->name == "help") return true;
    const bool takes_next = token.flag->TakesNext() && !token.value.has_value();
    if (takes_next && i + 1 < args.size() && Split(args[i + 1]).kind != Token::Kind::kFlag) i++;
  }
  return false;
}

bool FlagSet::Knows(const Args& args) const {
  for (size_t i = 0; i < args.size(); i++) {
    const Token token = Split(args[i]);
    if (token.kind == Token::Kind::kUnknown) return false;
    if (token.kind == Token::Kind::kEnd) break;
    if (token.kind == Token::Kind::kFlag && token.flag->TakesNext() && !token.value.has_value()) {
      i++;
    }
  }
  return true;
}

size_t FlagSet::FirstArgument(const Args& args) const {
  for (size_t i = 0; i < args.size(); i++) {
    const Token token = Split(args[i]);
    if (token.kind == Token::Kind::kArgument) return i;
    if (token.kind == Token::Kind::kEnd) break;
    if (token.kind == Token::Kind::kFlag && token.flag->TakesNext() && !token.value.has_value()) {
      i++;
    }
  }
  return args.size();
}

}  // namespace nokv::cli
