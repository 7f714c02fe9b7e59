// What the tests of the raft log share: a log on a memory disk, and entries told apart by number.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "raftlog/raft_log.h"
#include "vfs/fault_fs.h"
#include "vfs/memory_fs.h"

namespace nokv::raftlog {

inline const std::string kDir = "/raft";

inline std::unique_ptr<vfs::MemoryFileSystem> NewDisk() {
  auto fs = vfs::NewMemoryFileSystem();
  EXPECT_TRUE(fs->CreateDirs(kDir).ok());
  EXPECT_TRUE(fs->SyncDir("/").ok());
  return fs;
}

inline std::unique_ptr<RaftLog> OpenLog(vfs::FileSystem& fs, RaftLogOptions options = {}) {
  if (options.segment_bytes == RaftLogOptions().segment_bytes) options.segment_bytes = 4096;
  auto log = RaftLog::Open(fs, kDir, options);
  EXPECT_TRUE(log.ok()) << log.status();
  return log.ok() ? std::move(log).value() : nullptr;
}

// What opening says; OK if it works.
inline Status OpenStatus(vfs::FileSystem& fs) {
  return RaftLog::Open(fs, kDir, {.segment_bytes = 4096}).status();
}

inline raft::Entry EntryOf(raft::LogIndex index, raft::Term term = 1, size_t padding = 0) {
  return {raft::EntryType::kNormal, term, index,
          raft::Payload("entry " + std::to_string(index) + " of " + std::to_string(term) +
                        std::string(padding, '.'))};
}

// The entries [first, last].
inline std::vector<raft::Entry> EntriesOf(raft::LogIndex first, raft::LogIndex last,
                                          raft::Term term = 1, size_t padding = 0) {
  std::vector<raft::Entry> entries;
  for (raft::LogIndex index = first; index <= last; ++index) {
    entries.push_back(EntryOf(index, term, padding));
  }
  return entries;
}

inline std::shared_ptr<const raft::Snapshot> SnapshotAt(raft::LogIndex index, raft::Term term = 1,
                                                        const std::string& data = "") {
  auto snapshot = std::make_shared<raft::Snapshot>();
  snapshot->index = index;
  snapshot->term = term;
  snapshot->conf_state.voters = {1, 2, 3};
  snapshot->data = raft::Payload(data);
  return snapshot;
}

inline void Write(RaftLog& log, const GroupWrite& write) {
  const auto end = log.Append({&write, 1});
  ASSERT_TRUE(end.ok()) << end.status();
}

inline Status TryWrite(RaftLog& log, const GroupWrite& write) {
  return log.Append({&write, 1}).status();
}

inline void WriteEntries(RaftLog& log, GroupId group, const std::vector<raft::Entry>& entries) {
  Write(log, {.group = group, .entries = entries});
}

inline void SyncAll(RaftLog& log) {
  const auto synced = log.Sync();
  ASSERT_TRUE(synced.ok()) << synced.status();
  ASSERT_TRUE(log.MarkSynced().ok());
}

// All entries of the group.
inline std::vector<raft::Entry> ReadAll(RaftLog& log, GroupId group) {
  const GroupStorage& storage = log.StorageOf(group);
  auto entries = storage.Entries(storage.FirstIndex(), storage.LastIndex() + 1, raft::kNoLimit);
  EXPECT_TRUE(entries.ok()) << entries.status();
  return entries.ok() ? std::move(entries).value() : std::vector<raft::Entry>();
}

inline raft::HardState HardStateOf(RaftLog& log, GroupId group) {
  auto saved = log.StorageOf(group).Load();
  EXPECT_TRUE(saved.ok()) << saved.status();
  return saved->hard_state;
}

}  // namespace nokv::raftlog
