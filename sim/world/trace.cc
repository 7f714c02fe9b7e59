#include "sim/world/trace.h"

#include <iomanip>

#include "base/hash.h"
#include "base/random.h"

namespace nokv::sim {

void Trace::Add(uint64_t now_us, std::string_view what, std::initializer_list<uint64_t> numbers,
                std::string_view text) {
  hash_ = base::Hash64(what, base::MixSeed(hash_ ^ now_us));
  for (const uint64_t number : numbers) hash_ = base::MixSeed(hash_ ^ number);
  if (!text.empty()) hash_ = base::Hash64(text, hash_);
  if (lines_ == nullptr) return;
  *lines_ << std::setw(10) << now_us << " " << what;
  for (const uint64_t number : numbers) *lines_ << " " << number;
  if (!text.empty()) *lines_ << " " << text;
  *lines_ << "\n";
}

}  // namespace nokv::sim
