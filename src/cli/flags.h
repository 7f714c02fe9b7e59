// FlagSet: the flags and arguments of one command. Each is declared in one line, bound to the field
// that it sets; the same declaration parses, and feeds help, completion and the manual pages.
//
//   flags.Text("workdir", "DIR", &options->workdir, "the database directory").Required().Env();
//   flags.Number("limit", "N", &options->limit, {1, 1'000'000}, "stop after so many keys");
//   flags.Choice("sync", &options->sync, {"always", "everysec", "no"}, "when a write is durable");
//   flags.Switch("keys-only", &options->keys_only, "leave the values out");
//   flags.Argument("KEY", &options->key, "text, hex:, b64:, @file or - for standard input");
//
// The value that the field has when it is declared is the default. A value comes from the command
// line, else from the environment variable, else from a settings file, else it stays the default.
//
// Flags are written --name value, --name=value and, as the first tools of this family had it, with
// a single dash; those with a letter also -o value. One whose value may be left out takes it behind
// "=" only. "--" ends them; a lone "-" is an argument.
//
// Thread safety: none; one owner.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/settings_file.h"
#include "nokv/status.h"

namespace nokv::cli {

using Args = std::vector<std::string>;
// The value of an environment variable.
using Variables = std::function<std::optional<std::string>(const std::string& name)>;

// Both ends are allowed.
struct Range {
  uint64_t least = 0;
  uint64_t most = UINT64_MAX;
};

struct Flag;

// A value that a settings file has, and where it stands there: "./nokv.json:3:11".
struct FileValue {
  std::string text;
  std::string place;
};
// What files have for a flag that has a variable. An error ends the parsing.
using FileValues = std::function<Result<std::optional<FileValue>>(const Flag& flag)>;

// One flag or argument, as it describes itself.
struct Flag {
  std::string name;        // without dashes; of an argument: "KEY"
  std::string value = {};  // what stands for its value in help: "DIR"; empty: a switch
  std::string help = {};   // a phrase, without a full stop
  std::string default_text = {};
  std::vector<std::string> choices = {};
  std::string environment = {};  // the variable it may come from; empty: none, and no file either
  std::string implied = {};      // its value if it is given without one; empty: it needs one
  char letter = 0;               // the short form; 0: none
  bool required = false;
  bool may_be_empty = false;
  bool is_path = false;                // completion offers files
  std::string for_urls = {};           // of a path: the way out for who gives an address instead
  std::vector<std::string> also = {};  // what other programs call it; a suggestion, no flag
  bool everywhere = false;             // every command has it; help lists it last
  bool repeats = false;                // it may come several times, as -v -v
  // How a settings file writes its value.
  config::Setting::Kind kind = config::Setting::Kind::kText;
  // Stores the value; returns what is wrong with it: "is not a number from 1 to 10".
  std::function<std::string(const std::string& text)> set = {};

  // It must be given, on the command line or by its variable.
  Flag& Required();
  // It may come from NOKV_NAME, where NAME is the flag's in capitals, or from a settings file.
  Flag& Env();
  Flag& Short(char short_form);
  // An empty value means something.
  Flag& MayBeEmpty();
  // Who gives a URL or HOST:PORT instead of a path is told this.
  Flag& ForUrls(const std::string& way_out);
  Flag& Also(std::vector<std::string> names);
  // --name alone means --name=VALUE.
  Flag& Implied(const std::string& text);

  // True if its value may be the next argument.
  bool TakesNext() const { return !value.empty() && implied.empty(); }
  // Stores a value; what is wrong with it, after the name: `"x" is not a number from 1 to 10`;
  // empty: nothing.
  std::string Assign(const std::string& text) const;
};

// What a flag was set to, and by what: "--sync", "NOKV_SYNC" or "./nokv.json:3:11".
struct Given {
  const Flag* flag;
  std::string text;
  std::string source;
};

class FlagSet {
 public:
  FlagSet() = default;
  FlagSet(const FlagSet&) = delete;
  FlagSet& operator=(const FlagSet&) = delete;

  // `name` without dashes; `value` stands for the value in help. The references are good for as
  // long as the set.
  Flag& Text(const std::string& name, const std::string& value, std::string* target,
             const std::string& help);
  // As Text; completion offers files and directories.
  Flag& Path(const std::string& name, const std::string& value, std::string* target,
             const std::string& help);
  // --workdir, which every program has: -w and NOKV_WORKDIR, suggested for the names that others
  // give it.
  Flag& Workdir(std::string* target, const std::string& help = "the database directory");
  // As Text; each time that it is given, its value joins the list.
  Flag& List(const std::string& name, const std::string& value, std::vector<std::string>* target,
             const std::string& help);
  Flag& Switch(const std::string& name, bool* target, const std::string& help);
  // A switch that counts how often it is given; beyond `most` it makes no difference.
  Flag& Count(const std::string& name, uint64_t* target, uint64_t most, const std::string& help);
  Flag& Number(const std::string& name, const std::string& value, uint64_t* target, Range range,
               const std::string& help);
  // "250ms", "10s", "5m", "2h", "7d"; the target and the range are milliseconds.
  Flag& Duration(const std::string& name, uint64_t* target_ms, Range range,
                 const std::string& help);
  // "4096", "64KiB", "128MB", "1GiB"; the target and the range are bytes.
  Flag& Size(const std::string& name, uint64_t* target_bytes, Range range, const std::string& help);
  // "HOST:PORT", "[::1]:PORT" or ":PORT".
  Flag& Address(const std::string& name, std::string* target, const std::string& help);
  Flag& Choice(const std::string& name, std::string* target, std::vector<std::string> choices,
               const std::string& help);
  // An argument without a flag; they are taken in the order of their declarations.
  Flag& Argument(const std::string& name, std::string* target, const std::string& help);
  // As Argument, one of `choices`.
  Flag& ChoiceArgument(const std::string& name, std::string* target,
                       std::vector<std::string> choices, const std::string& help);
  // A condition between flags, checked after all are set.
  void Check(std::function<Status()> check) { checks_.push_back(std::move(check)); }

  // Fills the targets. kInvalidArgument for what is not declared, with the nearest flag as hint;
  // for a flag that comes twice, has no value or one that does not fit; and for what is missing.
  // `files` is asked when command line and variables are in the targets; null: there are none.
  Status Parse(const Args& args, const Variables& variables, const FileValues& files = nullptr);

  // True if -h or --help is among `args`, before "--" and not as the value of a flag.
  bool WantsHelp(const Args& args) const;
  // The position in `args` of the first argument that is neither a flag nor the value of one, the
  // flags being those of this set; args.size() if there is none before "--".
  size_t FirstArgument(const Args& args) const;

  // True if all flags in `args` are of this set.
  bool Knows(const Args& args) const;

  // True if Parse failed because something required was left out.
  bool missing() const { return missing_; }

  const std::deque<Flag>& flags() const { return flags_; }
  const std::deque<Flag>& arguments() const { return arguments_; }
  // What Parse took for `flag`, which is of this set; null: it has its default.
  const Given* GivenFor(const Flag& flag) const;
  // The same by its name.
  bool IsGiven(std::string_view name) const;

 private:
  struct Token;  // an argument of the command line, taken apart
  Flag& Add(Flag flag);
  const Flag* Find(std::string_view name) const;
  const Flag* FindLetter(char letter) const;
  Token Split(const std::string& arg) const;
  Status Unknown(const std::string& arg) const;
  Status Unexpected(const std::string& arg) const;
  Status Take(const Flag& flag, const std::string& source, const std::string& text);
  Status ParseArgument(const std::string& arg);
  Status ParseFlags(const Args& args);
  Status FillFromEnvironment(const Variables& variables);
  Status FillFromFiles(const FileValues& files);

  std::deque<Flag> flags_;
  std::deque<Flag> arguments_;
  std::vector<std::function<Status()>> checks_;
  std::vector<Given> given_;
  bool missing_ = false;
};

}  // namespace nokv::cli
