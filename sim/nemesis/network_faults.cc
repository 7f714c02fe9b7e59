// Faults of the network: partitions of several shapes, slow links, bad weather.
#include <algorithm>
#include <utility>

#include "sim/nemesis/nemesis.h"

namespace nokv::sim {
namespace {

// Cuts some links and mends the same ones.
class Cuts : public Fault {
 public:
  using Fault::Fault;
  void Stop() override {
    for (const auto& [from, to] : links_) cluster_.network().Mend(from, to);
    fired_ += cluster_.network().counters().cut > before_;
    links_.clear();
  }

 protected:
  void Begin() { before_ = cluster_.network().counters().cut; }
  void Cut(size_t from, size_t to) {
    links_.emplace_back(cluster_.machine(from).id(), cluster_.machine(to).id());
    cluster_.network().Cut(links_.back().first, links_.back().second);
  }
  void CutBoth(size_t one, size_t other) {
    Cut(one, other);
    Cut(other, one);
  }

 private:
  std::vector<Network::Link> links_;
  uint64_t before_ = 0;
};

// One machine against all others.
class Isolation : public Cuts {
 public:
  using Cuts::Cuts;
  std::string_view name() const override { return "isolation"; }
  bool Start(base::Random* random) override {
    Begin();
    const size_t one = Pick(random);
    for (size_t other = 0; other < cluster_.machines(); other++) {
      if (other != one) CutBoth(one, other);
    }
    return true;
  }
};

class Halves : public Cuts {
 public:
  using Cuts::Cuts;
  std::string_view name() const override { return "partition"; }
  bool Start(base::Random* random) override {
    Begin();
    std::vector<bool> side(cluster_.machines());
    for (size_t i = 0; i < side.size(); i++) side[i] = random->OneIn(2);
    for (size_t one = 0; one < side.size(); one++) {
      for (size_t other = one + 1; other < side.size(); other++) {
        if (side[one] != side[other]) CutBoth(one, other);
      }
    }
    return true;
  }
};

// What one machine sends is lost, or what it is sent.
class OneWay : public Cuts {
 public:
  using Cuts::Cuts;
  std::string_view name() const override { return "one-way"; }
  bool Start(base::Random* random) override {
    Begin();
    const size_t one = Pick(random);
    const bool deaf = random->OneIn(2);
    for (size_t other = 0; other < cluster_.machines(); other++) {
      if (other == one || random->OneIn(3)) continue;
      if (deaf) {
        Cut(other, one);
      } else {
        Cut(one, other);
      }
    }
    return true;
  }
};

// Two halves that one machine sees both of.
class Bridge : public Cuts {
 public:
  using Cuts::Cuts;
  std::string_view name() const override { return "bridge"; }
  bool Start(base::Random* random) override {
    Begin();
    const size_t count = cluster_.machines();
    const size_t bridge = random->Uniform(count);
    const auto half = [&](size_t number) { return (number + count - bridge) % count > count / 2; };
    for (size_t one = 0; one < count; one++) {
      for (size_t other = one + 1; other < count; other++) {
        if (one == bridge || other == bridge || half(one) == half(other)) continue;
        CutBoth(one, other);
      }
    }
    return true;
  }
};

// Whoever comes to lead is cut off a moment later from nearly everybody, again and again: entries
// reach a few, and their leaders follow one another.
class LeaderHunt : public Fault {
 public:
  using Fault::Fault;
  std::string_view name() const override { return "leader-hunt"; }
  bool Start(base::Random* random) override {
    random_ = random;
    hunting_ = true;
    hunted_.reset();
    Look(++round_);
    return true;
  }
  void Stop() override {
    hunting_ = false;
    Mend();
  }

 private:
  static constexpr uint64_t kLookMicros = 2000;
  static constexpr uint64_t kMostGraceMicros = 6000;

  void Look(uint64_t round) {
    cluster_.world().After(kLookMicros + random_->Uniform(kLookMicros), [this, round] {
      if (!hunting_ || round != round_) return;
      const auto leader = cluster_.leader();
      if (leader && leader != hunted_) {
        hunted_ = leader;
        Mend();
        cluster_.world().After(random_->Uniform(kMostGraceMicros), [this, leader, round] {
          if (hunting_ && round == round_) CutOff(*leader);
        });
      }
      Look(round);
    });
  }
  void CutOff(size_t leader) {
    fired_++;
    for (size_t other = 0; other < cluster_.machines(); other++) {
      if (other == leader || random_->OneIn(4)) continue;
      Cut(cluster_.machine(leader).id(), cluster_.machine(other).id());
      Cut(cluster_.machine(other).id(), cluster_.machine(leader).id());
    }
  }
  void Cut(Network::Address from, Network::Address to) {
    cluster_.network().Cut(from, to);
    links_.emplace_back(from, to);
  }
  void Mend() {
    for (const auto& [from, to] : links_) cluster_.network().Mend(from, to);
    links_.clear();
  }

  base::Random* random_ = nullptr;
  bool hunting_ = false;
  uint64_t round_ = 0;
  std::optional<size_t> hunted_;
  std::vector<Network::Link> links_;
};

class SlowLinks : public Fault {
 public:
  using Fault::Fault;
  std::string_view name() const override { return "slow-link"; }
  bool Start(base::Random* random) override {
    const size_t one = Pick(random);
    const uint64_t factor = uint64_t{1} << (3 + random->Uniform(7));
    for (size_t other = 0; other < cluster_.machines(); other++) {
      if (other == one || random->OneIn(3)) continue;
      Set(one, other, factor);
      if (random->OneIn(2)) Set(other, one, factor);
    }
    fired_++;
    return true;
  }
  void Stop() override {
    for (const auto& [from, to] : links_) cluster_.network().SetSlowness(from, to, 1);
    links_.clear();
  }

 private:
  void Set(size_t from, size_t to, uint64_t factor) {
    links_.emplace_back(cluster_.machine(from).id(), cluster_.machine(to).id());
    cluster_.network().SetSlowness(links_.back().first, links_.back().second, factor);
  }
  std::vector<Network::Link> links_;
};

// Bad weather: one number of Network::Weather, and the counter that it moves.
class Weather : public Fault {
 public:
  Weather(Cluster& cluster, std::string_view name, uint64_t Network::Weather::* chance,
          uint64_t Network::Counters::* counter)
      : Fault(cluster), name_(name), chance_(chance), counter_(counter) {}
  std::string_view name() const override { return name_; }
  bool Start(base::Random* random) override {
    before_ = cluster_.network().counters().*counter_;
    Set(2 + random->Uniform(30));
    return true;
  }
  void Stop() override {
    Set(0);
    fired_ += cluster_.network().counters().*counter_ > before_;
  }

 private:
  void Set(uint64_t one_in) {
    Network::Weather weather = cluster_.network().weather();
    weather.*chance_ = one_in;
    cluster_.network().SetWeather(weather);
  }
  const std::string_view name_;
  uint64_t Network::Weather::* const chance_;
  uint64_t Network::Counters::* const counter_;
  uint64_t before_ = 0;
};

}  // namespace

Faults NetworkFaults(Cluster& cluster) {
  Faults faults;
  faults.push_back(std::make_unique<Isolation>(cluster));
  faults.push_back(std::make_unique<Halves>(cluster));
  faults.push_back(std::make_unique<OneWay>(cluster));
  faults.push_back(std::make_unique<Bridge>(cluster));
  faults.push_back(std::make_unique<LeaderHunt>(cluster));
  faults.push_back(std::make_unique<SlowLinks>(cluster));
  using Chances = Network::Weather;
  using Counts = Network::Counters;
  faults.push_back(
      std::make_unique<Weather>(cluster, "loss", &Chances::lose_one_in, &Counts::lost));
  faults.push_back(std::make_unique<Weather>(cluster, "duplication", &Chances::repeat_one_in,
                                             &Counts::repeated));
  faults.push_back(
      std::make_unique<Weather>(cluster, "reordering", &Chances::delay_one_in, &Counts::overtaken));
  return faults;
}

}  // namespace nokv::sim
