#include "transport/partial_snapshots.h"

#include <algorithm>
#include <utility>

namespace nokv::transport {
namespace {

// What waits for the disk. Who sends snapshots faster than that keeps nothing of them.
constexpr size_t kMaxTasks = 64;
// Members of which something is kept.
constexpr size_t kMaxKept = 256;
constexpr uint64_t kMaxParts = 1 << 16;  // of one snapshot

}  // namespace

PartialSnapshots::PartialSnapshots(runtime::Runtime& runtime, vfs::FileSystem& fs,
                                   PartialOptions options)
    : runtime_(runtime), fs_(fs), options_(std::move(options)) {}

void PartialSnapshots::Begin() {
  Post([this] { Clean(); });
}

void PartialSnapshots::Take(const SnapshotIdentity& of, Claimed claimed) {
  const bool posted = Post([this, of, claimed] {
    RemoveOld();
    const Member member(of.group, of.member);
    std::string data = Load(of);
    Kept& kept = kept_[member];
    kept.of = of;
    kept.claim = next_claim_++;
    kept.used_us = runtime_.clock().MonotonicMicros();
    const Claim claim = kept.claim;
    MakeRoom(member, 0);
    ArmTimer();
    claimed(claim, std::move(data));
  });
  if (!posted) claimed(0, "");
}

void PartialSnapshots::Save(Claim claim, uint64_t offset, std::string data, runtime::Task done) {
  const bool posted = Post([this, claim, offset, data = std::move(data), done] {
    Kept* const kept = Find(claim);
    // A hole is where too much waited.
    if (kept != nullptr && offset == kept->data_bytes && !Write(kept, data)) {
      Remove({kept->of.group, kept->of.member});
    }
    done();
  });
  if (!posted) done();
}

void PartialSnapshots::Drop(Claim claim) {
  Post([this, claim] {
    if (const Kept* const kept = Find(claim)) Remove({kept->of.group, kept->of.member});
  });
}

bool PartialSnapshots::Post(runtime::Task task) {
  {
    const base::MutexLock lock(mu_);
    if (tasks_.size() >= kMaxTasks) return false;
    tasks_.push_back(std::move(task));
    if (std::exchange(running_, true)) return true;
  }
  PostNext();
  return true;
}

void PartialSnapshots::PostNext() {
  runtime_.Post(runtime::Lane::kFlush, [weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->RunNext();
  });
}

void PartialSnapshots::RunNext() {
  runtime::Task task;
  {
    const base::MutexLock lock(mu_);
    task = std::move(tasks_.front());
    tasks_.pop_front();
  }
  task();
  {
    const base::MutexLock lock(mu_);
    running_ = !tasks_.empty();
    if (!running_) return;
  }
  PostNext();
}

// Of what an earlier process left only the sizes are looked at; the rest is judged when somebody
// asks for it.
void PartialSnapshots::Clean() {
  const Result<std::vector<std::string>> names = fs_.List(options_.folder);
  if (!names.ok()) return;  // there is none yet
  for (const std::string& name : *names) {
    Member member;
    uint64_t number = 0;
    const std::string path = vfs::JoinPath(options_.folder, name);
    const Result<uint64_t> bytes = fs_.FileSize(path);
    if (!bytes.ok() || !ParsePartName(name, &member.first, &member.second, &number) ||
        number >= kMaxParts) {
      // What was being written, for one.
      static_cast<void>(fs_.Remove(path));
      continue;
    }
    Kept& kept = kept_[member];
    kept.parts = std::max(kept.parts, number + 1);
    kept.file_bytes += *bytes;
    kept.used_us = runtime_.clock().MonotonicMicros();
  }
  MakeRoom({}, 0);
  if (!kept_.empty()) ArmTimer();
}

std::string PartialSnapshots::Load(const SnapshotIdentity& of) {
  const Member member(of.group, of.member);
  Kept& kept = kept_[member];
  std::string data;
  uint64_t number = 0;
  kept.data_bytes = kept.file_bytes = 0;
  for (; number < kept.parts; number++) {
    const Result<std::string> bytes =
        fs_.ReadFile(PathOf(member, number), kPartHeaderBytes + options_.max_data_bytes);
    if (!bytes.ok()) break;
    const Result<SnapshotPart> part = DecodePart(*bytes);
    if (!part.ok() || part->of != of || part->offset != data.size()) break;
    data += part->data;
    kept.file_bytes += bytes->size();
  }
  RemoveParts(member, number);
  kept.data_bytes = data.size();
  return data;
}

PartialSnapshots::Kept* PartialSnapshots::Find(Claim claim) {
  if (claim == 0) return nullptr;
  for (auto& [member, kept] : kept_) {
    if (kept.claim == claim) return &kept;
  }
  return nullptr;
}

bool PartialSnapshots::Write(Kept* kept, std::string_view data) {
  const Member member(kept->of.group, kept->of.member);
  const std::string bytes = EncodePart({.of = kept->of, .offset = kept->data_bytes, .data = data});
  if (kept->parts == kMaxParts || !MakeRoom(member, bytes.size())) return false;
  const std::string path = PathOf(member, kept->parts++);
  kept->used_us = runtime_.clock().MonotonicMicros();
  Status status = fs_.CreateDirs(options_.folder);
  if (status.ok()) status = fs_.SyncDir(vfs::DirName(options_.folder));
  if (status.ok()) status = vfs::WriteFileAtomically(fs_, path, bytes);
  if (!status.ok()) {
    static_cast<void>(fs_.Remove(path + ".tmp"));
    return false;
  }
  kept->data_bytes += data.size();
  kept->file_bytes += bytes.size();
  return true;
}

bool PartialSnapshots::MakeRoom(const Member& member, uint64_t bytes) {
  while (true) {
    uint64_t total = bytes;
    auto oldest = kept_.end();
    for (auto it = kept_.begin(); it != kept_.end(); ++it) {
      total += it->second.file_bytes;
      if (it->first == member) continue;
      if (oldest == kept_.end() || it->second.used_us < oldest->second.used_us) oldest = it;
    }
    if (total <= options_.max_bytes && kept_.size() <= kMaxKept) return true;
    if (oldest == kept_.end()) return false;
    Remove(Member(oldest->first));
  }
}

void PartialSnapshots::RemoveParts(const Member& member, uint64_t from) {
  Kept& kept = kept_[member];
  // A file that stays, or comes back after a power loss, is of no use to anybody: it does not
  // follow the one before it.
  for (uint64_t number = from; number < kept.parts; number++) {
    static_cast<void>(fs_.Remove(PathOf(member, number)));
  }
  kept.parts = from;
}

void PartialSnapshots::Remove(const Member& member) {
  RemoveParts(member, 0);
  kept_.erase(member);
}

void PartialSnapshots::RemoveOld() {
  const uint64_t now_us = runtime_.clock().MonotonicMicros();
  std::vector<Member> old;
  for (const auto& [member, kept] : kept_) {
    if (now_us - kept.used_us >= options_.kept_ms * 1000) old.push_back(member);
  }
  for (const Member& member : old) Remove(member);
}

void PartialSnapshots::ArmTimer() {
  if (std::exchange(timer_armed_, true)) return;
  runtime_.PostAfter(runtime::Lane::kFlush, options_.kept_ms * 1000, [weak = weak_from_this()] {
    const auto self = weak.lock();
    if (self == nullptr) return;
    self->Post([self = self.get()] {
      self->timer_armed_ = false;
      self->RemoveOld();
      if (!self->kept_.empty()) self->ArmTimer();
    });
  });
}

std::string PartialSnapshots::PathOf(const Member& member, uint64_t number) const {
  return vfs::JoinPath(options_.folder, PartName(member.first, member.second, number));
}

}  // namespace nokv::transport
