// Nemesis: breaks a cluster in many ways at random moments, and heals all of it at the end. Each
// kind of fault is an object of its own; a run takes any of them.
//
// Thread safety: owned by the world's thread.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "sim/nemesis/cluster.h"

namespace nokv::sim {

class Fault {
 public:
  explicit Fault(Cluster& cluster) : cluster_(cluster) {}
  virtual ~Fault() = default;
  virtual std::string_view name() const = 0;
  // Begins. False if there is nothing to break now.
  virtual bool Start(base::Random* random) = 0;
  // Ends what Start began.
  virtual void Stop() = 0;
  // How often it has made a difference; a cut that stops no message makes none.
  uint64_t fired() const { return fired_; }

 protected:
  // Mostly the leader's, if there is one.
  size_t Pick(base::Random* random);

  Cluster& cluster_;
  uint64_t fired_ = 0;
};

using Faults = std::vector<std::unique_ptr<Fault>>;

// Every kind there is, by the part that it breaks.
Faults ProcessFaults(Cluster& cluster);
Faults NetworkFaults(Cluster& cluster);
Faults DiskFaults(Cluster& cluster);
// A machine that is gone for good, of a cluster that can do without.
Faults LossFaults(Cluster& cluster);
// Clocks run at up to `drift_permille` thousandths more or less than the right speed.
Faults ClockFaults(Cluster& cluster, uint64_t drift_permille = 100);
void AddFaults(Faults more, Faults* all);
// All of them but the loss of machines.
Faults AllFaults(Cluster& cluster);
// Disks that rot; where Cluster::Rot may be called.
Faults RotFaults(Cluster& cluster);

struct NemesisOptions {
  // Between the beginnings of two faults, at most; and how long one lasts, at most.
  uint64_t pause_us = 800'000;
  uint64_t duration_us = 1'500'000;
  // Of the kinds, at least so many take part: many at once hide what few would show.
  size_t least_kinds = 4;
};

class Nemesis {
 public:
  // Some of `faults`, as the seed decides.
  Nemesis(Cluster& cluster, Faults faults, const NemesisOptions& options);

  // Breaks things from now until `end_us`, then ends every fault.
  void Run(uint64_t end_us);
  // The kinds that made a difference, and how often.
  std::map<std::string, uint64_t> Fired() const;

 private:
  void StartOne();
  void StopOne(size_t number);
  void Heal();

  Cluster& cluster_;
  base::Random random_;
  const NemesisOptions options_;
  Faults faults_;
  std::vector<size_t> active_;  // numbers of those that have begun and not ended
  uint64_t end_us_ = 0;
};

}  // namespace nokv::sim
