// Options: how a database is opened, read and written. Every field has a default that suits a
// machine with a few gigabytes of memory; most programs set none.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "nokv/status.h"

namespace nokv {

class CompactionFilter;
class Snapshot;

enum class CompressionType : uint8_t { kNone = 0, kLz4 = 1, kZstd = 2 };

// What MODE.json says about a directory. A directory without one is standalone.
enum class Mode : uint8_t { kStandalone, kPreparing, kSeeded, kCluster };

// Where values of keys with a prefix lie.
struct ValueSeparationPolicy {
  enum class Strategy : uint8_t {
    kThreshold,     // in the log from `threshold` bytes on
    kAlwaysInline,  // in tables
    kAlwaysApart,   // in the log
  };
  std::string key_prefix;  // empty: all keys
  Strategy strategy = Strategy::kThreshold;
  size_t threshold = 0;  // of kThreshold; at least 1
};

struct Options {
  // Create the directory if it holds no database.
  bool create_if_missing = true;
  // Fail with kAlreadyExists if it does.
  bool error_if_exists = false;
  // Open without changing a byte; works beside a live writer and shows what was durable or written
  // when it was opened. Writes answer kFailedPrecondition.
  bool read_only = false;
  // Modes that this open accepts. Empty: standalone only, so that a directory that has joined a
  // cluster is not written behind the cluster's back.
  std::vector<Mode> allowed_modes;

  // A memtable is flushed when it holds this many bytes.
  size_t memtable_bytes = size_t{64} << 20;
  // Writes wait when memtables that await their flush, and the active one, are full and hold more
  // than this; they are slowed down from half of it on.
  size_t immutable_memtable_bytes = size_t{128} << 20;
  // Size of a log segment file; a record that is larger gets a segment of its own.
  size_t log_segment_bytes = size_t{64} << 20;
  // Hard budget for decoded blocks, an eighth at least, and for indexes and filters of open tables.
  // While a memtable is flushed, as much as it takes, a quarter at most, is left to the next one.
  size_t block_cache_bytes = size_t{128} << 20;
  // Read tables and values from mapped files instead of by system calls: faster, but a device that
  // fails to read then ends the process instead of the read.
  bool mapped_reads = true;
  // Tables that are kept open when nobody reads them; 0: all are opened with the directory and stay
  // open, which reads fastest. With a limit a table is opened when it is used, so that opening does
  // not depend on their number, and one that is damaged is found then. Files with values are not
  // counted: one per 64 MiB of them stays open. A read-only open always opens all tables.
  size_t max_open_files = 0;
  // Values of this many bytes and more stay in the log segment that first took them; tables point
  // to them. May be changed at every open. SIZE_MAX: all values go into tables.
  size_t value_separation_threshold = 512;
  // Exceptions from that, by key; the first whose prefix fits decides.
  std::vector<ValueSeparationPolicy> value_separation_policies;
  // A file of which at least this part is no longer pointed to is emptied by compaction when
  // nothing more urgent waits; 1 and more: never by itself.
  double value_log_gc_discard_ratio = 0.5;
  // From the end of such a collection to the next, at least. What has become garbage meanwhile is
  // then collected, also if nothing else happens. 0: as soon as there is that much, so that the
  // space taken follows the live data and not how much was written in an interval.
  uint64_t value_log_gc_interval_ms = 0;
  // When a level is this many times as large as it should be, compactions on the way empty only the
  // worst file; from the second on, none.
  double value_log_gc_reduce_score = 2;
  double value_log_gc_skip_score = 4;
  // Files that compaction moves values into are for one of so many parts of the keys, by their
  // hash: more make smaller files, but values of neighbouring keys lie further apart. May be
  // changed at every open. Between 1 and 256.
  size_t value_log_buckets = 1;
  // Short scans pay for values that lie apart from each other: each is a read from the disk. When
  // such reads of a table have come to this many times its values, these are moved into the order
  // of its keys, as soon as nothing more urgent waits. 0: they stay where they are.
  double value_order_ratio = 1;
  // So many values that were in memory count as one read from the disk. 0: they do not count.
  uint32_t value_order_memory_reads = 64;
  // Target size of a table that compaction writes. It points to four times as many bytes of values
  // at most.
  size_t table_bytes = size_t{64} << 20;
  // The last level holds nearly everything; each sorted level above it aims at a tenth of the one
  // below, and there is one as long as that one has more than this.
  size_t base_level_bytes = size_t{256} << 20;
  // Compression of tables: of level 0, of the sorted levels from the first one in use on, and, the
  // last entry, of the last level; short lists repeat their last. A table that only moves keeps
  // what it has.
  std::vector<CompressionType> compression = {CompressionType::kNone, CompressionType::kLz4};
  // Bloom filter bits per key, of tables without a key index; 0 for none. Ten give about 1 % false
  // positives.
  int filter_bits_per_key = 10;
  // Tables have a key index in place of the filter: it takes about 6 bytes of memory per key, and
  // leads a lookup of one key straight to its entry. May be changed at every open; a table keeps
  // what it was written with.
  bool key_index = true;
  // Tables have a range filter: an iterator with an upper bound then skips a table that has nothing
  // between its position and that, in nearly all cases without reading a block. For short ranges
  // that most tables hold nothing of. It takes 2.2 bytes per key in files, and in memory where
  // there are such iterators. May be changed at every open; a table keeps what it was written with.
  bool range_filter = false;
  // Blocks of tables hold every so many keys one whole, and of the others what differs from the one
  // before: more make tables with short values smaller, fewer make lookups faster. Values of 512
  // bytes and more have theirs whole. May be changed at every open. Between 1 and 1024.
  int restart_interval = 8;
  // Tables in level 0 that start a compaction (fewer do while little is written, if that is cheap),
  // and that stop writes until one has finished. From a third of the way on writes are slowed down.
  int level0_compaction_trigger = 12;
  int level0_stop_trigger = 36;
  // Compactions that run at once, and parts into which a large one is cut.
  int max_compactions = 2;
  // Bytes of input that compactions work through in a second, all together; 0: as many as they can.
  // Flushes take their part of it and never wait; compactions that only empty files with values
  // have what is left. Not kept to while writes are slowed down.
  size_t compaction_bytes_per_second = 0;
  // Says what compactions shall drop or change (compaction_filter.h); may be null.
  std::shared_ptr<const CompactionFilter> compaction_filter;
  // Writes are slowed down when compaction is behind by a quarter of this, and most at all of it.
  size_t compaction_debt_bytes = size_t{16} << 30;
};

struct WriteOptions {
  // Acknowledge after the write is on stable storage: it then survives power loss. Without it an
  // acknowledged write survives the death of the process.
  bool sync = false;
};

struct ReadOptions {
  // Read as of this snapshot; null reads the latest state. Borrowed.
  const Snapshot* snapshot = nullptr;
};

struct IteratorOptions {
  // As ReadOptions. The iterator always reads one consistent state.
  const Snapshot* snapshot = nullptr;
  // First key, inclusive; empty for none.
  std::string lower_bound;
  // Last key, exclusive; empty for none.
  std::string upper_bound;
  // Values are not fetched; value() is empty.
  bool key_only = false;
};

struct PutOptions {
  // When the entry expires: milliseconds since 1970; 0 never. An expired entry reads as missing and
  // its space comes back with compaction.
  uint64_t expiry_ms = 0;
  // A byte that the engine keeps for higher layers and gives back with the value.
  uint8_t user_meta = 0;
};

// How DB::Ingest takes tables in.
struct IngestOptions {
  enum class Transfer : uint8_t {
    kCopy,  // the file stays what it is
    kLink,  // the database gets a second name for the file, which nobody may change any more; a
            // copy where a file cannot have two
    kMove,  // as kLink, and its first name goes
  };
  struct Range {
    std::string begin;
    std::string end;  // exclusive
  };

  Transfer transfer = Transfer::kCopy;
  // What the database had in this range is gone in the moment in which the tables are there.
  std::optional<Range> excise;
};

}  // namespace nokv
