#include "cli/flags.h"

#include <algorithm>
#include <cctype>
#include <utility>

#include "cli/flag_values.h"
#include "cli/suggest.h"
#include "cli/text.h"
#include "rpc/http/http.h"

namespace nokv::cli {

namespace {

std::string RangeText(std::string_view kind, const Range& range, std::string (*text)(uint64_t)) {
  return "is not " + std::string(kind) + " " +
         (range.most == UINT64_MAX ? "of at least " + text(range.least)
                                   : "from " + text(range.least) + " to " + text(range.most));
}

std::string NumberText(uint64_t number) {
  return std::to_string(number);
}

// A setter for a number that `parse` reads; complaints begin with `kind`.
std::function<std::string(const std::string&)> Bounded(
    uint64_t* target, Range range, const std::string& complaint,
    std::optional<uint64_t> (*parse)(std::string_view)) {
  return [=](const std::string& text) {
    const auto number = parse(text);
    if (!number.has_value() || *number < range.least || *number > range.most) return complaint;
    *target = *number;
    return std::string();
  };
}

// "always, everysec or no"
std::string AnyOf(const std::vector<std::string>& choices) {
  std::string text;
  for (size_t i = 0; i < choices.size(); i++) {
    if (i > 0) text += i + 1 == choices.size() ? " or " : ", ";
    text += choices[i];
  }
  return text;
}

// A setter for one of `choices`.
std::function<std::string(const std::string&)> OneOf(std::string* target,
                                                     std::vector<std::string> choices) {
  return [target, choices = std::move(choices)](const std::string& text) {
    if (std::find(choices.begin(), choices.end(), text) == choices.end()) {
      const std::string nearest = Suggest(text, choices);
      return "is not " + AnyOf(choices) +
             (nearest.empty() ? "" : "; did you mean " + nearest + "?");
    }
    *target = text;
    return std::string();
  };
}

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
};

Flag& Flag::Required() {
  required = true;
  return *this;
}

Flag& Flag::Env() {
  environment = "NOKV_";
  for (const char c : name) {
    environment += c == '-' ? '_' : static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  }
  return *this;
}

Flag& Flag::Short(char short_form) {
  letter = short_form;
  return *this;
}

Flag& Flag::MayBeEmpty() {
  may_be_empty = true;
  return *this;
}

Flag& Flag::ForUrls(const std::string& way_out) {
  for_urls = way_out;
  return *this;
}

Flag& Flag::Also(std::vector<std::string> names) {
  also = std::move(names);
  return *this;
}

Flag& Flag::Implied(const std::string& text) {
  implied = text;
  return *this;
}

std::string Flag::Assign(const std::string& text) const {
  if (text.empty() && !may_be_empty && !value.empty()) return "is empty: it needs " + value;
  std::string problem = set(text);
  // A directory of that name would only be made by mistake; "./" before it means it.
  if (is_path && (text.find("://") != std::string::npos ||
                  (text.find('/') == std::string::npos && rpc::ParseHostPort(text).ok()))) {
    problem = "is an address, not a path" + (for_urls.empty() ? "" : "; " + for_urls);
  }
  return problem.empty() ? "" : Quoted(text) + " " + problem;
}

Flag& FlagSet::Add(Flag flag) {
  flags_.push_back(std::move(flag));
  return flags_.back();
}

Flag& FlagSet::Text(const std::string& name, const std::string& value, std::string* target,
                    const std::string& help) {
  return Add({.name = name,
              .value = value,
              .help = help,
              .default_text = *target,
              .set = [target](const std::string& text) {
                *target = text;
                return std::string();
              }});
}

Flag& FlagSet::Path(const std::string& name, const std::string& value, std::string* target,
                    const std::string& help) {
  Flag& flag = Text(name, value, target, help);
  flag.is_path = true;
  return flag;
}

Flag& FlagSet::Switch(const std::string& name, bool* target, const std::string& help) {
  return Add({.name = name,
              .value = "",
              .help = help,
              .kind = config::Setting::Kind::kSwitch,
              .set = [target](const std::string& text) {
                if (!text.empty() && text != "true" && text != "1" && text != "false" &&
                    text != "0") {
                  return std::string("is not true or false");
                }
                *target = text != "false" && text != "0";
                return std::string();
              }});
}

Flag& FlagSet::Number(const std::string& name, const std::string& value, uint64_t* target,
                      Range range, const std::string& help) {
  return Add(
      {.name = name,
       .value = value,
       .help = help,
       .default_text = NumberText(*target),
       .kind = config::Setting::Kind::kNumber,
       .set = Bounded(target, range, RangeText("a number", range, NumberText), ParseNumber)});
}

Flag& FlagSet::Duration(const std::string& name, uint64_t* target_ms, Range range,
                        const std::string& help) {
  return Add(
      {.name = name,
       .value = "TIME",
       .help = help,
       .default_text = DurationText(*target_ms),
       .set = Bounded(target_ms, range,
                      RangeText("a time", range, DurationText) + ": a number and ms, s, m, h or d",
                      ParseDurationMs)});
}

Flag& FlagSet::Size(const std::string& name, uint64_t* target_bytes, Range range,
                    const std::string& help) {
  return Add({.name = name,
              .value = "SIZE",
              .help = help,
              .default_text = SizeText(*target_bytes),
              .set = Bounded(target_bytes, range,
                             RangeText("a size", range, SizeText) +
                                 ": a number and B, KiB, MiB, GiB, KB, MB or GB",
                             ParseSize)});
}

Flag& FlagSet::Address(const std::string& name, std::string* target, const std::string& help) {
  return Add({.name = name,
              .value = "HOST:PORT",
              .help = help,
              .default_text = *target,
              .set = [target](const std::string& text) {
                // The empty text comes only if it may.
                if (!text.empty() && !rpc::ParseHostPort(text).ok()) {
                  return std::string(
                      "is not HOST:PORT, [IPV6]:PORT or :PORT with a port from 0 to "
                      "65535");
                }
                *target = text;
                return std::string();
              }});
}

Flag& FlagSet::Choice(const std::string& name, std::string* target,
                      std::vector<std::string> choices, const std::string& help) {
  Flag& flag = Text(name, "", target, help);
  for (const std::string& choice : choices) flag.value += (flag.value.empty() ? "" : "|") + choice;
  flag.choices = choices;
  flag.set = OneOf(target, std::move(choices));
  return flag;
}

Flag& FlagSet::Argument(const std::string& name, std::string* target, const std::string& help) {
  arguments_.push_back({.name = name,
                        .value = name,
                        .help = help,
                        .may_be_empty = true,
                        .set = [target](const std::string& text) {
                          *target = text;
                          return std::string();
                        }});
  return arguments_.back();
}

Flag& FlagSet::ChoiceArgument(const std::string& name, std::string* target,
                              std::vector<std::string> choices, const std::string& help) {
  Flag& argument = Argument(name, target, help);
  argument.choices = choices;
  argument.set = OneOf(target, std::move(choices));
  return argument;
}

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
  if (token.flag == nullptr && dashes == 1 && name.size() == 1) token.flag = FindLetter(name[0]);
  if (token.flag == nullptr) return {.kind = Token::Kind::kUnknown};
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
  const std::string nearest = Suggest(name.starts_with("--") ? name : "-" + name, names);
  return nearest.empty() ? status : status.WithHint("did you mean " + nearest + "?");
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
        if (GivenFor(flag) != nullptr) {
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
        status = Take(flag, Shown(flag), token.value.value_or(flag.implied));
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
