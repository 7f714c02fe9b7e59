#include "redis/look_ahead.h"

#include <span>

#include "redis/layout.h"

namespace nokv::redis {

namespace {
// As many as a processor can wait for at once, or more.
constexpr size_t kRequests = 16;
}  // namespace

size_t LookAhead::Fetch(int db, std::string_view data) {
  keys_.resize(kRequests);
  size_t bytes = 0;
  size_t keys = 0;
  for (size_t i = 0; i < kRequests; ++i) {
    if (parser_.Parse(data.substr(bytes)) != RequestParser::Outcome::kRequest) {
      parser_.Restart();
      bytes = data.size();  // what is not complete, or not understood, is looked at once
      break;
    }
    bytes += parser_.consumed();
    // Nearly all commands have their key there; for the others the hint is of no use.
    if (parser_.args().size() > 1) keys_[keys++] = DataKey(db, parser_.args()[1]);
  }
  if (keys > 1) backend_.Prefetch(std::span(keys_).first(keys));
  return bytes;
}

}  // namespace nokv::redis
