#include "config/json_document.h"

#include <cctype>
#include <cstddef>
#include <iterator>
#include <nlohmann/json.hpp>
#include <utility>

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

  bool null() override { return Scalar(JsonValue::Kind::kNull, "", BeginOfWord()); }
  bool boolean(bool value) override {
    return Scalar(JsonValue::Kind::kSwitch, value ? "true" : "false", BeginOfWord());
  }
  // As written: "-0" is no number for a flag that takes none below zero.
  bool number_integer(number_integer_t) override { return Number(); }
  bool number_unsigned(number_unsigned_t) override { return Number(); }
  bool number_float(number_float_t, const string_t&) override { return Number(); }
  bool string(string_t& value) override {
    return Scalar(JsonValue::Kind::kText, value, BeginOfText());
  }
  bool binary(binary_t&) override { return true; }  // JSON has none
  bool key(string_t& name) override {
    if (depth_ <= open_.size()) {
      name_ = name;
      name_at_ = PlaceOf(BeginOfText());
    }
    return true;
  }
  bool start_object(size_t) override { return Open(JsonValue::Kind::kObject); }
  bool start_array(size_t) override { return Open(JsonValue::Kind::kList); }
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
    document_.problem = {PlaceOf(read == 0 || text_.size() == read ? read : read - 1),
                         "is not JSON: " + what};
    return false;
  }

  JsonDocument Take() { return std::move(document_); }

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

  // Puts a value where it belongs; the pointer is good until the next one comes there. Null: it
  // lies too deep.
  JsonValue* Put(JsonValue value) {
    if (depth_ > open_.size()) return nullptr;
    if (open_.empty()) return &document_.root.emplace(std::move(value));
    JsonValue& parent = *open_.back();
    if (parent.kind == JsonValue::Kind::kList) return &parent.items.emplace_back(std::move(value));
    return &parent.members.emplace_back(std::move(name_), name_at_, std::move(value)).value;
  }

  bool Scalar(JsonValue::Kind kind, std::string text, size_t begin) {
    if (depth_ <= open_.size()) {
      Put({.kind = kind, .text = std::move(text), .at = PlaceOf(begin), .members = {}});
    }
    return true;
  }

  bool Open(JsonValue::Kind kind) {
    if (depth_ <= open_.size() && depth_ < kMaxJsonDepth) {
      open_.push_back(Put({.kind = kind, .at = PlaceOf(Read() - 1), .members = {}}));
    } else if (depth_ <= open_.size()) {
      Put({.kind = kind, .at = PlaceOf(Read() - 1), .members = {}});
    }
    depth_++;
    return true;
  }
  bool Close() {
    if (depth_ == open_.size()) open_.pop_back();
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
    return Scalar(JsonValue::Kind::kNumber, std::string(text_.substr(begin, end - begin)), begin);
  }

  const std::string_view text_;
  const char** const read_;
  JsonDocument document_;
  uint64_t depth_ = 0;            // of what is being read
  std::vector<JsonValue*> open_;  // the lists and objects around it that are kept
  size_t offset_ = 0;             // that place_ is of
  Place place_;
  std::string name_;
  Place name_at_;
};

}  // namespace

JsonDocument ParseJson(std::string_view text) {
  const char* read = text.data();
  Collector collector(text, &read);
  Json::sax_parse(Reader(text.data(), &read), Reader(text.data() + text.size(), &read), &collector);
  return collector.Take();
}

std::string_view NameOf(JsonValue::Kind kind) {
  constexpr std::string_view kNames[] = {"null", "true or false", "a number",
                                         "text", "a list",        "an object"};
  return kNames[static_cast<size_t>(kind)];
}

}  // namespace nokv::config
