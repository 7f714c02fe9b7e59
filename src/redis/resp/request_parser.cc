#include "redis/resp/request_parser.h"

#include "redis/number.h"

namespace nokv::redis {

RequestParser::Outcome RequestParser::Parse(std::string_view input) {
  if (input.empty()) return Outcome::kNeedMore;
  const Outcome outcome = input[0] == '*' ? ParseArray(input) : ParseInline(input);
  if (outcome == Outcome::kNeedMore && input.size() > limits_.max_request_bytes) {
    return Fail("too big request");
  }
  return outcome;
}

bool RequestParser::FindLine(std::string_view input, char end, std::string_view* line) {
  if (scanned_ < position_) scanned_ = position_;
  const size_t found = input.find(end, scanned_);
  // A line that ends in "\r" ends in two bytes, and the second must have arrived.
  const size_t tail = end == '\r' ? 2 : 1;
  if (found == std::string_view::npos || found + tail > input.size()) {
    scanned_ = found == std::string_view::npos ? input.size() : found;
    return false;
  }
  *line = input.substr(position_, found - position_);
  position_ = found + tail;
  return true;
}

RequestParser::Outcome RequestParser::ParseArray(std::string_view input) {
  if (args_left_ < 0) {
    std::string_view line;
    if (!FindLine(input, '\r', &line)) {
      if (input.size() <= limits_.max_line_bytes) return Outcome::kNeedMore;
      return Fail("too big mbulk count string");
    }
    const auto count = ParseInt64(line.substr(1));
    if (!count.has_value() || *count > limits_.max_args) return Fail("invalid multibulk length");
    if (!limits_.authenticated && *count > RequestLimits::kUnauthenticatedArgs) {
      return Fail("unauthenticated multibulk length");
    }
    if (*count <= 0) return Finish(input);
    args_left_ = *count;
  }
  while (args_left_ > 0) {
    const Outcome outcome = ParseBulk(input);
    if (outcome != Outcome::kRequest) return outcome;
    --args_left_;
  }
  return Finish(input);
}

// kRequest here says: one more argument is complete.
RequestParser::Outcome RequestParser::ParseBulk(std::string_view input) {
  if (bulk_bytes_ < 0) {
    if (position_ < input.size() && input[position_] != '$') {
      return Fail(std::string("expected '$', got '") + input[position_] + "'");
    }
    std::string_view line;
    const size_t begin = position_;
    if (!FindLine(input, '\r', &line)) {
      if (input.size() - begin <= limits_.max_line_bytes) return Outcome::kNeedMore;
      return Fail("too big bulk count string");
    }
    const auto length = ParseInt64(line.substr(1));
    if (!length.has_value() || *length < 0 || *length > limits_.max_bulk_bytes) {
      return Fail("invalid bulk length");
    }
    if (!limits_.authenticated && *length > RequestLimits::kUnauthenticatedBulkBytes) {
      return Fail("unauthenticated bulk length");
    }
    bulk_bytes_ = *length;
  }
  const auto length = static_cast<size_t>(bulk_bytes_);
  if (input.size() - position_ < length + 2) return Outcome::kNeedMore;
  if (input[position_ + length] != '\r' || input[position_ + length + 1] != '\n') {
    return Fail("bulk string is not followed by CRLF");
  }
  spans_.push_back({position_, length});
  position_ += length + 2;
  bulk_bytes_ = -1;
  return Outcome::kRequest;
}

RequestParser::Outcome RequestParser::ParseInline(std::string_view input) {
  std::string_view line;
  if (!FindLine(input, '\n', &line)) {
    if (input.size() <= limits_.max_line_bytes) return Outcome::kNeedMore;
    return Fail("too big inline request");
  }
  if (line.size() > limits_.max_line_bytes) return Fail("too big inline request");
  if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
  if (!SplitWords(line, &words_)) return Fail("unbalanced quotes in request");
  args_.assign(words_.begin(), words_.end());
  consumed_ = position_;
  Reset();
  return Outcome::kRequest;
}

RequestParser::Outcome RequestParser::Finish(std::string_view input) {
  args_.clear();
  for (const Span& span : spans_) args_.push_back(input.substr(span.offset, span.length));
  consumed_ = position_;
  Reset();
  return Outcome::kRequest;
}

RequestParser::Outcome RequestParser::Fail(std::string_view what) {
  error_ = "Protocol error: ";
  error_ += what;
  Reset();
  return Outcome::kError;
}

void RequestParser::Reset() {
  position_ = 0;
  scanned_ = 0;
  args_left_ = -1;
  bulk_bytes_ = -1;
  // A request with very many arguments must not hold its memory for ever.
  if (spans_.capacity() > 1024) {
    std::vector<Span>().swap(spans_);
  } else {
    spans_.clear();
  }
}

namespace {

bool IsSpace(char c) {
  return c == ' ' || (c >= '\t' && c <= '\r') || c == '\0';
}

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

char Unescaped(char c) {
  switch (c) {
    case 'n':
      return '\n';
    case 'r':
      return '\r';
    case 't':
      return '\t';
    case 'b':
      return '\b';
    case 'a':
      return '\a';
    default:
      return c;
  }
}

// Reads the quoted part that begins at `at` (after the opening quote) into `*word`; returns the
// position after the closing quote, or npos if there is none or more text touches it.
size_t ReadQuoted(std::string_view line, size_t at, char quote, std::string* word) {
  while (at < line.size()) {
    const char c = line[at];
    if (c == quote) {
      if (at + 1 < line.size() && !IsSpace(line[at + 1])) return std::string_view::npos;
      return at + 1;
    }
    if (quote == '"' && c == '\\' && at + 3 < line.size() && line[at + 1] == 'x' &&
        HexDigit(line[at + 2]) >= 0 && HexDigit(line[at + 3]) >= 0) {
      word->push_back(static_cast<char>(HexDigit(line[at + 2]) * 16 + HexDigit(line[at + 3])));
      at += 4;
    } else if (quote == '"' && c == '\\' && at + 1 < line.size()) {
      word->push_back(Unescaped(line[at + 1]));
      at += 2;
    } else if (quote == '\'' && c == '\\' && at + 1 < line.size() && line[at + 1] == '\'') {
      word->push_back('\'');
      at += 2;
    } else {
      word->push_back(c);
      ++at;
    }
  }
  return std::string_view::npos;
}

}  // namespace

bool SplitWords(std::string_view line, std::vector<std::string>* words) {
  words->clear();
  size_t at = 0;
  while (true) {
    while (at < line.size() && IsSpace(line[at])) ++at;
    if (at >= line.size()) return true;
    std::string& word = words->emplace_back();
    while (at < line.size() && !IsSpace(line[at])) {
      if (line[at] == '"' || line[at] == '\'') {
        const char quote = line[at];
        at = ReadQuoted(line, at + 1, quote, &word);
        if (at == std::string_view::npos) return false;
        break;
      }
      word.push_back(line[at++]);
    }
  }
}

}  // namespace nokv::redis
