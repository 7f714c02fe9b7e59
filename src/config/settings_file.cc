#include "config/settings_file.h"

#include <cctype>
#include <cstddef>
#include <iterator>
#include <map>
#include <nlohmann/json.hpp>

namespace nokv::config {

namespace {

using Json = nlohmann::json;

// An iterator over the text that tells how far the parser has read.
class Reader {
 public:
  using iterator_category = std::input_iterator_tag;
  using value_type = char;
  using difference_type = std::ptrdiff_t;
  using pointer = const char*;
  using reference = const char&;

  Reader(const char* at, const char** read) : at_(at), read_(read) {}
  reference operator*() const { return *at_; }
  Reader& operator++() {
    *read_ = ++at_;
    return *this;
  }
  bool operator==(const Reader& other) const { return at_ == other.at_; }
  bool operator!=(const Reader& other) const { return at_ != other.at_; }

 private:
  const char* at_;
  const char** read_;
};

// Takes what the parser finds.
class Collector : public nlohmann::json_sax<Json> {
 public:
  Collector(std::string_view text, const char** read) : text_(text), read_(read) {}

  bool null() override { return Refuse("null"); }
  bool boolean(bool value) override {
    return Value(Setting::Kind::kSwitch, value ? "true" : "false");
  }
  // As written: "-0" is no number for a flag that takes none below zero.
  bool number_integer(number_integer_t) override { return Number(); }
  bool number_unsigned(number_unsigned_t) override { return Number(); }
  bool number_float(number_float_t, const string_t&) override { return Number(); }
  bool string(string_t& value) override {
    if (value.find('\0') != std::string::npos) return Refuse("text with a NUL in it");
    return Value(Setting::Kind::kText, value);
  }
  bool binary(binary_t&) override { return Refuse("binary"); }
  bool key(string_t& name) override {
    if (depth_ > 1) return true;
    name_ = name;
    name_at_ = PlaceOf(BeginOfText());
    return true;
  }
  bool start_object(size_t) override { return Open("an object"); }
  bool start_array(size_t) override { return Open("a list"); }
  bool end_object() override { return Close(); }
  bool end_array() override { return Close(); }

  bool parse_error(size_t, const std::string&, const Json::exception& error) override {
    // "[json.exception.parse_error.101] parse error at line 1, column 2: WHAT; last read: 'x'"
    std::string what = error.what();
    what.erase(0, what.find("] ") + 2);
    if (what.starts_with("parse error")) what.erase(0, what.find(": ") + 2);
    if (const size_t last = what.find("; last read"); last != std::string::npos) {
      const size_t rest = what.find("; expected", last);
      what = what.substr(0, last) + (rest == std::string::npos ? "" : what.substr(rest));
    }
    const size_t read = Read();
    AddProblem(PlaceOf(read == 0 || text_.size() == read ? read : read - 1),
               "is not JSON: " + what);
    return false;
  }

  SettingsFile Take() { return std::move(file_); }

 private:
  size_t Read() const { return static_cast<size_t>(*read_ - text_.data()); }

  // Where the text in quotes begins whose closing quote was read last. Quotes inside have a
  // backslash before them.
  size_t BeginOfText() const {
    size_t at = Read() - 1;
    while (at > 0) {
      at--;
      if (text_[at] == '"' && !Escaped(at)) break;
    }
    return at;
  }
  // True if an odd number of backslashes stands before `at`.
  bool Escaped(size_t at) const {
    size_t first = at;
    while (first > 0 && text_[first - 1] == '\\') first--;
    return (at - first) % 2 == 1;
  }
  // Where the number or word begins that was read last; the parser has read one byte more of a
  // number, to see that it ends.
  size_t BeginOfWord() const {
    const auto in_word = [](char c) {
      return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-' || c == '+' || c == '.';
    };
    size_t at = Read();
    while (at > 0 && !in_word(text_[at - 1])) at--;
    while (at > 0 && in_word(text_[at - 1])) at--;
    return at;
  }

  // Asked for in the order of the text.
  Place PlaceOf(size_t offset) {
    for (; offset_ < offset; offset_++) {
      const char c = text_[offset_];
      if (c == '\n') {
        place_ = {place_.line + 1, 1};
      } else if ((static_cast<unsigned char>(c) & 0xc0) != 0x80) {
        place_.column++;
      }
    }
    return place_;
  }

  void AddProblem(Place at, std::string what) { file_.problems.push_back({at, std::move(what)}); }

  bool Refuse(const std::string& what) {
    if (depth_ == 0) {
      AddProblem({}, "is no JSON object, but " + what);
    } else if (depth_ == 1 && in_object_) {
      AddProblem(name_at_, '"' + name_ + "\" is " + what + ", not text, a number, true or false");
    }
    return true;
  }

  bool Open(const std::string& what) {
    const bool whole = depth_ == 0 && what == "an object";
    if (!whole) Refuse(what);
    in_object_ = in_object_ || whole;
    depth_++;
    return true;
  }
  bool Close() {
    depth_--;
    return true;
  }

  bool Number() {
    const size_t begin = BeginOfWord();
    size_t end = begin;
    while (end < text_.size() &&
           std::string_view("+-.0123456789eE").find(text_[end]) != std::string_view::npos) {
      end++;
    }
    return Value(Setting::Kind::kNumber, std::string(text_.substr(begin, end - begin)));
  }

  bool Value(Setting::Kind kind, std::string text) {
    if (depth_ == 0) return Refuse(kind == Setting::Kind::kText ? "text" : text);
    if (depth_ > 1 || !in_object_) return true;
    const auto [first, is_new] = lines_.emplace(name_, name_at_.line);
    if (!is_new) {
      AddProblem(name_at_,
                 '"' + name_ + "\" is given twice, first in line " + std::to_string(first->second));
      return true;
    }
    const size_t begin = kind == Setting::Kind::kText ? BeginOfText() : BeginOfWord();
    file_.settings.push_back({name_, kind, std::move(text), name_at_, PlaceOf(begin)});
    return true;
  }

  const std::string_view text_;
  const char** const read_;
  SettingsFile file_;
  uint64_t depth_ = 0;
  bool in_object_ = false;                 // the outermost value is an object
  std::map<std::string, uint64_t> lines_;  // where each name came first
  size_t offset_ = 0;                      // that place_ is of
  Place place_;
  std::string name_;
  Place name_at_;
};

}  // namespace

SettingsFile ParseSettings(std::string_view text) {
  const char* read = text.data();
  Collector collector(text, &read);
  Json::sax_parse(Reader(text.data(), &read), Reader(text.data() + text.size(), &read), &collector);
  return collector.Take();
}

}  // namespace nokv::config
