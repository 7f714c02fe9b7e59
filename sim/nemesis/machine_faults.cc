// Faults of machines: of processes, disks and clocks.
#include "sim/nemesis/nemesis.h"

namespace nokv::sim {
namespace {

// A fault of one machine.
class MachineFault : public Fault {
 public:
  MachineFault(Cluster& cluster, std::string_view name) : Fault(cluster), name_(name) {}
  std::string_view name() const override { return name_; }

 protected:
  Machine& machine() { return cluster_.machine(number_); }
  size_t number_ = 0;

 private:
  const std::string_view name_;
};

class Kill : public MachineFault {
 public:
  Kill(Cluster& cluster, std::string_view name, End end) : MachineFault(cluster, name), end_(end) {}

  bool Start(base::Random* random) override {
    number_ = Pick(random);
    if (!machine().running()) return false;
    using Loss = Machine::Loss;
    constexpr Loss kLosses[] = {Loss::kRandom, Loss::kRandom, Loss::kEverything, Loss::kNothing};
    cluster_.Stop(number_, end_, kLosses[random->Uniform(4)]);
    fired_++;
    return true;
  }
  void Stop() override { cluster_.Restart(number_); }

 private:
  const End end_;
};

// All at once, as when the power of a room fails.
class Blackout : public Fault {
 public:
  using Fault::Fault;
  std::string_view name() const override { return "blackout"; }
  bool Start(base::Random* random) override {
    for (size_t i = 0; i < cluster_.machines(); i++) {
      cluster_.Stop(i, End::kPowerLoss,
                    random->OneIn(2) ? Machine::Loss::kRandom : Machine::Loss::kEverything);
    }
    fired_++;
    return true;
  }
  void Stop() override {
    for (size_t i = 0; i < cluster_.machines(); i++) cluster_.Restart(i);
  }
};

// At the worst moment: what was appended, and perhaps sent, is not on disk yet. Often the whole
// room goes, so that nobody has what only some had stored.
class PowerLossInSync : public MachineFault {
 public:
  explicit PowerLossInSync(Cluster& cluster) : MachineFault(cluster, "power-loss-in-sync") {}
  bool Start(base::Random* random) override {
    number_ = Pick(random);
    if (!machine().running()) return false;
    const bool all = random->OneIn(2);
    machine().LosePowerInNextSync([this, all] {
      fired_++;
      for (size_t i = 0; i < cluster_.machines(); i++) {
        if (!all && i != number_) continue;
        cluster_.Stop(i, End::kPowerLoss, Machine::Loss::kEverything);
      }
    });
    return true;
  }
  void Stop() override {
    machine().LosePowerInNextSync(nullptr);
    for (size_t i = 0; i < cluster_.machines(); i++) cluster_.Restart(i);
  }
};

class Pause : public MachineFault {
 public:
  explicit Pause(Cluster& cluster) : MachineFault(cluster, "pause") {}
  bool Start(base::Random* random) override {
    number_ = Pick(random);
    if (!machine().running() || machine().paused()) return false;
    machine().Pause();
    fired_++;
    return true;
  }
  void Stop() override {
    if (machine().paused()) machine().Resume();
  }
};

// What it had is gone, and it does not come back.
class LostMachine : public Fault {
 public:
  using Fault::Fault;
  std::string_view name() const override { return "lost-machine"; }
  bool Start(base::Random* random) override {
    if (!cluster_.LoseForGood(random)) return false;
    fired_++;
    return true;
  }
  void Stop() override {}
};

class SlowDisk : public MachineFault {
 public:
  explicit SlowDisk(Cluster& cluster) : MachineFault(cluster, "slow-disk") {}
  bool Start(base::Random* random) override {
    number_ = Pick(random);
    machine().SetDiskSlowness(uint64_t{1} << (3 + random->Uniform(7)));
    fired_++;
    return true;
  }
  void Stop() override { machine().SetDiskSlowness(1); }
};

class FullDisk : public MachineFault {
 public:
  explicit FullDisk(Cluster& cluster) : MachineFault(cluster, "full-disk") {}
  bool Start(base::Random* random) override {
    number_ = Pick(random);
    machine().SetDiskFull(true);
    before_ = machine().disk_faults();
    return true;
  }
  void Stop() override {
    machine().SetDiskFull(false);
    fired_ += machine().disk_faults() > before_;
  }

 private:
  uint64_t before_ = 0;
};

class FailedSync : public MachineFault {
 public:
  explicit FailedSync(Cluster& cluster) : MachineFault(cluster, "failed-sync") {}
  bool Start(base::Random* random) override {
    number_ = Pick(random);
    machine().FailNextSync(true);
    before_ = machine().disk_faults();
    return true;
  }
  void Stop() override {
    machine().FailNextSync(false);
    fired_ += machine().disk_faults() > before_;
  }

 private:
  uint64_t before_ = 0;
};

// A bit flips while nothing runs, and the next process has to live with it.
class BitRot : public MachineFault {
 public:
  explicit BitRot(Cluster& cluster) : MachineFault(cluster, "bit-rot") {}
  bool Start(base::Random* random) override {
    number_ = Pick(random);
    cluster_.Stop(number_, End::kKill, Machine::Loss::kNothing);
    fired_ += cluster_.Rot(number_, random->Next());
    return true;
  }
  void Stop() override { cluster_.Restart(number_); }
};

// Within what leases allow for.
class Drift : public MachineFault {
 public:
  Drift(Cluster& cluster, uint64_t most_permille)
      : MachineFault(cluster, "clock-drift"), most_permille_(most_permille) {}
  bool Start(base::Random* random) override {
    number_ = Pick(random);
    machine().clock().SetRate(random->OneIn(2) ? 1000 + random->Uniform(most_permille_)
                                               : 1000 - random->Uniform(most_permille_));
    fired_++;
    return true;
  }
  void Stop() override { machine().clock().SetRate(1000); }

 private:
  const uint64_t most_permille_;
};

class Jump : public MachineFault {
 public:
  explicit Jump(Cluster& cluster) : MachineFault(cluster, "clock-jump") {}
  bool Start(base::Random* random) override {
    number_ = Pick(random);
    constexpr int64_t kHourMillis = 3'600'000;
    machine().clock().JumpWall(static_cast<int64_t>(random->Uniform(2 * kHourMillis)) -
                               kHourMillis);
    fired_++;
    return true;
  }
  void Stop() override {}
};

}  // namespace

Faults ProcessFaults(Cluster& cluster) {
  Faults faults;
  faults.push_back(std::make_unique<Kill>(cluster, "kill", End::kKill));
  faults.push_back(std::make_unique<Kill>(cluster, "power-loss", End::kPowerLoss));
  faults.push_back(std::make_unique<Blackout>(cluster));
  faults.push_back(std::make_unique<PowerLossInSync>(cluster));
  faults.push_back(std::make_unique<Pause>(cluster));
  return faults;
}

Faults DiskFaults(Cluster& cluster) {
  Faults faults;
  faults.push_back(std::make_unique<SlowDisk>(cluster));
  faults.push_back(std::make_unique<FullDisk>(cluster));
  faults.push_back(std::make_unique<FailedSync>(cluster));
  return faults;
}

Faults LossFaults(Cluster& cluster) {
  Faults faults;
  faults.push_back(std::make_unique<LostMachine>(cluster));
  return faults;
}

Faults ClockFaults(Cluster& cluster, uint64_t drift_permille) {
  Faults faults;
  faults.push_back(std::make_unique<Drift>(cluster, drift_permille));
  faults.push_back(std::make_unique<Jump>(cluster));
  return faults;
}

Faults RotFaults(Cluster& cluster) {
  Faults faults;
  faults.push_back(std::make_unique<BitRot>(cluster));
  return faults;
}

}  // namespace nokv::sim
