#include "redis/resp/request_parser.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace nokv::redis {
namespace {

using Outcome = RequestParser::Outcome;

// What all of `input` is, shown at once: "GET k|PING", then "…" if more is needed or the error.
std::string ParseAll(std::string_view input, RequestParser* parser) {
  std::string out;
  while (true) {
    const Outcome outcome = parser->Parse(input);
    if (outcome == Outcome::kNeedMore) return out + (input.empty() ? "" : "…");
    if (outcome == Outcome::kError) return out + parser->error();
    for (const std::string_view arg : parser->args()) out += "[" + std::string(arg) + "]";
    out += "|";
    input.remove_prefix(parser->consumed());
  }
}

std::string ParseWhole(std::string_view input) {
  RequestParser parser;
  return ParseAll(input, &parser);
}

// The same bytes, one at a time, as a slow client sends them.
std::string ParseByteByByte(std::string_view input) {
  RequestParser parser;
  std::string out;
  std::string buffer;
  for (const char c : input) {
    buffer.push_back(c);
    const Outcome outcome = parser.Parse(buffer);
    if (outcome == Outcome::kNeedMore) continue;
    if (outcome == Outcome::kError) return out + parser.error();
    for (const std::string_view arg : parser.args()) out += "[" + std::string(arg) + "]";
    out += "|";
    buffer.erase(0, parser.consumed());
  }
  return out + (buffer.empty() ? "" : "…");
}

struct Case {
  std::string_view input;
  std::string_view parsed;
};

using namespace std::string_view_literals;

const Case kCases[] = {
    {"*1\r\n$4\r\nPING\r\n", "[PING]|"},
    {"*2\r\n$3\r\nGET\r\n$0\r\n\r\n*1\r\n$1\r\nx\r\n", "[GET][]|[x]|"},
    {"*0\r\n*-1\r\n*-10\r\nPING\r\n", "|||[PING]|"},
    {"*3000000000\r\n", "Protocol error: invalid multibulk length"},
    {"*1048577\r\n", "Protocol error: invalid multibulk length"},
    {"*1048576\r\n$1", "…"},
    {"*abc\r\n", "Protocol error: invalid multibulk length"},
    {"*\r\n", "Protocol error: invalid multibulk length"},
    {"*", "…"},
    {"*1\r\n$-10\r\n", "Protocol error: invalid bulk length"},
    {"*1\r\n$2000000000\r\n", "Protocol error: invalid bulk length"},
    {"*1\r\n$536870913\r\n", "Protocol error: invalid bulk length"},
    {"*1\r\n$536870912\r\n", "…"},
    {"*1\r\n$9223372036854775808\r\n", "Protocol error: invalid bulk length"},
    {"*1\r\n$18446744073709551616\r\n", "Protocol error: invalid bulk length"},
    {"*1\r\n$blabla\r\n", "Protocol error: invalid bulk length"},
    {"*1\r\n$\r\n", "Protocol error: invalid bulk length"},
    {"*1\r\n$00000000000000000001\r\nx\r\n", "Protocol error: invalid bulk length"},
    {"*1\r\n$+1\r\nx\r\n", "Protocol error: invalid bulk length"},
    {"*1\r\n$ 1\r\nx\r\n", "Protocol error: invalid bulk length"},
    {"*1\r\n$1\0\r\n"sv, "Protocol error: invalid bulk length"},
    {"*1\0\r\n"sv, "Protocol error: invalid multibulk length"},
    {"*3\r\n$3\r\nSET\r\n$1\r\nx\r\nfooz\r\n", "Protocol error: expected '$', got 'f'"},
    {"*1\r\n*1\r\n$1\r\nx\r\n", "Protocol error: expected '$', got '*'"},
    {"*1\r\n$3\r\nab", "…"},
    {"*1\r\n$2\r\nabcd", "Protocol error: bulk string is not followed by CRLF"},
    {"*1\n$4\nPING\n", "…"},
    {"%1\r\n", "[%1]|"},
    {"PING\n", "[PING]|"},
    {"PING\r\n\r\n  \r\nECHO  a b \r\n", "[PING]|||[ECHO][a][b]|"},
    {"SET \"a b\" 'c d'\r\n", "[SET][a b][c d]|"},
    {"ECHO \"\\x41\\n\\\"\\q\" '\\'\\n'\r\n", "[ECHO][A\n\"q]['\\n]|"},
    {"ECHO \"\\x4\"\r\n", "[ECHO][x4]|"},
    {"ECHO \"open\r\n", "Protocol error: unbalanced quotes in request"},
    {"ECHO \"a\"b\r\n", "Protocol error: unbalanced quotes in request"},
    {"ECHO 'open\r\n", "Protocol error: unbalanced quotes in request"},
    {"GET / HTTP/1.1\r\nHost: x\r\n", "[GET][/][HTTP/1.1]|[Host:][x]|"},
    {"\xff\xfe\r\n", "[\xff\xfe]|"},
};

TEST(RequestParserTest, TakesRequestsAndNamesWhatIsWrong) {
  for (const Case& c : kCases) EXPECT_EQ(ParseWhole(c.input), c.parsed) << c.input;
}

TEST(RequestParserTest, GivesTheSameForBytesThatComeOneByOne) {
  for (const Case& c : kCases) EXPECT_EQ(ParseByteByByte(c.input), c.parsed) << c.input;
}

TEST(RequestParserTest, BoundsLinesThatDoNotEnd) {
  const std::string long_text(70 << 10, 'a');
  EXPECT_EQ(ParseWhole(long_text), "Protocol error: too big inline request");
  EXPECT_EQ(ParseWhole("*" + long_text), "Protocol error: too big mbulk count string");
  EXPECT_EQ(ParseWhole("*1\r\n$" + long_text), "Protocol error: too big bulk count string");
  EXPECT_EQ(ParseWhole(long_text + "\r\n"), "Protocol error: too big inline request");
  const std::string name(60 << 10, 'b');
  EXPECT_EQ(ParseWhole(name + "\r\n"), "[" + name + "]|");
}

TEST(RequestParserTest, BoundsTheBytesOfOneRequest) {
  RequestLimits limits;
  limits.max_request_bytes = 1000;
  RequestParser parser(limits);
  std::string input = "*100\r\n";
  for (int i = 0; i < 20; ++i) input += "$100\r\n" + std::string(100, 'x') + "\r\n";
  EXPECT_EQ(ParseAll(input, &parser), "Protocol error: too big request");
}

TEST(RequestParserTest, GoesOnAfterInputMoved) {
  RequestParser parser;
  const std::string request = "*2\r\n$3\r\nGET\r\n$5\r\nhello\r\n";
  for (size_t cut = 1; cut < request.size(); ++cut) {
    const std::string first = request.substr(0, cut);
    EXPECT_EQ(parser.Parse(first), Outcome::kNeedMore) << cut;
    const std::string elsewhere = request;
    ASSERT_EQ(parser.Parse(elsewhere), Outcome::kRequest) << cut;
    EXPECT_EQ(parser.args()[1], "hello");
    EXPECT_EQ(parser.consumed(), request.size());
  }
}

}  // namespace
}  // namespace nokv::redis
