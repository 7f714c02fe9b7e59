// FlagSet: the flags of one command, parsed by CLI11. Flags are written --name value, --name=value,
// and, as the first tools of this family had it, with a single dash. "--" ends them.
//
// Thread safety: none; one owner.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "nokv/status.h"

namespace nokv::cli {

using Args = std::vector<std::string>;

class FlagSet {
 public:
  FlagSet();
  ~FlagSet();
  FlagSet(const FlagSet&) = delete;
  FlagSet& operator=(const FlagSet&) = delete;

  // Defines a flag; `name` without dashes. The target keeps its value if the flag is not given.
  void String(const std::string& name, std::string* target);
  void Bool(const std::string& name, bool* target);
  // Defines the argument that may stand without a flag.
  void Positional(const std::string& name, std::string* target);

  // Fills the targets. kInvalidArgument for a flag or argument that is not defined, with the
  // nearest flag as hint, or a value that does not fit. -h and --help only set help().
  Status Parse(const Args& args);
  bool help() const { return help_; }

 private:
  struct Parser;
  std::unique_ptr<Parser> parser_;
  std::vector<std::string> names_;
  bool help_ = false;
};

}  // namespace nokv::cli
