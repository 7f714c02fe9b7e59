// IngestJob: takes external tables (nokv/sst_writer.h) into the directory of a database, checks
// them, and says what the manifest shall know of them. They belong to the database when an edit
// with them is installed.
//
// The job is a state machine: each Step does a slice of the work and returns.
//
// Thread safety: thread-compatible; slices may run in different threads, one after another.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "lsm/sst/table.h"
#include "lsm/version/prefix_range.h"
#include "manifest/version_edit.h"
#include "nokv/options.h"
#include "nokv/status.h"
#include "vfs/vfs.h"

namespace nokv::engine {

struct IngestRequest {
  std::vector<std::string> files;
  IngestOptions::Transfer transfer = IngestOptions::Transfer::kCopy;
  std::vector<lsm::PrefixRange> excised;  // half-open
};

struct IngestContext {
  vfs::FileSystem* fs = nullptr;  // borrowed
  std::string dir;
  std::function<uint64_t()> new_file_number;
  lsm::TableOptions table_options;  // of the table that says what is excised
  uint64_t now_ms = 0;
};

class IngestJob {
 public:
  IngestJob(IngestRequest request, IngestContext context);

  // Works on one file. True when all tables are in the directory, durable and checked. After an
  // error none is. kInvalidArgument, naming the file, if one cannot be ingested here or two
  // overlap; kDataLoss if one is damaged.
  Result<bool> Step();
  // In the order in which they take effect; their sequence numbers are still to be set. The first
  // is the table that says what is excised, if `excises`. REQUIRES: Step returned true.
  const std::vector<manifest::FileMetadata>& tables() const { return tables_; }
  bool excises() const { return !request_.excised.empty(); }
  const std::vector<lsm::PrefixRange>& excised() const { return request_.excised; }
  // Removes the table that says what is excised, if there is nothing to hide. Best effort.
  void RemoveExcision();
  // Removes what was written. Best effort: a file that stays is an orphan for the next open.
  void RemoveOutputs();
  // Of a move, when the tables belong to the database: the files lose the names that they had.
  // Answers the first failure, and goes on.
  Status RemoveSources();

 private:
  Status Run();
  // Checks what can be said of the file before it is taken over.
  Status Inspect(const std::string& path);
  Status CheckOverlaps() const;
  Status WriteExcision();
  Status TakeOver(const std::string& path);
  Result<std::shared_ptr<const lsm::Table>> OpenTable(const std::string& path, uint64_t number);
  // The number and the path of the next table of the database.
  uint64_t NewOutput(std::string* path);

  const IngestRequest request_;
  const IngestContext context_;
  lsm::BlockCache no_cache_{0};
  size_t inspected_ = 0;  // files
  size_t taken_ = 0;
  bool done_ = false;
  struct Source {
    std::string path;
    lsm::PrefixRange range;
  };
  std::vector<Source> sources_;
  std::vector<uint64_t> outputs_;  // numbers of all files created
  std::vector<manifest::FileMetadata> tables_;
};

// Everything in the table has this sequence number.
void SetSequence(keys::SequenceNumber sequence, manifest::FileMetadata* table);

}  // namespace nokv::engine
