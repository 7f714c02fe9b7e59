// Engine: the asynchronous core of the database. It speaks engine keys (keys/keys.h), never waits
// for another task, and completes what it cannot finish at once through callbacks on the runtime.
// DB (include/nokv/db.h) is a blocking adaptor over it; the Redis gateway uses it directly.
//
// Visibility: a write is *applied* when it is in a memtable and everything before it is too; it is
// *visible* when it is applied and, if it asked for a sync, durable. Reads see what is visible;
// with include_unsynced they see what is applied, and the caller must then hold back its answer
// until what it saw is durable (Durable).
//
// Thread safety: every method may be called by any thread at any time, except where it says
// otherwise. Callbacks run on the calling thread or on a lane of the runtime, with no lock held.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/log.h"
#include "engine/batch.h"
#include "engine/ingest_job.h"
#include "engine/read_set.h"
#include "keys/keys.h"
#include "lsm/entry.h"
#include "nokv/options.h"
#include "nokv/stats.h"
#include "nokv/status.h"
#include "runtime/runtime.h"
#include "vfs/vfs.h"

namespace nokv::engine {

// What everything answers after the close.
inline Status DatabaseClosed() {
  return Status::Closed("the database").WithErrorNumber(1402);
}

// The doors to the outside world; borrowed, they must outlive the engine.
struct Doors {
  vfs::FileSystem& fs;
  runtime::Runtime& runtime;
  base::Logger& logger;
};

using Completion = std::function<void(Status)>;

// A snapshot; releases itself. Must not outlive the engine.
class EngineSnapshot {
 public:
  virtual ~EngineSnapshot() = default;
  virtual keys::SequenceNumber sequence() const = 0;
};

struct ReadView {
  const EngineSnapshot* snapshot = nullptr;  // null: the latest state
  bool include_unsynced = false;
};

// A value that was found. `pin` keeps `value` alive.
struct FoundValue {
  std::string_view value;
  lsm::EntryAttributes attributes;
  keys::SequenceNumber sequence = 0;
  std::shared_ptr<const void> pin;
};

struct CursorOptions {
  ReadView view;
  // Bounds as prefixes (keyspace byte and key): [lower, upper); `upper` empty means none.
  std::string lower;
  std::string upper;
  bool key_only = false;
  bool fill_cache = true;
};

// A cursor over live engine keys. Thread-compatible; pins what it reads.
class Cursor {
 public:
  virtual ~Cursor() = default;
  virtual bool Valid() const = 0;
  virtual void SeekToFirst() = 0;
  virtual void SeekToLast() = 0;
  // Targets are prefixes, as the bounds are.
  virtual void Seek(std::string_view prefix) = 0;
  virtual void SeekForPrev(std::string_view prefix) = 0;
  virtual void Next() = 0;
  virtual void Prev() = 0;
  virtual std::string_view engine_key() const = 0;
  virtual std::string_view value() const = 0;
  virtual const lsm::EntryAttributes& attributes() const = 0;
  virtual Status status() const = 0;
};

// How a write is acknowledged: as WriteAsync does without and with a sync, as WriteDeferred, and as
// WriteLeading does with a sync.
enum class WriteMode : uint8_t { kUnsynced, kSynced, kDeferred, kLeading };

struct WriteTicket {
  // True if the write is applied already: reads with include_unsynced see it. False if it waits for
  // room (back-pressure) or was refused; its completion tells.
  bool applied = false;
  // The first of Engine::syncs() that may make it durable; 0: it waits for room, or was refused.
  uint64_t first_sync = 0;
};

class Engine {
 public:
  // Opens or creates the database in `path`, recovering what the log holds. Blocking; errors as for
  // DB::Open.
  static Result<std::unique_ptr<Engine>> Open(const Options& options, const std::string& path,
                                              const Doors& doors);
  virtual ~Engine() = default;

  // The newest visible entry of `engine_key`; false if it is missing, deleted or expired. May read
  // from disk.
  virtual Result<bool> Get(const ReadView& view, std::string_view engine_key,
                           FoundValue* found) = 0;
  // As Get for each key, all from one state; what is missing is empty. Fails if any of them does.
  virtual Status MultiGet(const ReadView& view, std::span<const std::string> engine_keys,
                          std::vector<std::optional<FoundValue>>* found) = 0;
  // Hints that Get will be called with these soon. Reads nothing from disk.
  virtual void Prefetch(std::span<const std::string> engine_keys) = 0;
  // Never null.
  virtual std::unique_ptr<Cursor> NewCursor(const CursorOptions& options) = 0;
  // Of what is visible, or with `include_unsynced` of what is applied.
  virtual std::unique_ptr<EngineSnapshot> NewSnapshot(bool include_unsynced = false) = 0;

  // Logs and applies the batch. `done` is called when it is acknowledged: applied, and durable if
  // `sync` is set. Writes take effect in the order of the calls of one thread.
  virtual WriteTicket WriteAsync(const Batch& batch, bool sync, Completion done) = 0;
  // As WriteAsync with a sync, for a caller with more to come: the sync is not started before
  // SyncAsync, which the caller must call after the last of its writes.
  virtual WriteTicket WriteDeferred(const Batch& batch, Completion done) = 0;
  // True if a write would be applied at once: none is refused, and there is room. With room, a
  // caller may gather writes for a moment and give them to WriteGathered.
  virtual bool HasRoom() = 0;
  // As WriteAsync, or with `deferred` as WriteDeferred, for a batch that was begun when there was
  // room: it does not wait for any now. Its bytes must be few beside a memtable's.
  virtual void WriteGathered(const Batch& batch, bool deferred, Completion done) = 0;
  // As WriteAsync, for a caller that is about to block on the outcome: if no sync is running, this
  // thread runs it, for all who wait.
  virtual WriteTicket WriteLeading(const Batch& batch, bool sync, Completion done) = 0;
  // Writes the batch as `mode` says if nothing of `reads` has changed by the moment in which it
  // gets its place in the order of writes; otherwise nothing is written, and `done` gets kAborted
  // with the key that changed. Of two that change what the other has read, one is refused. Without
  // answer_when_visible a conflict is answered before the call returns, unless the write waits for
  // room; and so is the outcome of an empty batch with kUnsynced, which only checks.
  // May read from disk if tables hold entries that are newer than `reads.since`. Further error:
  // kResourceExhausted if very many of these calls run at once.
  virtual WriteTicket WriteIf(const Batch& batch, ReadSet reads, WriteMode mode,
                              Completion done) = 0;
  // Calls `done` when everything applied so far is durable.
  virtual void SyncAsync(Completion done) = 0;
  // The same for a caller that has nothing else to do until then: if no sync is running, this
  // thread runs it, for all who wait.
  virtual void SyncLeading(Completion done) = 0;
  // Counts the syncs that are over, after the completions of each. Closed when a write may complete
  // without one: after an error of the database, and when it closes.
  virtual runtime::EventCount& syncs() = 0;
  // True if everything applied so far is durable, or no synced write is waiting for it.
  virtual bool Durable() const = 0;

  virtual void FlushAsync(Completion done) = 0;
  // Bounds as prefixes; empty for none.
  virtual void CompactRangeAsync(std::string start, std::string end, Completion done) = 0;

  // As DB::RunValueLogGC.
  virtual void RunValueLogGCAsync(double discard_ratio, Completion done) = 0;

  // As DB::CreateCheckpoint.
  virtual void CreateCheckpointAsync(std::string path, Completion done) = 0;

  // As DB::Ingest.
  virtual void IngestAsync(IngestRequest request, Completion done) = 0;

  virtual Stats GetStats() = 0;
  virtual ManifestStats GetManifest() = 0;
  virtual Result<ValueFilesStats> GetValueFiles() = 0;
  // How many times the directory was opened for writing, this time included.
  virtual uint64_t open_generation() const = 0;
  virtual base::Clock& clock() = 0;
  // OK while healthy; otherwise why the engine is read-only.
  virtual Status background_error() const = 0;
  // True once it is being closed: everything is refused.
  virtual bool closed() const = 0;

  // Refuses new work, lets running work end, syncs and closes the log and releases the directory;
  // then calls `done`. Call once, before the destructor.
  virtual void CloseAsync(Completion done) = 0;
};

}  // namespace nokv::engine
