// Checkpoints. The log is rotated first, and synced: then all that the database consists of lies in
// files that do not change any more.
#include <utility>

#include "engine/checkpoint_job.h"
#include "engine/engine_impl.h"

namespace nokv::engine {

void EngineImpl::CreateCheckpointAsync(std::string path, Completion done) {
  Completions completions;
  bool sync_due = false;
  {
    base::MutexLock lock(mu_);
    Status refusal = RefusalLocked();
    if (refusal.ok() && path.empty()) refusal = Status::InvalidArgument("checkpoint: no path");
    if (refusal.ok() && checkpointing_) {
      refusal = Status::Unavailable("another checkpoint is being made");
    }
    if (refusal.ok()) {
      refusal = log_->Rotate();
      if (!refusal.ok()) SetBackgroundErrorLocked(refusal, &completions);
    }
    if (!refusal.ok()) {
      completions.Add(std::move(done), std::move(refusal));
    } else {
      checkpointing_ = true;
      // No write has got a place since the rotation.
      CheckpointContent content{versions_->GetCurrent(), log_->GetStats().active_segment};
      checkpoint_done_ = std::move(done);
      checkpoint_job_ =
          std::make_unique<CheckpointJob>(doors_.fs, path_, std::move(path), std::move(content));
      // Whoever completes a sync must not wait for a checkpoint to be made.
      const auto begin = [this](Status synced) {
        doors_.runtime.Post(runtime::Lane::kCompaction,
                            [this, synced = std::move(synced)] { RunCheckpoint(synced); });
      };
      tracker_.AwaitSync(begin, &completions);
      sync_due = ClaimSyncLocked();
    }
  }
  completions.Run();
  if (sync_due) RunClaimedSync(/*leading=*/false);
}

void EngineImpl::RunCheckpoint(Status synced) {
  Status status = std::move(synced);
  if (status.ok()) {
    const Result<bool> made = checkpoint_job_->Step();
    if (made.ok() && !*made) {
      doors_.runtime.Post(runtime::Lane::kCompaction, [this] { RunCheckpoint(Status::Ok()); });
      return;
    }
    status = made.status();
  }
  checkpoint_job_.reset();
  Completion done;
  {
    base::MutexLock lock(mu_);
    done = std::move(checkpoint_done_);
    checkpointing_ = false;
    finishing_++;
  }
  // What flushes and compactions could not remove meanwhile.
  RemoveObsoleteFiles();
  done(std::move(status));
  // Last: from here on the engine may be closed and destroyed.
  base::MutexLock lock(mu_);
  finishing_--;
  MaybeFinishCloseLocked();
}

}  // namespace nokv::engine
