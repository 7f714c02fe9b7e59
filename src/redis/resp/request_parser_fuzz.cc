// Fuzz target: any bytes, whole and in pieces, give the same requests or the same error; what is
// accepted keeps to the limits and reads the same when it is written as a client library would.
#include <cstddef>
#include <cstdint>
#include <string>

#include "base/check.h"
#include "redis/resp/request_parser.h"

namespace nokv::redis {
namespace {

void CheckLimits(const RequestParser& parser, const RequestLimits& limits, bool is_array) {
  if (!is_array) return;  // a line is limited as a whole
  NOKV_CHECK(static_cast<int64_t>(parser.args().size()) <= limits.max_args);
  for (const std::string_view arg : parser.args()) {
    NOKV_CHECK(static_cast<int64_t>(arg.size()) <= limits.max_bulk_bytes);
    if (limits.authenticated) continue;
    NOKV_CHECK(static_cast<int64_t>(arg.size()) <= RequestLimits::kUnauthenticatedBulkBytes);
    NOKV_CHECK(static_cast<int64_t>(parser.args().size()) <= RequestLimits::kUnauthenticatedArgs);
  }
}

void CheckRoundTrip(const std::vector<std::string_view>& args) {
  std::string written = "*" + std::to_string(args.size()) + "\r\n";
  for (const std::string_view arg : args) {
    written.append("$" + std::to_string(arg.size()) + "\r\n").append(arg).append("\r\n");
  }
  RequestParser again;
  NOKV_CHECK(again.Parse(written) == RequestParser::Outcome::kRequest);
  NOKV_CHECK(again.consumed() == written.size());
  NOKV_CHECK(again.args() == args);
}

std::string Parse(std::string_view input, size_t piece, const RequestLimits& limits) {
  RequestParser parser(limits);
  std::string out;
  std::string buffer;
  for (size_t at = 0; at < input.size(); at += piece) {
    buffer.append(input.substr(at, piece));
    while (true) {
      const auto outcome = parser.Parse(buffer);
      if (outcome == RequestParser::Outcome::kNeedMore) break;
      if (outcome == RequestParser::Outcome::kError) return out + parser.error();
      CheckLimits(parser, limits, buffer[0] == '*');
      CheckRoundTrip(parser.args());
      for (const std::string_view arg : parser.args()) out.append(arg).push_back('\0');
      NOKV_CHECK(parser.consumed() > 0 && parser.consumed() <= buffer.size());
      buffer.erase(0, parser.consumed());
    }
  }
  return out;
}

}  // namespace
}  // namespace nokv::redis

// The first byte chooses the limits.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  nokv::redis::RequestLimits limits;
  limits.authenticated = (data[0] & 1) == 0;
  if ((data[0] & 2) != 0) {
    limits.max_args = 3;
    limits.max_bulk_bytes = 5;
  }
  const std::string_view input(reinterpret_cast<const char*>(data) + 1, size - 1);
  const std::string whole = nokv::redis::Parse(input, size, limits);
  NOKV_CHECK(whole == nokv::redis::Parse(input, 1, limits));
  NOKV_CHECK(whole == nokv::redis::Parse(input, 3, limits));
  return 0;
}
