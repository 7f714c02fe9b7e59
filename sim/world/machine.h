// Machine: a simulated computer: a disk that survives, clocks, and at most one process, which sees
// them by its doors. What happens to the machine is decided elsewhere (sim/nemesis).
//
// Thread safety: owned by the world's thread.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "base/random.h"
#include "nokv/status.h"
#include "sim/world/process_runtime.h"
#include "sim/world/world.h"
#include "vfs/fault_fs.h"
#include "vfs/memory_fs.h"

namespace nokv::sim {

class Machine {
 public:
  using Loss = vfs::MemoryFileSystem::Loss;

  Machine(World& world, uint64_t id);

  uint64_t id() const { return id_; }

  // The doors of the process; they end with it.
  vfs::FileSystem& fs() { return *faults_; }
  ProcessRuntime& runtime() { return *runtime_; }

  bool running() const { return runtime_ != nullptr; }
  bool paused() const { return running() && runtime_->paused(); }

  // A process begins; none runs.
  void Start();
  // Its tasks and timers are gone when they return; its objects must be destroyed before.
  void EndByKill();                // what was written is there
  void EndByPowerLoss(Loss loss);  // what was not synced may not be
  // A new, empty disk.
  void ReplaceDisk();

  void Pause() { runtime_->Pause(); }
  void Resume() { runtime_->Resume(); }

  MachineClock& clock() { return clock_; }

  // Faults of the disk; they hold until they are taken back, over restarts as well.
  void SetDiskFull(bool full);
  // Syncs take so many times as long.
  void SetDiskSlowness(uint64_t factor) { slowness_ = factor; }
  // The next sync of a file fails, and no other.
  void FailNextSync(bool fail) { fail_sync_ = fail; }
  // Power fails in the next sync, which makes nothing durable: `lose` is called right after it.
  // Empty: not.
  void LosePowerInNextSync(std::function<void()> lose) { lose_power_ = std::move(lose); }
  // Operations that failed.
  uint64_t disk_faults() const { return disk_faults_; }
  // Flips one bit of the durable content of a file. kNotFound if there is no such file.
  Status FlipBit(const std::string& path, uint64_t bit);
  // Of a file of `folder`, as `luck` decides.
  Status Rot(const std::string& folder, uint64_t luck);

 private:
  void Plug(std::unique_ptr<vfs::MemoryFileSystem> disk);
  void End(std::unique_ptr<vfs::MemoryFileSystem> remains);
  uint64_t Cost(runtime::Lane lane);

  World& world_;
  const uint64_t id_;
  base::Random random_;
  MachineClock clock_;
  std::unique_ptr<vfs::MemoryFileSystem> disk_;
  std::unique_ptr<vfs::FaultFileSystem> faults_;
  std::unique_ptr<ProcessRuntime> runtime_;
  uint64_t slowness_ = 1;
  bool full_ = false;
  bool fail_sync_ = false;
  std::function<void()> lose_power_;
  uint64_t disk_faults_ = 0;
};

}  // namespace nokv::sim
