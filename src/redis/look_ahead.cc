#include "redis/look_ahead.h"

#include "redis/layout.h"

namespace nokv::redis {

namespace {
// As many as a processor can wait for at once, or more.
constexpr size_t kRequests = 16;
}  // namespace

size_t LookAhead::Fetch(int db, std::string_view data) {
  read_.clear();
  other_.clear();
  size_t bytes = 0;
  for (size_t i = 0; i < kRequests; ++i) {
    if (parser_.Parse(data.substr(bytes)) != RequestParser::Outcome::kRequest) {
      parser_.Restart();
      bytes = data.size();  // what is not complete, or not understood, is looked at once
      break;
    }
    bytes += parser_.consumed();
    if (parser_.args().size() < 2) continue;
    const CommandSpec* const spec = commands_.Find(parser_.args()[0]);
    if (spec == nullptr || spec->first_key != 1) continue;
    std::vector<std::string>& keys = (spec->flags & kReadOnlyFlag) != 0 ? read_ : other_;
    keys.push_back(DataKey(db, parser_.args()[1]));
  }
  if (!other_.empty()) backend_.Prefetch(other_);
  if (read_.size() > 1) backend_.PrefetchValues(read_);
  return bytes;
}

}  // namespace nokv::redis
