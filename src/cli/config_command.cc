#include <memory>
#include <string>
#include <vector>

#include "cli/nokv_commands.h"
#include "cli/output.h"
#include "cli/settings.h"
#include "cli/text.h"

namespace nokv::cli {

namespace {

struct ConfigOptions {
  std::string action, what, config;
  OutputOptions output;
};

const std::vector<std::string>& Columns() {
  static const std::vector<std::string> kColumns = {"setting", "value", "source"};
  return kColumns;
}

int Check(const ConfigOptions& options, const Environment& environment) {
  const std::string& file = options.what.empty() ? options.config : options.what;
  const auto paths = options.what.empty() ? SettingsPaths(environment, options.config)
                                          : std::vector<std::string>{file};
  const auto settings = Settings::Read(environment.fs, paths, file, KnownSettings());
  if (!settings.ok()) return FailUsage(settings.status(), "nokv config", environment.err);
  for (const std::string& path : settings->paths()) environment.out << path << ": no mistakes\n";
  if (settings->paths().empty() && environment.verbosity != Verbosity::kQuiet) {
    environment.err << "no settings file is there\n";
  }
  return kExitOk;
}

struct Source {
  std::string value;
  std::string name;
};

// Every source that has a value for what `flags` declare, that which counts first.
std::vector<Source> SourcesOf(const std::vector<const Flag*>& flags, const Settings& settings,
                              const Environment& environment) {
  std::vector<Source> sources;
  const auto variable =
      environment.variables ? environment.variables(flags[0]->environment) : std::nullopt;
  if (!variable.value_or("").empty()) sources.push_back({*variable, flags[0]->environment});
  for (const FileValue& value : settings.Find(*flags[0])) {
    sources.push_back({value.text, value.place});
  }
  std::string otherwise;
  for (const Flag* flag : flags) {
    if (otherwise.empty()) otherwise = flag->default_text;
  }
  sources.push_back({otherwise, "default"});
  return sources;
}

int Explain(const ConfigOptions& options, const Environment& environment) {
  const SettingsSchema schema = KnownSettings();
  const std::string& name = options.what;
  if (!name.empty() && schema.Find(name).empty()) {
    const std::string nearest = schema.Nearest(name);
    return FailUsage(Status::InvalidArgument("unknown setting " + Quoted(name))
                         .WithHint(nearest.empty() ? "nokv config explain lists them all"
                                                   : "did you mean " + nearest + "?"),
                     "nokv config", environment.err);
  }
  const auto settings = Settings::Read(environment.fs, SettingsPaths(environment, options.config),
                                       options.config, schema);
  if (!settings.ok()) return FailUsage(settings.status(), "nokv config", environment.err);
  if (!name.empty() && environment.verbosity != Verbosity::kQuiet) {
    environment.err << name << ": " << schema.Find(name)[0]->help << "\n";
  }
  RowWriter rows(environment.out, options.output, Columns());
  for (const std::string& setting : schema.names()) {
    if (!name.empty() && setting != name) continue;
    for (const Source& source : SourcesOf(schema.Find(setting), *settings, environment)) {
      rows.Row({Cell::Text(setting), Cell::Text(source.value), Cell::Text(source.name)});
      if (name.empty()) break;
    }
  }
  rows.Finish();
  return kExitOk;
}

}  // namespace

Command ConfigCommand() {
  return {
      .name = "config",
      .summary = "check settings files, and say where settings come from",
      .examples = {{"nokv config check ./nokv.json", "all mistakes, each with line and column"},
                   {"nokv config explain", "every setting, its value, and where that comes from"},
                   {"nokv config explain sync", "what counts first, and what it hides"}},
      .description =
          "Settings are the flags that may come from NOKV_ variables. A file is a JSON object with "
          "their names. A flag on the command line goes before the variable, the variable before "
          "./nokv.json (or the file of --config), that before the user's "
          "$XDG_CONFIG_HOME/nokv/config.json, that before /etc/nokv/nokv.json, that before the "
          "default. check without a FILE looks at all of these files. Relative paths in a file are "
          "taken from its folder. nokv-redis --check-config looks at what settings name, too.",
      .define = [](FlagSet& flags) -> Action {
        auto options = std::make_shared<ConfigOptions>();
        flags.ChoiceArgument("ACTION", &options->action, {"check", "explain"}, "check or explain")
            .Required();
        flags.Argument("FILE|SETTING", &options->what,
                       "what to check or to explain; without it all");
        flags.Path("config", "FILE", &options->config, "explain and check it instead of nokv.json")
            .Short('C')
            .Env();
        DefineOutput(flags, &options->output, Columns());
        DefineSort(flags, &options->output, Columns());
        return [options](const Environment& environment) {
          return options->action == "check" ? Check(*options, environment)
                                            : Explain(*options, environment);
        };
      }};
}

}  // namespace nokv::cli
