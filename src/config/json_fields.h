// JsonFields: reads the fields of one JSON object into variables, and finds everything that is
// wrong with them at once: what has another kind, is given twice, or is not known, with the nearest
// name that is.
//
//   JsonFields fields(value, "store 1", &problems);
//   fields.Number("store_id", &store.id);
//   fields.Text("addr", &store.addr);
//   fields.Finish();
//
// Thread safety: thread-compatible; one owner.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "config/json_document.h"

namespace nokv::config {

class JsonFields {
 public:
  // `value` and `problems` are borrowed. If it is no object, that is the problem, and nothing is
  // read. `what` names it in problems.
  JsonFields(const JsonValue& value, std::string what, std::vector<Problem>* problems);

  // Each leaves its target alone if the field is not there, and returns whether it is there and
  // good.
  bool Text(std::string_view name, std::string* target);
  // Whole numbers from 0 to 2^64 - 1.
  bool Number(std::string_view name, uint64_t* target);
  // Calls `read` with the value of an object.
  bool Object(std::string_view name, const std::function<void(const JsonValue& value)>& read);
  // Calls `read` with each element of a list of objects; what is none is a problem.
  bool EachObject(std::string_view name, const std::function<void(const JsonValue& value)>& read);

  // Where the field is, or would be.
  Place At(std::string_view name) const;
  // Notes what has not been asked for. Call it last.
  void Finish();

 private:
  const JsonValue* Find(std::string_view name, JsonValue::Kind kind);
  void Add(Place at, const std::string& what) { problems_.push_back({at, what_ + ": " + what}); }

  const JsonValue& object_;
  const std::string what_;
  std::vector<Problem>& problems_;
  std::vector<std::string> known_;
};

}  // namespace nokv::config
