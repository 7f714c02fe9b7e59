#include "config/json_fields.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "base/bytes.h"
#include "config/suggest.h"

namespace nokv::config {

JsonFields::JsonFields(const JsonValue& value, std::string what, std::vector<Problem>* problems)
    : object_(value), what_(std::move(what)), problems_(*problems) {
  if (value.kind != JsonValue::Kind::kObject) {
    Add(value.at, "must be an object, not " + std::string(NameOf(value.kind)));
  }
}

const JsonValue* JsonFields::Find(std::string_view name, JsonValue::Kind kind) {
  known_.emplace_back(name);
  const JsonValue* found = nullptr;
  for (const JsonMember& member : object_.members) {
    if (member.name != name) continue;
    if (found != nullptr) {
      Add(member.name_at, '"' + member.name + "\" is given twice");
    } else {
      found = &member.value;
    }
  }
  if (found != nullptr && found->kind != kind) {
    Add(found->at, '"' + std::string(name) + "\" must be " + std::string(NameOf(kind)) + ", not " +
                       std::string(NameOf(found->kind)));
    return nullptr;
  }
  return found;
}

bool JsonFields::Text(std::string_view name, std::string* target) {
  const JsonValue* value = Find(name, JsonValue::Kind::kText);
  if (value == nullptr) return false;
  *target = value->text;
  return true;
}

bool JsonFields::Number(std::string_view name, uint64_t* target) {
  const JsonValue* value = Find(name, JsonValue::Kind::kNumber);
  if (value == nullptr) return false;
  const char* end = value->text.data() + value->text.size();
  uint64_t number = 0;
  const auto [read, error] = std::from_chars(value->text.data(), end, number);
  if (error != std::errc() || read != end) {
    Add(value->at, '"' + std::string(name) + "\" must be a whole number from 0 to 2^64 - 1, not " +
                       value->text);
    return false;
  }
  *target = number;
  return true;
}

bool JsonFields::Object(std::string_view name,
                        const std::function<void(const JsonValue& value)>& read) {
  const JsonValue* value = Find(name, JsonValue::Kind::kObject);
  if (value != nullptr) read(*value);
  return value != nullptr;
}

bool JsonFields::EachObject(std::string_view name,
                            const std::function<void(const JsonValue& value)>& read) {
  const JsonValue* value = Find(name, JsonValue::Kind::kList);
  if (value == nullptr) return false;
  for (const JsonValue& item : value->items) {
    if (item.kind == JsonValue::Kind::kObject) {
      read(item);
    } else {
      Add(item.at, '"' + std::string(name) + "\" must have objects in it, not " +
                       std::string(NameOf(item.kind)));
    }
  }
  return true;
}

Place JsonFields::At(std::string_view name) const {
  for (const JsonMember& member : object_.members) {
    if (member.name == name) return member.value.at;
  }
  return object_.at;
}

void JsonFields::Finish() {
  for (const JsonMember& member : object_.members) {
    if (std::find(known_.begin(), known_.end(), member.name) != known_.end()) continue;
    const std::string nearest = Suggest(member.name, known_);
    Add(member.name_at, "unknown field \"" + base::EscapeBytes(member.name) + '"' +
                            (nearest.empty() ? "" : "; did you mean " + nearest + "?"));
  }
}

}  // namespace nokv::config
