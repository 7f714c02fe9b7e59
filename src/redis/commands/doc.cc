#include "redis/commands/doc.h"

#include <algorithm>

#include "redis/commands/common.h"
#include "redis/commands/spec.h"

namespace nokv::redis {

namespace {

struct TypeName {
  std::string_view suffix;
  std::string_view name;
};
constexpr TypeName kTypes[] = {
    {"int", "integer"},     {"float", "double"},   {"key", "key"},
    {"pattern", "pattern"}, {"time", "unix-time"}, {"token", "pure-token"},
};

// Recursive descent over an "args" line.
class ArgumentParser {
 public:
  ArgumentParser(std::string_view text, size_t key_specs)
      : text_(text), key_specs_(static_cast<int>(key_specs)) {}

  // Arguments up to `close`, which is taken; the end of the text if it is 0.
  bool ParseList(char separator, char close, std::vector<Argument>* arguments) {
    while (true) {
      if (close == '\0' && text_.empty()) return true;
      if (close != '\0' && Take(close)) return true;
      if (!arguments->empty() && !Take(separator)) return false;
      Argument argument;
      if (!ParseArgument(&argument)) return false;
      arguments->push_back(std::move(argument));
    }
  }

 private:
  bool Take(char c) {
    if (!text_.starts_with(c)) return false;
    text_.remove_prefix(1);
    return true;
  }

  std::string_view TakeWord() {
    const size_t end = std::min(text_.find_first_of("=@~()[]|+ "), text_.size());
    const std::string_view word = text_.substr(0, end);
    text_.remove_prefix(end);
    return word;
  }

  bool ParseArgument(Argument* argument) {
    if (!Take('[')) return ParsePlain(argument);
    argument->optional = true;
    return ParsePlain(argument) && Take(']');
  }

  bool ParsePlain(Argument* argument) {
    std::string_view word = TakeWord();
    if (!word.empty() && Take('=')) {
      argument->token = word;
      word = TakeWord();
    }
    if (word.empty()) return false;
    SetNameAndType(word, argument);
    if (Take('@')) argument->since = TakeWord();
    if (Take('~')) argument->deprecated_since = TakeWord();
    if (Take('(') && !ParseNested(argument)) return false;
    argument->repeated = Take('+');
    argument->repeated_with_token = argument->repeated && Take('+');
    return true;
  }

  void SetNameAndType(std::string_view word, Argument* argument) {
    argument->name = word;
    argument->type = word == "key" ? "key" : "string";
    const size_t colon = word.rfind(':');
    for (const TypeName& type : kTypes) {
      if (colon == std::string_view::npos || word.substr(colon + 1) != type.suffix) continue;
      argument->name = word.substr(0, colon);
      argument->type = type.name;
    }
    if (!argument->token.has_value() && word[0] >= 'A' && word[0] <= 'Z') {
      argument->type = "pure-token";
      argument->token = word;
      argument->name = LowerCase(word);
    }
    if (argument->type == "key") argument->key_spec = std::min(keys_++, key_specs_ - 1);
  }

  bool ParseNested(Argument* argument) {
    // The separator behind the first says which of the two it is.
    const std::string_view at = text_;
    const int keys = keys_;
    argument->type = "block";
    if (ParseList(' ', ')', &argument->arguments)) return true;
    text_ = at;
    keys_ = keys;
    argument->type = "oneof";
    argument->arguments.clear();
    return ParseList('|', ')', &argument->arguments);
  }

  std::string_view text_;
  const int key_specs_;
  int keys_ = 0;  // seen so far
};

std::string_view Trimmed(std::string_view text) {
  text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
  return text;
}

}  // namespace

std::optional<CommandDoc> ParseDoc(const CommandSpec& spec) {
  CommandDoc doc;
  doc.summary = spec.doc.substr(0, spec.doc.find('\n'));
  doc.cost = DocLine(spec.doc, "cost");
  if (doc.cost.empty() && spec.subcommands.empty()) doc.cost = "O(1)";
  std::string_view tips = DocLine(spec.doc, "tips");
  while (!tips.empty()) doc.tips.push_back(TakeUntil(&tips, ' '));
  std::string_view history = DocLine(spec.doc, "history");
  while (!history.empty()) {
    std::string_view change = Trimmed(TakeUntil(&history, ';'));
    const std::string_view version = TakeUntil(&change, ' ');
    if (change.empty()) return std::nullopt;
    doc.history.emplace_back(version, change);
  }
  doc.replaced_by = DocLine(spec.doc, "instead");
  doc.deprecated_since = TakeUntil(&doc.replaced_by, ' ');
  ArgumentParser parser(DocLine(spec.doc, "args"), spec.keys.size);
  if (!parser.ParseList(' ', '\0', &doc.arguments)) return std::nullopt;
  return doc;
}

}  // namespace nokv::redis
