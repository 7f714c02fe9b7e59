// Ingest. The files are taken into the directory and checked first, and most of what is in memory
// is flushed. Then the ingest gets its place in the order of writes, one sequence number for each
// table, and the memtable from before is flushed; writes wait meanwhile. So all that is older lies
// in tables when the new ones are put above it, with one edit, and nothing that was logged before
// has to be replayed onto them.
#include <algorithm>
#include <utility>

#include "engine/engine_impl.h"
#include "lsm/compaction/compaction_picker.h"
#include "lsm/version/prefix_range.h"

namespace nokv::engine {

namespace {
constexpr size_t kMaxIngests = 1024;

// A batch that changes every key that the tables may change: for whoever has read them.
std::string ChangesOf(const std::vector<manifest::FileMetadata>& tables) {
  Batch batch;
  for (const manifest::FileMetadata& table : tables) {
    lsm::PrefixRange range = lsm::RangeOf(table);
    if (range.end_inclusive) range.end += '\0';
    batch.DeleteRange(range.begin, range.end);
  }
  return batch.encoding();
}
}  // namespace

void EngineImpl::IngestAsync(IngestRequest request, Completion done) {
  Completions completions;
  {
    base::MutexLock lock(mu_);
    Status refusal = RefusalLocked();
    if (refusal.ok() && request.files.empty()) {
      refusal = Status::InvalidArgument("ingest: there are no files");
    }
    if (refusal.ok() && ingests_.size() == kMaxIngests) {
      refusal = Status::ResourceExhausted("too many ingests wait for their turn");
    }
    if (!refusal.ok()) {
      completions.Add(std::move(done), std::move(refusal));
    } else {
      IngestContext context;
      context.fs = &doors_.fs;
      context.dir = path_;
      context.new_file_number = [this] { return versions_->NewFileNumber(); };
      context.table_options = TableOptionsFor(/*level=*/0, /*base_level=*/1);
      context.now_ms = clock().WallMillis();
      auto ingest = std::make_shared<Ingest>();
      ingest->job = std::make_unique<IngestJob>(std::move(request), std::move(context));
      ingest->done = std::move(done);
      ingests_.push_back(std::move(ingest));
      if (ingests_.size() == 1) PostIngest();
    }
  }
  completions.Run();
}

void EngineImpl::PostIngest() {
  doors_.runtime.Post(runtime::Lane::kCompaction, [this] { RunIngest(); });
}

void EngineImpl::RunIngest() {
  std::shared_ptr<Ingest> ingest;
  Status refusal;
  {
    base::MutexLock lock(mu_);
    ingest = ingests_.front();
    refusal = RefusalLocked();
  }
  if (!refusal.ok()) return FinishIngest(*ingest, std::move(refusal));
  const Result<bool> ready = ingest->job->Step();
  if (!ready.ok()) return FinishIngest(*ingest, ready.status());
  if (!*ready) return PostIngest();
  // So that what has to be flushed while writes behind the ingest wait is little.
  FlushAsync([this, ingest](Status flushed) { PlaceIngest(*ingest, std::move(flushed)); });
}

void EngineImpl::PlaceIngest(Ingest& ingest, Status flushed) {
  Completions completions;
  {
    base::MutexLock lock(mu_);
    Status refusal = flushed.ok() ? RefusalLocked() : std::move(flushed);
    const auto install = [this, ingest = ingests_.front()](Status status) {
      doors_.runtime.Post(runtime::Lane::kCompaction, [this, ingest, status = std::move(status)] {
        InstallIngest(*ingest, status);
      });
    };
    if (!refusal.ok()) {
      completions.Add(install, std::move(refusal));
    } else {
      ingest.encoding = ChangesOf(ingest.job->tables());
      for (Validation* validation : validations_) validation->SeeBatch(ingest.encoding);
      ingest.first_sequence = tracker_.next();
      read_limit_->store(ingest.first_sequence - 1, std::memory_order_release);
      ingest.ticket = tracker_.Begin(ingest.encoding, ingest.job->tables().size(), SyncNeed::kNone,
                                     /*done=*/nullptr);
      // Also if what has a place in it is not in it yet.
      if (active_.last_sequence != 0) SwitchMemtableLocked();
      if (immutables_.empty()) {
        completions.Add(install, Status::Ok());
      } else {
        flush_waiters_.push_back({immutables_.back().id, install});
      }
    }
  }
  completions.Run();
}

std::vector<lsm::CompactionPlan> EngineImpl::PlanDropLocked(const Ingest& ingest) const {
  // A snapshot needs them; and only one excision is remembered for those that are taken meanwhile.
  if (!snapshots_.empty() || excision_.has_value()) return {};
  return lsm::PlanDepartures(*read_state_->version, compaction_state_, ingest.job->excised());
}

EngineImpl::IngestPlan EngineImpl::PlanIngestLocked(const Ingest& ingest) {
  IngestPlan plan;
  std::vector<lsm::CompactionPlan> departures = PlanDropLocked(ingest);
  std::set<uint64_t> dropped;
  for (const lsm::CompactionPlan& departure : departures) {
    for (const auto& file : departure.inputs) {
      plan.edit.DeleteFile(departure.input_level, file->number());
      dropped.insert(file->number());
    }
  }
  plan.drops = !dropped.empty();
  const lsm::Version left = read_state_->version->Without(dropped);
  const auto& excised = ingest.job->excised();
  // What deletes nothing would only be in the way of the others.
  plan.hides = std::any_of(excised.begin(), excised.end(),
                           [&left](const auto& range) { return left.Overlaps(range); });
  keys::SequenceNumber sequence = ingest.first_sequence;
  bool is_excision = !excised.empty();
  for (manifest::FileMetadata table : ingest.job->tables()) {
    SetSequence(sequence++, &table);
    if (std::exchange(is_excision, false) && !plan.hides) continue;
    const lsm::PrefixRange range = lsm::RangeOf(table);
    // Those before it in this ingest have arrived, too.
    const int level = lsm::ArrivalLevel(left, compaction_options_, compaction_state_, range);
    plan.edit.AddFile(level, std::move(table));
    plan.running.push_back(lsm::PlanArrival(level, range));
    compaction_state_.Register(plan.running.back());
  }
  for (lsm::CompactionPlan& departure : departures) {
    compaction_state_.Register(departure);
    plan.running.push_back(std::move(departure));
  }
  plan.edit.last_sequence = sequence - 1;
  excising_ = plan.drops;
  return plan;
}

void EngineImpl::InstallIngest(Ingest& ingest, Status flushed) {
  if (!flushed.ok()) return FinishIngest(ingest, std::move(flushed));
  IngestPlan plan;
  {
    base::MutexLock lock(mu_);
    plan = PlanIngestLocked(ingest);
  }
  Status status = versions_->LogAndApply({plan.edit}).Prefixed("install ingest");
  {
    base::MutexLock lock(mu_);
    for (const lsm::CompactionPlan& running : plan.running) compaction_state_.Unregister(running);
    excising_ = false;
    if (status.ok()) {
      const keys::SequenceNumber last = *plan.edit.last_sequence;
      read_limit_ = std::make_shared<std::atomic<keys::SequenceNumber>>(keys::kMaxSequence);
      if (plan.drops) {
        read_floor_ = last;
        if (!snapshots_.empty()) excision_ = {last, ingest.encoding};
      }
      PublishReadStateLocked();
    }
  }
  if (status.ok() && ingest.job->excises() && !plan.hides) ingest.job->RemoveExcision();
  plan.running.clear();  // the last to hold what was dropped, if nobody reads it
  RemoveObsoleteFiles();
  FinishIngest(ingest, std::move(status));
}

void EngineImpl::FinishIngest(Ingest& ingest, Status status) {
  // If it failed in the manifest, nobody knows whether the tables are in there.
  const Status failure = versions_->failure();
  if (!status.ok() && failure.ok()) ingest.job->RemoveOutputs();
  Completions completions;
  bool sync_due = false;
  {
    base::MutexLock lock(mu_);
    if (!failure.ok()) SetBackgroundErrorLocked(failure, &completions);
    if (ingest.ticket.has_value()) {
      read_limit_->store(keys::kMaxSequence, std::memory_order_release);
      tracker_.Applied(*ingest.ticket, &completions);
      ingest.ticket.reset();
      // Synced writes behind it may have waited for it to be applied.
      sync_due = ClaimSyncLocked();
    }
  }
  completions.Run();
  if (sync_due) RunClaimedSync(/*leading=*/false);
  if (status.ok()) {
    const Status removed = ingest.job->RemoveSources();
    if (!removed.ok())
      doors_.logger.Warning("ingest: remove what was moved: " + removed.ToString());
  }
  ingest.done(std::move(status));
  // Last: from here on the engine may be closed and destroyed.
  base::MutexLock lock(mu_);
  ingests_.pop_front();
  RoomMadeLocked();
  if (!ingests_.empty()) PostIngest();
  ScheduleLocked();
  MaybeFinishCloseLocked();
}

}  // namespace nokv::engine
