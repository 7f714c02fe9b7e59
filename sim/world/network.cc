#include "sim/world/network.h"

#include <algorithm>

namespace nokv::sim {
namespace {

constexpr uint64_t kDelayMicros = 300;  // once to twice as long
constexpr uint64_t kOvertakenMicros = 50'000;

bool Happens(base::Random* random, uint64_t one_in) {
  return one_in != 0 && random->OneIn(one_in);
}

}  // namespace

bool Network::Loses(Link link) {
  counters_.sent++;
  if (cut_.contains(link)) {
    counters_.cut++;
    return true;
  }
  if (!Happens(&random_, weather_.lose_one_in)) return false;
  counters_.lost++;
  return true;
}

std::optional<uint64_t> Network::Transit(Address from, Address to) {
  const Link link(from, to);
  if (Loses(link)) return std::nullopt;
  if (Happens(&random_, weather_.repeat_one_in)) {
    counters_.repeated++;
    return std::nullopt;
  }
  if (Happens(&random_, weather_.delay_one_in)) {
    counters_.overtaken++;
    return std::nullopt;
  }
  return Delay(link);
}

uint64_t Network::Delay(Link link) {
  const auto slow = slowness_.find(link);
  const uint64_t factor = slow == slowness_.end() ? 1 : slow->second;
  return factor * (kDelayMicros + random_.Uniform(kDelayMicros));
}

bool Network::Send(Address from, Address to, std::function<void()> deliver) {
  const Link link(from, to);
  if (Loses(link)) return false;
  const uint64_t arrival = world_.now_us() + Delay(link);
  if (Happens(&random_, weather_.repeat_one_in)) {
    counters_.repeated++;
    Deliver(link, arrival + random_.Uniform(kOvertakenMicros), deliver);
  }
  if (Happens(&random_, weather_.delay_one_in)) {
    counters_.overtaken++;
    Deliver(link, arrival + random_.Uniform(kOvertakenMicros), deliver);
    return true;
  }
  uint64_t& last = last_us_[link];
  last = std::max(last, arrival);
  Deliver(link, last, deliver);
  return true;
}

void Network::Deliver(Link link, uint64_t at_us, const std::function<void()>& deliver) {
  world_.After(at_us - world_.now_us(), [this, link, deliver] {
    // Cut while it was under way: gone as well.
    if (cut_.contains(link)) {
      counters_.cut++;
      return;
    }
    deliver();
  });
}

void Network::Heal() {
  weather_ = {};
  cut_.clear();
  slowness_.clear();
}

}  // namespace nokv::sim
