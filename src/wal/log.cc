#include "wal/log.h"

#include <algorithm>
#include <cstring>

#include "base/check.h"
#include "base/macros.h"
#include "base/random.h"

namespace nokv::wal {
namespace {

// How much WriteAhead keeps ready.
constexpr uint64_t kAheadBytes = 8 * kWriteAheadBytes;
// A longer record is stored through the mapping also where syncs are frequent: of that many pages
// each costs as much as to copy it once more.
constexpr uint64_t kWrittenThroughBytes = uint64_t{64} << 10;
constexpr std::string_view kWayBack = "close the log, see to the disk and open it again";

}  // namespace

uint32_t SegmentSalt(const LogOptions& options, uint64_t segment) {
  return static_cast<uint32_t>(base::MixSeed(options.salt_seed ^ base::MixSeed(segment)));
}

Log::Log(vfs::FileSystem& fs, std::string dir, const LogOptions& options,
         std::unique_ptr<Segment> first, std::set<uint64_t> files)
    : fs_(fs),
      dir_(std::move(dir)),
      options_(options),
      files_(std::move(files)),
      committed_(first->end()),
      synced_(first->end()) {
  files_.insert(first->number());
  stats_.segments_created = 1;
  segments_.push_back(std::move(first));
}

Log::~Log() = default;

Status Log::UsableLocked() const {
  return closed_ ? Status::Closed("the log in " + dir_) : error_;
}

Status Log::PoisonLocked(const Status& status) {
  if (error_.ok()) error_ = status.hint().empty() ? status.WithHint(kWayBack) : status;
  return error_;
}

Result<Reservation> Log::Reserve(RecordType type, uint32_t payload_bytes) {
  if (!IsUserType(type)) {
    return Status::InvalidArgument("log record of type " +
                                   std::to_string(static_cast<unsigned>(type)) +
                                   ": not a type that can be written");
  }
  if (payload_bytes > kMaxPayloadBytes) {
    return Status::InvalidArgument("log record of " + std::to_string(payload_bytes) +
                                   " bytes: the limit is " + std::to_string(kMaxPayloadBytes));
  }
  const uint64_t bytes = RecordBytes(payload_bytes);
  Reservation place;
  place.type = type;
  place.payload_bytes = payload_bytes;
  ASSIGN_OR_RETURN(const bool written_through, TakePlace(bytes, &place));
  if (written_through) {
    place.record = std::make_unique<char[]>(bytes);
    place.payload = place.record.get() + kRecordHeaderBytes;
  }
  return place;
}

Result<bool> Log::TakePlace(uint64_t bytes, Reservation* place) {
  const base::MutexLock lock(mu_);
  RETURN_IF_ERROR(UsableLocked());
  if (!segments_.back()->Fits(bytes)) {
    AwaitNextLocked();
    RETURN_IF_ERROR(UsableLocked());
    // Somebody else may have had the same to do.
    if (!segments_.back()->Fits(bytes)) RETURN_IF_ERROR(RotateLocked(bytes));
  }
  Segment& active = *segments_.back();
  const uint64_t offset = active.Reserve(place->type, place->payload_bytes);
  place->payload = active.data() + offset + kRecordHeaderBytes;
  place->start = {active.number(), offset};
  place->end = active.end();
  place->segment = &active;
  place->synced = synced_;
  place->ticket = first_ticket_ + pending_.size();
  pending_.push_back({.committed = false, .end = place->end});
  LogStats::Type& count = stats_.reserved[static_cast<size_t>(place->type) - 1];
  ++count.records;
  count.payload_bytes += place->payload_bytes;
  return active.expects_syncs() && bytes <= kWrittenThroughBytes;
}

Result<LogPosition> Log::Commit(const Reservation& reservation) {
  // The segment stays until everything reserved in it is committed and synced.
  Segment& segment = *reservation.segment;
  const uint64_t offset = reservation.start.offset;
  const Status written =
      reservation.record == nullptr
          ? segment.Write(reservation.type, offset, reservation.payload_bytes, reservation.synced)
          : segment.WriteFrom(reservation.record.get(), reservation.type, offset,
                              reservation.payload_bytes, reservation.synced);
  const base::MutexLock lock(mu_);
  if (!written.ok()) return PoisonLocked(written);
  RETURN_IF_ERROR(error_);
  const uint64_t index = reservation.ticket - first_ticket_;
  NOKV_CHECK(index < pending_.size() && !pending_[index].committed)
      << ToString(reservation.start) << " is committed twice";
  pending_[index].committed = true;
  AdvanceLocked();
  return committed_;
}

void Log::AdvanceLocked() {
  while (!pending_.empty() && pending_.front().committed) {
    committed_ = pending_.front().end;
    pending_.pop_front();
    ++first_ticket_;
  }
}

void Log::Abandon(const Reservation& reservation, const Status& reason) {
  const base::MutexLock lock(mu_);
  const std::string what = "the record at " + ToString(reservation.start) + " was given up";
  (void)PoisonLocked(reason.ok() ? Status::Aborted(what) : reason.Prefixed(what));
}

LogPosition Log::CommittedEnd() const {
  const base::MutexLock lock(mu_);
  return committed_;
}

LogPosition Log::SyncedEnd() const {
  const base::MutexLock lock(mu_);
  return synced_;
}

void Log::AwaitNextLocked() {
  while (preparing_) prepared_.Wait(mu_);
}

SegmentHeader Log::NextHeaderLocked() const {
  SegmentHeader header;
  header.segment = segments_.back()->number() + 1;
  header.salt = SegmentSalt(options_, header.segment);
  return header;
}

Result<std::unique_ptr<Segment>> Log::CreateNext(const SegmentHeader& header,
                                                 uint64_t first_record_bytes) const {
  ASSIGN_OR_RETURN(auto next,
                   Segment::Create(fs_, dir_, header, options_.segment_bytes, first_record_bytes));
  const Status published = next->Publish();
  if (published.ok()) return next;
  // Whoever tries again must not find it.
  (void)fs_.Remove(vfs::JoinPath(dir_, TemporaryFileName(header.segment)));
  return published;
}

Status Log::PrepareNext() {
  SegmentHeader header;
  {
    const base::MutexLock lock(mu_);
    RETURN_IF_ERROR(UsableLocked());
    if (next_ != nullptr || preparing_ || !NextIsDue(segments_.back()->end())) return Status::Ok();
    preparing_ = true;
    header = NextHeaderLocked();
  }
  auto next = CreateNext(header, 0);
  Status status = next.status();
  const base::MutexLock lock(mu_);
  preparing_ = false;
  if (status.ok()) next_ = std::move(next).value();
  prepared_.SignalAll();
  return status;
}

Status Log::RotateLocked(uint64_t first_record_bytes) {
  std::unique_ptr<Segment> next = std::move(next_);
  if (next == nullptr || !next->Fits(first_record_bytes)) {
    // Takes the place of one that is too small.
    auto created = CreateNext(NextHeaderLocked(), first_record_bytes);
    if (!created.ok()) return PoisonLocked(created.status());
    next = std::move(created).value();
  }
  const uint64_t number = next->number();
  // The seal tells what was reserved; should one of those records never be committed, the log ends
  // before the seal.
  const Status sealed = segments_.back()->Seal(synced_);
  if (!sealed.ok()) return PoisonLocked(sealed);
  pending_.push_back({.committed = true, .end = next->end()});
  AdvanceLocked();
  files_.insert(number);
  ++stats_.segments_created;
  // As the last one was, until it turns out otherwise.
  if (std::exchange(expects_syncs_, false)) next->ExpectSyncs();
  segments_.push_back(std::move(next));
  return Status::Ok();
}

Result<bool> Log::WriteAhead() {
  (void)PrepareNext();
  const base::MutexLock ahead(ahead_mu_);
  Segment* active = nullptr;
  uint64_t begin = 0;
  uint64_t end = 0;
  uint64_t wanted = 0;
  {
    const base::MutexLock lock(mu_);
    RETURN_IF_ERROR(UsableLocked());
    active = segments_.back().get();
    active->ExpectSyncs();
    expects_syncs_ = true;
    wanted = std::min(active->end().offset + kAheadBytes, active->file_bytes());
    begin = active->UnusedFrom();
    if (ready_.segment == active->number()) begin = std::max(begin, ready_.offset);
    if (begin >= wanted) return true;
    // To a multiple, so that the next piece begins with a page.
    end = std::min((begin / kWriteAheadBytes + 1) * kWriteAheadBytes, active->file_bytes());
    // Nobody can get a place there meanwhile.
    active->BringMemory(begin, end);
  }
  const Status written = active->WriteAhead(begin, end - begin);
  if (!written.ok()) {
    const base::MutexLock lock(mu_);
    return PoisonLocked(written);
  }
  ready_ = {active->number(), end};
  return end >= wanted;
}

Status Log::Rotate() {
  const base::MutexLock lock(mu_);
  AwaitNextLocked();
  RETURN_IF_ERROR(UsableLocked());
  return RotateLocked(0);
}

Result<LogPosition> Log::Sync() {
  LogPosition target;
  {
    const base::MutexLock lock(mu_);
    RETURN_IF_ERROR(UsableLocked());
    if (synced_ == committed_) return synced_;
    NOKV_CHECK(!syncing_) << "two syncs of the log in " << dir_ << " at a time";
    syncing_ = true;
    target = committed_;
  }
  const Status status = SyncSegments(target);
  const base::MutexLock lock(mu_);
  syncing_ = false;
  ++stats_.syncs;
  if (!status.ok()) return PoisonLocked(status);
  RETURN_IF_ERROR(error_);
  synced_ = target;
  return synced_;
}

Segment* Log::OldestUnsynced() const {
  const base::MutexLock lock(mu_);
  return segments_.front().get();
}

Status Log::SyncSegments(LogPosition target) {
  Segment* segment = OldestUnsynced();
  for (; segment->number() < target.segment; segment = OldestUnsynced()) {
    RETURN_IF_ERROR(segment->Sync());
    const base::MutexLock ahead(ahead_mu_);
    RETURN_IF_ERROR(segment->Close());
    const base::MutexLock lock(mu_);
    segments_.pop_front();
  }
  // The header was synced when the segment got its name.
  if (target.offset <= kSegmentHeaderBytes) return Status::Ok();
  return segment->Sync();
}

Status Log::MarkSynced() {
  const base::MutexLock lock(mu_);
  if (closed_ || syncing_) return Status::Ok();
  RETURN_IF_ERROR(error_);
  Segment& active = *segments_.back();
  // Records that come later say how far the log was synced; this mark speaks when none does.
  if (synced_ != active.end() || synced_.offset <= kSegmentHeaderBytes) return Status::Ok();
  const Status marked = active.MarkEnd();
  return marked.ok() ? marked : PoisonLocked(marked);
}

Status Log::DropUnsyncedBefore(uint64_t segment) {
  std::vector<std::unique_ptr<Segment>> dropped;
  {
    const base::MutexLock lock(mu_);
    // A running sync uses the segments; the next removal takes what this one leaves.
    if (syncing_ || closed_) return Status::Ok();
    const uint64_t limit = std::min(segment, committed_.segment);
    while (segments_.front()->number() < limit) {
      dropped.push_back(std::move(segments_.front()));
      segments_.pop_front();
      // Nobody needs it, so that it will never be synced breaks no promise.
      synced_ = std::max(synced_, LogPosition{segments_.front()->number(), kSegmentHeaderBytes});
    }
  }
  const base::MutexLock ahead(ahead_mu_);
  for (const auto& file : dropped) RETURN_IF_ERROR(file->Close());
  return Status::Ok();
}

Status Log::RemoveSegmentsBefore(uint64_t segment, const std::set<uint64_t>& kept) {
  RETURN_IF_ERROR(DropUnsyncedBefore(segment));
  while (true) {
    uint64_t oldest = 0;
    {
      const base::MutexLock lock(mu_);
      if (closed_) return UsableLocked();
      const auto file = std::find_if(files_.begin(), files_.end(),
                                     [&kept](uint64_t number) { return !kept.contains(number); });
      if (file == files_.end() || *file >= std::min(segment, segments_.front()->number())) {
        return Status::Ok();
      }
      oldest = *file;
      files_.erase(file);
    }
    const Status status = fs_.Remove(vfs::JoinPath(dir_, SegmentFileName(oldest)));
    const base::MutexLock lock(mu_);
    if (!status.ok() && !status.IsNotFound()) {
      files_.insert(oldest);
      return status;
    }
    ++stats_.segments_removed;
  }
}

LogStats Log::GetStats() const {
  const base::MutexLock lock(mu_);
  LogStats stats = stats_;
  stats.segment_count = files_.size();
  stats.active_segment = *files_.rbegin();
  stats.active_bytes = segments_.empty() ? 0 : segments_.back()->end().offset;
  return stats;
}

Status Log::Close() {
  {
    const base::MutexLock lock(mu_);
    if (closed_) return error_;
    NOKV_CHECK(!syncing_) << "the log in " << dir_ << " is closed during a sync";
    if (error_.ok() && !pending_.empty()) {
      (void)PoisonLocked(Status::Aborted(
          "close the log in " + dir_ + ": " + std::to_string(pending_.size()) + " records from " +
          ToString(committed_) + " on were reserved and never committed"));
    }
    closed_ = true;
    AwaitNextLocked();
    RETURN_IF_ERROR(error_);
  }
  RETURN_IF_ERROR(RemoveNext());
  const Status status = SealLast();
  const base::MutexLock lock(mu_);
  return status.ok() ? status : PoisonLocked(status);
}

// What the power may bring back is an empty segment, which recovery knows.
Status Log::RemoveNext() {
  const base::MutexLock lock(mu_);
  const std::unique_ptr<Segment> next = std::move(next_);
  if (next == nullptr) return Status::Ok();
  const Status removed = fs_.Remove(next->path());
  return removed.ok() ? removed : PoisonLocked(removed);
}

Status Log::SealLast() {
  // Nothing else writes any more. What is there is synced first, so that the seal can say so: then
  // every damaged byte of the closed log is told from a torn one.
  const LogPosition end = CommittedEnd();
  RETURN_IF_ERROR(SyncSegments(end));
  Segment& last = *OldestUnsynced();
  RETURN_IF_ERROR(last.MarkHeader(end.offset));
  RETURN_IF_ERROR(last.Seal(end));
  RETURN_IF_ERROR(last.Sync());
  const base::MutexLock ahead(ahead_mu_);
  RETURN_IF_ERROR(last.Close());
  const base::MutexLock lock(mu_);
  synced_ = end;
  return Status::Ok();
}

}  // namespace nokv::wal
