#include "cli/flags.h"

#include <CLI/CLI.hpp>
#include <algorithm>

#include "cli/suggest.h"

namespace nokv::cli {

struct FlagSet::Parser {
  CLI::App app;
};

FlagSet::FlagSet() : parser_(std::make_unique<Parser>()) {
  parser_->app.set_help_flag();  // the help is ours
  parser_->app.allow_extras();
  parser_->app.add_flag("-h,--help", help_);
  names_.push_back("--help");
}

FlagSet::~FlagSet() = default;

void FlagSet::String(const std::string& name, std::string* target) {
  parser_->app.add_option("--" + name, *target);
  names_.push_back("--" + name);
}

void FlagSet::Bool(const std::string& name, bool* target) {
  parser_->app.add_flag("--" + name, *target);
  names_.push_back("--" + name);
}

void FlagSet::Positional(const std::string& name, std::string* target) {
  parser_->app.add_option(name, *target);
}

Status FlagSet::Parse(const Args& args) {
  // CLI11 wants the last argument first.
  Args reversed(args.rbegin(), args.rend());
  for (std::string& arg : reversed) {
    const std::string name = "-" + arg.substr(0, arg.find('='));
    if (std::find(names_.begin(), names_.end(), name) != names_.end()) arg.insert(0, "-");
  }
  try {
    parser_->app.parse(std::move(reversed));
  } catch (const CLI::Error& error) {
    return Status::InvalidArgument(error.what());
  }
  if (help_) return Status::Ok();
  for (const std::string& extra : parser_->app.remaining()) {
    if (extra == "--") continue;
    if (!extra.starts_with("-")) {
      return Status::InvalidArgument("unexpected argument \"" + extra + "\"");
    }
    const std::string flag = extra.substr(0, extra.find('='));
    const Status status = Status::InvalidArgument("unknown flag \"" + flag + "\"");
    const std::string nearest = Suggest(flag, names_);
    return nearest.empty() ? status : status.WithHint("did you mean " + nearest + "?");
  }
  return Status::Ok();
}

}  // namespace nokv::cli
