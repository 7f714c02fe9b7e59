// Fuzz target: any bytes, whole and in pieces, give the same requests or the same error.
#include <cstddef>
#include <cstdint>
#include <string>

#include "base/check.h"
#include "redis/resp/request_parser.h"

namespace nokv::redis {
namespace {

std::string Parse(std::string_view input, size_t piece) {
  RequestParser parser;
  std::string out;
  std::string buffer;
  for (size_t at = 0; at < input.size(); at += piece) {
    buffer.append(input.substr(at, piece));
    while (true) {
      const auto outcome = parser.Parse(buffer);
      if (outcome == RequestParser::Outcome::kNeedMore) break;
      if (outcome == RequestParser::Outcome::kError) return out + parser.error();
      for (const std::string_view arg : parser.args()) out.append(arg).push_back('\0');
      NOKV_CHECK(parser.consumed() > 0 && parser.consumed() <= buffer.size());
      buffer.erase(0, parser.consumed());
    }
  }
  return out;
}

}  // namespace
}  // namespace nokv::redis

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  NOKV_CHECK(nokv::redis::Parse(input, size + 1) == nokv::redis::Parse(input, 1));
  return 0;
}
