#include "sim/nemesis/nemesis.h"

#include <algorithm>
#include <utility>

namespace nokv::sim {
size_t Fault::Pick(base::Random* random) {
  const auto leader = cluster_.leader();
  if (leader && random->OneIn(2)) return *leader;
  return random->Uniform(cluster_.machines());
}

void AddFaults(Faults more, Faults* all) {
  for (auto& fault : more) all->push_back(std::move(fault));
}

Faults AllFaults(Cluster& cluster) {
  Faults all = ProcessFaults(cluster);
  AddFaults(NetworkFaults(cluster), &all);
  AddFaults(DiskFaults(cluster), &all);
  AddFaults(ClockFaults(cluster), &all);
  return all;
}

Nemesis::Nemesis(Cluster& cluster, Faults faults, const NemesisOptions& options)
    : cluster_(cluster), random_(cluster.world().random().Fork()), options_(options) {
  // The first so many after a shuffle.
  for (size_t i = faults.size(); i > 1; i--) std::swap(faults[i - 1], faults[random_.Uniform(i)]);
  const size_t least = std::min(faults.size(), options_.least_kinds);
  const size_t kinds = least + random_.Uniform(faults.size() - least + 1);
  faults.resize(kinds);
  faults_ = std::move(faults);
}

void Nemesis::Run(uint64_t end_us) {
  end_us_ = end_us;
  World& world = cluster_.world();
  world.After(end_us - world.now_us(), [this] { Heal(); });
  StartOne();
}

void Nemesis::StartOne() {
  World& world = cluster_.world();
  const uint64_t next = random_.Uniform(options_.pause_us);
  if (world.now_us() + next >= end_us_) return;
  world.After(next, [this] {
    const size_t number = random_.Uniform(faults_.size());
    const bool active = std::find(active_.begin(), active_.end(), number) != active_.end();
    if (!active && faults_[number]->Start(&random_)) {
      active_.push_back(number);
      cluster_.world().Note("fault", {number}, faults_[number]->name());
      cluster_.world().After(1 + random_.Uniform(options_.duration_us),
                             [this, number] { StopOne(number); });
    }
    StartOne();
  });
}

void Nemesis::StopOne(size_t number) {
  if (std::erase(active_, number) == 0) return;
  cluster_.world().Note("fault-ends", {number}, faults_[number]->name());
  faults_[number]->Stop();
}

void Nemesis::Heal() {
  cluster_.world().Note("heal", {});
  while (!active_.empty()) StopOne(active_.back());
}

std::map<std::string, uint64_t> Nemesis::Fired() const {
  std::map<std::string, uint64_t> fired;
  for (const auto& fault : faults_) {
    if (fault->fired() > 0) fired[std::string(fault->name())] = fault->fired();
  }
  return fired;
}

}  // namespace nokv::sim
