#include "sim/world/machine.h"

#include <cerrno>
#include <utility>

#include "base/check.h"
#include "base/macros.h"

namespace nokv::sim {
namespace {

// A sync of a good disk.
constexpr uint64_t kSyncMicros = 300;
constexpr uint64_t kMaxFileBytes = 1 << 30;

}  // namespace

Machine::Machine(World& world, uint64_t id)
    : world_(world), id_(id), random_(world.random().Fork()), clock_(world) {
  Plug(vfs::NewMemoryFileSystem());
}

void Machine::Plug(std::unique_ptr<vfs::MemoryFileSystem> disk) {
  faults_ = nullptr;
  disk_ = std::move(disk);
  faults_ = vfs::NewFaultFileSystem(*disk_);
  faults_->SetObserver([this](const vfs::Operation& operation) {
    vfs::Fault fault;
    const bool sync = operation.op == vfs::Op::kSync || operation.op == vfs::Op::kMappedSync;
    if (sync && lose_power_) {
      world_.After(0, std::exchange(lose_power_, nullptr));
      fault.error_number = EIO;
    } else if (sync && fail_sync_) {
      fail_sync_ = false;
      fault.error_number = EIO;
    } else if (full_ &&
               (operation.op == vfs::Op::kCreateMapped || operation.op == vfs::Op::kCreateAppend ||
                operation.op == vfs::Op::kAppend)) {
      fault.error_number = ENOSPC;
      fault.partial_bytes = operation.length / 2;
    }
    if (fault.error_number != 0) disk_faults_++;
    return fault;
  });
}

void Machine::Start() {
  NOKV_CHECK(!running()) << "machine " << id_ << " runs a process already";
  runtime_ = std::make_unique<ProcessRuntime>(world_, clock_,
                                              [this](runtime::Lane lane) { return Cost(lane); });
}

uint64_t Machine::Cost(runtime::Lane lane) {
  if (lane == runtime::Lane::kUrgent) return 0;
  return slowness_ * (kSyncMicros + random_.Uniform(kSyncMicros));
}

void Machine::End(std::unique_ptr<vfs::MemoryFileSystem> remains) {
  runtime_ = nullptr;
  Plug(std::move(remains));
}

void Machine::EndByKill() {
  End(disk_->KillClone());
}

void Machine::EndByPowerLoss(Loss loss) {
  End(disk_->CrashClone(loss, random_.Next()));
}

void Machine::ReplaceDisk() {
  Plug(vfs::NewMemoryFileSystem());
}

void Machine::SetDiskFull(bool full) {
  full_ = full;
}

Status Machine::FlipBit(const std::string& path, uint64_t bit) {
  ASSIGN_OR_RETURN(std::string content, disk_->ReadFile(path, kMaxFileBytes));
  if (content.empty()) return Status::NotFound(path + " is empty");
  content[bit / 8 % content.size()] ^= static_cast<char>(1U << bit % 8);
  return disk_->Overwrite(path, std::move(content));
}

Status Machine::Rot(const std::string& folder, uint64_t luck) {
  ASSIGN_OR_RETURN(const std::vector<std::string> files, disk_->List(folder));
  if (files.empty()) return Status::NotFound(folder + " is empty");
  base::Random random(luck);
  return FlipBit(folder + "/" + files[random.Uniform(files.size())], random.Next());
}

}  // namespace nokv::sim
