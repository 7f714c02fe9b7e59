#include "cli/flags.h"

#include <algorithm>
#include <cctype>
#include <utility>

#include "cli/flag_values.h"
#include "cli/text.h"
#include "config/suggest.h"
#include "rpc/http/host_port.h"

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
      const std::string nearest = config::Suggest(text, choices);
      return "is not " + AnyOf(choices) +
             (nearest.empty() ? "" : "; did you mean " + nearest + "?");
    }
    *target = text;
    return std::string();
  };
}

}  // namespace

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

Flag& FlagSet::Workdir(std::string* target, const std::string& help) {
  return Path("workdir", "DIR", target, help)
      .Short('w')
      .Also({"dir", "data", "data-dir", "datadir", "db", "path"})
      .Env();
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

Flag& FlagSet::List(const std::string& name, const std::string& value,
                    std::vector<std::string>* target, const std::string& help) {
  return Add({.name = name,
              .value = value,
              .help = help,
              .repeats = true,
              .set = [target](const std::string& text) {
                target->push_back(text);
                return std::string();
              }});
}

Flag& FlagSet::Count(const std::string& name, uint64_t* target, uint64_t most,
                     const std::string& help) {
  return Add({.name = name,
              .value = "",
              .help = help,
              .repeats = true,
              .kind = config::Setting::Kind::kSwitch,
              .set = [target, most](const std::string& text) {
                if (!text.empty()) return std::string("is a value, and it takes none");
                *target = std::min(*target + 1, most);
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
  return Add({.name = name,
              .value = "TIME",
              .help = help,
              .default_text = DurationText(*target_ms),
              .set = [bounded = Bounded(target_ms, range,
                                        RangeText("a time", range, DurationText) +
                                            ": a number and ms, s, m, h or d",
                                        ParseDurationMs)](const std::string& text) {
                const std::string problem = bounded(text);
                // "--ttl 30"
                const bool bare = !problem.empty() && ParseNumber(text).has_value();
                return bare ? problem + "; did you mean " + text + "s?" : problem;
              }});
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

}  // namespace nokv::cli
