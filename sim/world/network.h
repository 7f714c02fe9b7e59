// Network: links between the parties of a simulated world. A message is a function that runs at the
// receiver: once, not at all, or several times, after a while.
//
// By default a link keeps the order, as a stream does; reordering is a fault like loss,
// duplication, slowness and cuts, each of which concerns one direction of one link or all of them.
//
// Thread safety: owned by the world's thread.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "base/random.h"
#include "sim/world/world.h"

namespace nokv::sim {

class Network {
 public:
  using Address = uint64_t;
  using Link = std::pair<Address, Address>;  // from, to

  // Of all links, in one of so many messages; 0: never.
  struct Weather {
    uint64_t lose_one_in = 0;
    uint64_t repeat_one_in = 0;
    uint64_t delay_one_in = 0;  // overtaken by what was sent later
  };
  struct Counters {
    uint64_t sent = 0;
    uint64_t lost = 0;
    uint64_t repeated = 0;
    uint64_t overtaken = 0;
    uint64_t cut = 0;
  };

  explicit Network(World& world) : world_(world), random_(world.random().Fork()) {}

  // `deliver` runs at the receiver, later. False if it never will: what a sender learns, late, from
  // a connection that broke.
  bool Send(Address from, Address to, std::function<void()> deliver);

  // How long a message of a stream that is sent now takes; nullopt: it is lost, and its connection
  // with it. What would be repeated or overtaken is lost as well: a stream does not show it, but
  // for a connection that breaks of it.
  std::optional<uint64_t> Transit(Address from, Address to);

  void SetWeather(const Weather& weather) { weather_ = weather; }
  const Weather& weather() const { return weather_; }
  // One direction.
  void Cut(Address from, Address to) { cut_.emplace(from, to); }
  void Mend(Address from, Address to) { cut_.erase({from, to}); }
  // Messages take so many times as long; 1: as always.
  void SetSlowness(Address from, Address to, uint64_t factor) { slowness_[{from, to}] = factor; }
  // Everything is as at the beginning; what is under way stays so.
  void Heal();

  const Counters& counters() const { return counters_; }

 private:
  bool Loses(Link link);
  uint64_t Delay(Link link);
  void Deliver(Link link, uint64_t at_us, const std::function<void()>& deliver);

  World& world_;
  base::Random random_;
  Weather weather_;
  std::set<Link> cut_;
  std::map<Link, uint64_t> slowness_;
  std::map<Link, uint64_t> last_us_;  // when the last message in order arrives
  Counters counters_;
};

}  // namespace nokv::sim
