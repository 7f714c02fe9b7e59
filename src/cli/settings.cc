#include "cli/settings.h"

#include <algorithm>
#include <utility>

#include "cli/text.h"
#include "config/suggest.h"
#include "vfs/file_mode.h"
#include "vfs/vfs.h"

namespace nokv::cli {

namespace {

constexpr uint64_t kMaxBytes = 1 << 20;
constexpr size_t kMaxProblems = 20;  // that a message shows
constexpr uint16_t kBadSettings = 2201;
constexpr uint16_t kUnreadableSettings = 2202;

std::string Text(const std::string& path, const config::Place& at) {
  return path + ":" + std::to_string(at.line) + ":" + std::to_string(at.column);
}

// "text", for the kind that a file has or a flag wants.
const char* NameOf(config::Setting::Kind kind) {
  if (kind == config::Setting::Kind::kText) return "text";
  return kind == config::Setting::Kind::kNumber ? "a number" : "true or false";
}

// Also what this user may not even look for is not there: in the home of another, say.
bool IsThere(vfs::FileSystem& fs, const std::string& path) {
  const Result<bool> exists = fs.Exists(path);
  return exists.ok() && *exists;
}

Status Unreadable(const Status& why) {
  return Status::InvalidArgument("settings: " + std::string(why.message()))
      .WithHint(why.hint().empty() ? "name a file that is there and that this user may read: "
                                     "--config FILE"
                                   : why.hint())
      .WithErrorNumber(kUnreadableSettings);
}

// One problem in the message itself; more on lines of their own.
Status Bad(const std::vector<std::string>& problems) {
  std::string text = problems[0];
  if (problems.size() > 1) {
    text = std::to_string(problems.size()) + " mistakes in settings";
    for (size_t i = 0; i < std::min(problems.size(), kMaxProblems); i++)
      text += "\n  " + problems[i];
    if (problems.size() > kMaxProblems) text += "\n  …";
  }
  return Status::InvalidArgument(text).WithErrorNumber(kBadSettings);
}

void AddProblems(const std::string& path, const config::SettingsFile& file,
                 const SettingsSchema& schema, std::vector<std::string>* problems) {
  std::vector<config::Problem> found = file.problems;
  for (const config::Setting& setting : file.settings) {
    const std::string problem = schema.Check(setting);
    if (problem.empty()) continue;
    const bool known = !schema.Find(setting.name).empty();
    found.push_back({known ? setting.value_at : setting.name_at, problem});
  }
  std::stable_sort(found.begin(), found.end(), [](const auto& a, const auto& b) {
    return std::pair(a.at.line, a.at.column) < std::pair(b.at.line, b.at.column);
  });
  for (const config::Problem& problem : found) {
    problems->push_back(Text(path, problem.at) + ": " + problem.what);
  }
}

}  // namespace

void SettingsSchema::Add(const std::function<Action(FlagSet&)>& define) {
  sets_.push_back(std::make_unique<FlagSet>());
  keep_.push_back(define(*sets_.back()));
  for (const Flag& flag : sets_.back()->flags()) {
    if (!flag.environment.empty()) flags_[flag.name].push_back(&flag);
  }
}

std::vector<const Flag*> SettingsSchema::Find(const std::string& name) const {
  const auto it = flags_.find(name);
  return it == flags_.end() ? std::vector<const Flag*>() : it->second;
}

std::vector<std::string> SettingsSchema::names() const {
  std::vector<std::string> names;
  for (const auto& [name, flags] : flags_) names.push_back(name);
  return names;
}

std::string SettingsSchema::Nearest(std::string_view name) const {
  // As variables and other programs have it.
  std::string plain(name.substr(name.starts_with("--") ? 2 : 0));
  std::replace(plain.begin(), plain.end(), '_', '-');
  return flags_.contains(plain) ? plain : config::Suggest(plain, names());
}

std::string SettingsSchema::Check(const config::Setting& setting) const {
  const auto flags = Find(setting.name);
  if (flags.empty()) {
    const std::string nearest = Nearest(setting.name);
    return "unknown setting " + Quoted(setting.name) +
           (nearest.empty() ? "" : "; did you mean " + nearest + "?");
  }
  std::string problem;
  for (const Flag* flag : flags) {
    problem = flag->kind == setting.kind
                  ? flag->Assign(setting.text)
                  : std::string("must be ") + NameOf(flag->kind) + ", not " + NameOf(setting.kind);
    // What makes sense for one command is a setting; an empty address, say.
    if (problem.empty()) return "";
  }
  return setting.name + " " + problem;
}

Result<Settings> Settings::Read(vfs::FileSystem& fs, const std::vector<std::string>& paths,
                                const std::string& required, const SettingsSchema& schema) {
  Settings settings;
  std::vector<std::string> problems;
  for (const std::string& path : paths) {
    if (path != required && !IsThere(fs, path)) continue;
    // To wait for a pipe's writer would be to hang.
    const Result<bool> regular = vfs::IsRegularFile(path);
    if (!regular.ok()) return Unreadable(regular.status());
    if (!*regular) return Unreadable(Status::InvalidArgument(path + " is no regular file"));
    const Result<std::string> text = fs.ReadFile(path, kMaxBytes);
    if (!text.ok()) return Unreadable(text.status());
    settings.paths_.push_back(path);
    settings.files_.push_back(config::ParseSettings(*text));
    AddProblems(path, settings.files_.back(), schema, &problems);
  }
  if (!problems.empty()) return Bad(problems);
  return settings;
}

std::vector<FileValue> Settings::Find(const Flag& flag) const {
  std::vector<FileValue> values;
  for (size_t i = 0; i < files_.size(); i++) {
    for (const config::Setting& setting : files_[i].settings) {
      if (setting.name != flag.name) continue;
      const std::string folder = vfs::DirName(paths_[i]);
      const bool elsewhere =
          flag.is_path && folder != "." && !setting.text.empty() && setting.text[0] != '/';
      values.push_back({elsewhere ? vfs::JoinPath(folder, setting.text) : setting.text,
                        Text(paths_[i], setting.value_at)});
    }
  }
  return values;
}

std::vector<std::string> SettingsPaths(const Environment& environment, const std::string& config) {
  std::vector<std::string> paths = environment.settings_files;
  if (config.empty()) return paths;
  if (!paths.empty()) paths.erase(paths.begin());
  paths.insert(paths.begin(), config);
  return paths;
}

}  // namespace nokv::cli
