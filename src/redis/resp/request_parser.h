// RequestParser: takes commands out of the bytes that a client sent.
//
// A request is an array of bulk strings ("*2\r\n$3\r\nGET\r\n$1\r\nk\r\n") or an inline command, a
// line of words with the quoting of redis-cli. The parser is incremental: it remembers how far it
// got, never looks at a byte of a bulk string twice, and copies nothing but quoted inline words.
// Memory follows the bytes that arrived, never a length that was declared.
//
//   while (true) {
//     switch (parser.Parse(input)) {
//       case RequestParser::Outcome::kNeedMore: … call again with the same bytes and more
//       case RequestParser::Outcome::kRequest: Execute(parser.args());
//                                              input.remove_prefix(parser.consumed());
//
// Thread safety: thread-compatible.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace nokv::redis {

struct RequestLimits {
  // Of a client that may ask for nothing before it has said who it is.
  static constexpr int64_t kUnauthenticatedArgs = 10;
  static constexpr int64_t kUnauthenticatedBulkBytes = 16384;

  int64_t max_args = 1 << 20;
  int64_t max_bulk_bytes = int64_t{512} << 20;
  // Of an inline command, and of a line that holds a length.
  size_t max_line_bytes = size_t{64} << 10;
  size_t max_request_bytes = size_t{1} << 30;
  bool authenticated = true;
};

class RequestParser {
 public:
  enum class Outcome {
    kNeedMore,  // the request is not complete
    kRequest,   // args() and consumed() tell; args() may be empty: nothing was asked
    kError,     // the stream cannot be understood any more; error() tells
  };

  explicit RequestParser(const RequestLimits& limits = {}) : limits_(limits) {}

  // For what is read from now on.
  void set_limits(const RequestLimits& limits) { limits_ = limits; }

  // `input` begins at a request. After kNeedMore the next call must show the same bytes again,
  // wherever they now are, and what came after them.
  Outcome Parse(std::string_view input);

  // Forgets an unfinished request: the next call of Parse is about another one.
  void Restart() { Reset(); }

  // Views into the input and into the parser; good until the next Parse.
  const std::vector<std::string_view>& args() const { return args_; }
  // How many bytes of the input the request took.
  size_t consumed() const { return consumed_; }
  // In the words of Redis: "Protocol error: invalid bulk length".
  const std::string& error() const { return error_; }
  // Memory for an unfinished request, apart from the input.
  size_t buffered_bytes() const { return spans_.capacity() * sizeof(Span); }

 private:
  struct Span {
    size_t offset;
    size_t length;
  };

  Outcome ParseArray(std::string_view input);
  Outcome ParseBulk(std::string_view input);
  Outcome ParseInline(std::string_view input);
  // Finds the end of the line at position_; false if it is not there yet.
  bool FindLine(std::string_view input, char end, std::string_view* line);
  Outcome Fail(std::string_view what);
  Outcome Finish(std::string_view input);
  void Reset();

  RequestLimits limits_;
  // State of an unfinished request, relative to where it begins.
  size_t position_ = 0;      // next byte to look at
  size_t scanned_ = 0;       // up to here there is no line end after position_
  int64_t args_left_ = -1;   // -1: the array header is not read yet
  int64_t bulk_bytes_ = -1;  // -1: the bulk header is not read yet
  std::vector<Span> spans_;
  // The last outcome.
  std::vector<std::string_view> args_;
  std::vector<std::string> words_;
  size_t consumed_ = 0;
  std::string error_;
};

// Splits a line into words as redis-cli does: double quotes with \n \r \t \b \a \xHH and escaped
// characters, single quotes with \'. False if quotes are not balanced or not followed by a space.
bool SplitWords(std::string_view line, std::vector<std::string>* words);

}  // namespace nokv::redis
