#include "config/settings_file.h"

#include <map>
#include <utility>

namespace nokv::config {

namespace {

// What a value is that is no setting; empty: it is one.
std::string WrongKind(const JsonValue& value) {
  switch (value.kind) {
    case JsonValue::Kind::kNull:
    case JsonValue::Kind::kList:
    case JsonValue::Kind::kObject:
      return std::string(NameOf(value.kind));
    case JsonValue::Kind::kText:
      return value.text.find('\0') == std::string::npos ? "" : "text with a NUL in it";
    case JsonValue::Kind::kNumber:
    case JsonValue::Kind::kSwitch:
      break;
  }
  return "";
}

Setting::Kind KindOf(const JsonValue& value) {
  if (value.kind == JsonValue::Kind::kText) return Setting::Kind::kText;
  return value.kind == JsonValue::Kind::kNumber ? Setting::Kind::kNumber : Setting::Kind::kSwitch;
}

void TakeSettings(const JsonValue& object, SettingsFile* file) {
  std::map<std::string, uint64_t> lines;  // where each name came first
  for (const JsonMember& member : object.members) {
    const auto add_problem = [&](const std::string& what) {
      file->problems.push_back({member.name_at, '"' + member.name + "\" is " + what});
    };
    if (const std::string wrong = WrongKind(member.value); !wrong.empty()) {
      add_problem(wrong + ", not text, a number, true or false");
      continue;
    }
    const auto [first, is_new] = lines.emplace(member.name, member.name_at.line);
    if (!is_new) {
      add_problem("given twice, first in line " + std::to_string(first->second));
      continue;
    }
    file->settings.push_back(
        {member.name, KindOf(member.value), member.value.text, member.name_at, member.value.at});
  }
}

}  // namespace

SettingsFile ParseSettings(std::string_view text) {
  JsonDocument document = ParseJson(text);
  SettingsFile file;
  if (document.root.has_value() && document.root->kind == JsonValue::Kind::kObject) {
    TakeSettings(*document.root, &file);
  } else if (document.root.has_value()) {
    const JsonValue& root = *document.root;
    const bool word =
        root.kind == JsonValue::Kind::kNumber || root.kind == JsonValue::Kind::kSwitch;
    file.problems.push_back(
        {{}, "is no JSON object, but " + (word ? root.text : std::string(NameOf(root.kind)))});
  }
  if (document.problem.has_value()) file.problems.push_back(std::move(*document.problem));
  return file;
}

}  // namespace nokv::config
