// Settings: the values of flags that come from files instead of the command line or variables.
//
// A flag that may come from a variable may come from a file, under its own name. Files are shared
// by the programs, so a file is checked against the flags of all of them (SettingsSchema),
// whichever program reads it. Of several files the first that has a value counts.
//
// Thread safety: thread-compatible.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "cli/command.h"
#include "cli/flags.h"
#include "config/settings_file.h"
#include "nokv/status.h"

namespace nokv::cli {

// The flags that files may set, each as it is declared for its command.
class SettingsSchema {
 public:
  // `define` is that of a command.
  void Add(const std::function<Action(FlagSet&)>& define);

  // The declarations of a setting, those of the first command first; empty: there is none.
  std::vector<const Flag*> Find(const std::string& name) const;
  // All settings, in the order of the alphabet.
  std::vector<std::string> names() const;
  // The nearest name there is; empty: none is near.
  std::string Nearest(std::string_view name) const;
  // What is wrong with a setting, its name included; empty: nothing.
  std::string Check(const config::Setting& setting) const;

 private:
  std::vector<std::unique_ptr<FlagSet>> sets_;
  std::vector<Action> keep_;  // what the flags are bound to
  std::map<std::string, std::vector<const Flag*>> flags_;
};

class Settings {
 public:
  // Reads `paths`, the most important first. Those that do not exist are passed over, but for
  // `required`. kInvalidArgument with everything that is wrong in all of them: E2202 if one cannot
  // be read, else E2201.
  static Result<Settings> Read(vfs::FileSystem& fs, const std::vector<std::string>& paths,
                               const std::string& required, const SettingsSchema& schema);

  // What the files have for `flag`, that which counts first. Relative paths are taken from the
  // folder of the file, not that of the process.
  std::vector<FileValue> Find(const Flag& flag) const;
  // The files that there are.
  const std::vector<std::string>& paths() const { return paths_; }

 private:
  std::vector<std::string> paths_;
  std::vector<config::SettingsFile> files_;  // one for each path
};

// Where a program looks for settings: --config FILE instead of the first of the usual places.
std::vector<std::string> SettingsPaths(const Environment& environment, const std::string& config);

}  // namespace nokv::cli
