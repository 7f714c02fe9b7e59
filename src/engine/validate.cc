// Conditional writes: validation against the history, then the write path.
#include <algorithm>
#include <utility>

#include "engine/engine_impl.h"

namespace nokv::engine {

namespace {
// Each batch that is admitted is shown to all of them, under the mutex.
constexpr size_t kMaxValidations = 1024;

SyncNeed NeedOf(WriteMode mode) {
  switch (mode) {
    case WriteMode::kUnsynced:
      return SyncNeed::kNone;
    case WriteMode::kDeferred:
      return SyncNeed::kDeferred;
    case WriteMode::kSynced:
    case WriteMode::kLeading:
      break;
  }
  return SyncNeed::kDue;
}

}  // namespace

WriteTicket EngineImpl::WriteIf(const Batch& batch, ReadSet reads, WriteMode mode,
                                Completion done) {
  TimeWrite(&done);
  auto validation = std::make_unique<Validation>(std::move(reads));
  Validation& registered = *validation;
  NewerPlaces places;
  Status refusal;
  {
    base::MutexLock lock(mu_);
    refusal = CheckBatch(batch);
    if (refusal.ok()) refusal = RefusalLocked();
    if (refusal.ok()) refusal = RegisterLocked(&registered, &places);
  }
  if (!refusal.ok()) {
    done(std::move(refusal));
    return {};
  }

  Status unchanged = Status::Ok();
  for (const auto& memtable : places.memtables) {
    if (unchanged.ok()) unchanged = registered.Search(*memtable);
  }
  if (unchanged.ok()) unchanged = registered.Search(*places.version);

  Completions completions;
  std::optional<Admission> admission;
  {
    base::MutexLock lock(mu_);
    refusal = RefusalLocked();
    if (refusal.ok() && unchanged.ok()) unchanged = registered.conflict();
    if (refusal.ok() && unchanged.ok()) {
      refusal = PlaceLocked(batch, NeedOf(mode), /*may_wait=*/true, std::move(validation), &done,
                            &admission, &completions);
    } else {
      UnregisterLocked(&registered);
    }
    if (!refusal.ok()) {
      completions.Add(std::move(done), std::move(refusal));
    } else if (!unchanged.ok()) {
      AnswerUnfitLocked(registered, std::move(unchanged), std::move(done), &completions);
    }
  }
  completions.Run();
  if (!admission.has_value()) return {};
  return Apply(*admission, batch.encoding(), mode == WriteMode::kLeading);
}

Status EngineImpl::RegisterLocked(Validation* validation, NewerPlaces* places) {
  if (validations_.size() >= kMaxValidations) {
    return Status::ResourceExhausted("too many transactions are being committed at once");
  }
  validations_.push_back(validation);
  // Admitted earlier and not in the memtable yet. Walking a batch takes a fraction of what its own
  // thread needs to insert it.
  tracker_.ForEachUnapplied([&](std::string_view encoding) { validation->SeeBatch(encoding); });
  if (excision_.has_value() && excision_->sequence > validation->as_of()) {
    validation->SeeBatch(excision_->encoding);
  }
  const auto add = [&](const MemtableRef& memtable) {
    if (memtable.last_sequence > validation->as_of()) places->memtables.push_back(memtable.table);
  };
  add(active_);
  for (const MemtableRef& memtable : immutables_) add(memtable);
  places->version = read_state_->version;
  return Status::Ok();
}

void EngineImpl::UnregisterLocked(const Validation* validation) {
  std::erase(validations_, validation);
}

void EngineImpl::AnswerUnfitLocked(const Validation& validation, Status status, Completion done,
                                   Completions* completions) {
  if (!validation.answer_when_visible())
    return completions->Add(std::move(done), std::move(status));
  const uint64_t ticket = tracker_.Begin(
      /*encoding=*/{}, /*count=*/0, SyncNeed::kNone,
      [status = std::move(status), done = std::move(done)](const Status& visible) {
        done(visible.ok() ? status : visible);
      });
  tracker_.Applied(ticket, completions);
}

}  // namespace nokv::engine
