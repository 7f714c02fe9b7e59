// SettingsFile: what a settings file says, and where. The file is one JSON object (RFC 8259: no
// comments, no trailing commas); its keys are the names of flags, its values text, numbers, true
// and false:
//
//   {
//     "workdir": "./data",
//     "sync": "always",
//     "io-threads": 2
//   }
//
// Which names there are and what their values may be is not known here.
//
// Thread safety: pure functions; the structs are values.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "config/json_document.h"

namespace nokv::config {

struct Setting {
  enum class Kind { kText, kNumber, kSwitch };

  std::string name;
  Kind kind = Kind::kText;
  std::string text;  // a number as it is written; "true" or "false" of a switch
  Place name_at;
  Place value_at;
};

struct SettingsFile {
  std::vector<Setting> settings;  // in the order of the file
  // In the order of the file. What follows a mistake of syntax is not looked at.
  std::vector<Problem> problems;
};

// Takes any bytes. Nesting costs no memory to speak of.
SettingsFile ParseSettings(std::string_view text);

}  // namespace nokv::config
