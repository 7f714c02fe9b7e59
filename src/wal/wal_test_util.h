// What the tests of the log share: a directory on a memory disk, records told apart by number, and
// a log read back as a list.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "testing/temp_dir.h"
#include "vfs/memory_fs.h"
#include "wal/log.h"
#include "wal/recover.h"

namespace nokv::wal {

inline const std::string kDir = "/db";

inline std::string SegmentPath(uint64_t segment) {
  return vfs::JoinPath(kDir, SegmentFileName(segment));
}

inline std::unique_ptr<vfs::MemoryFileSystem> NewDisk() {
  auto fs = vfs::NewMemoryFileSystem();
  EXPECT_TRUE(fs->CreateDirs(kDir).ok());
  EXPECT_TRUE(fs->SyncDir("/").ok());
  return fs;
}

// A payload that tells its number; the lengths vary so that paddings of all sizes occur.
inline std::string PayloadOf(int number) {
  return "record " + std::to_string(number) +
         std::string(static_cast<size_t>(number * 5 % 31), '.');
}

inline std::vector<std::string> PayloadsTo(int count) {
  std::vector<std::string> payloads;
  for (int i = 0; i < count; ++i) payloads.push_back(PayloadOf(i));
  return payloads;
}

inline Result<LogPosition> Append(Log& log, const std::string& payload,
                                  RecordType type = RecordType::kBatch) {
  auto place = log.Reserve(type, static_cast<uint32_t>(payload.size()));
  if (!place.ok()) return place.status();
  std::memcpy(place->payload, payload.data(), payload.size());
  return log.Commit(*place);
}

// Appends the records [from, to).
inline void AppendRange(Log& log, int from, int to) {
  for (int i = from; i < to; ++i) {
    const auto end = Append(log, PayloadOf(i));
    ASSERT_TRUE(end.ok()) << end.status();
  }
}

inline std::unique_ptr<Log> CreateLog(vfs::FileSystem& fs, uint64_t segment_bytes = 4096) {
  auto log = Log::Create(fs, kDir, {.segment_bytes = segment_bytes, .salt_seed = 7});
  EXPECT_TRUE(log.ok()) << log.status();
  return log.ok() ? std::move(log).value() : nullptr;
}

struct Recovered {
  Status status;
  RecoveryReport report;
  std::vector<std::string> payloads;
};

inline Recovered ReadLog(vfs::FileSystem& fs, const RecoverOptions& options = {},
                         const std::string& dir = kDir) {
  Recovered result;
  auto report = Recover(fs, dir, options, [&](const RecordView& record) {
    result.payloads.emplace_back(record.payload);
    return Status::Ok();
  });
  if (report.ok()) {
    result.report = std::move(report).value();
  } else {
    result.status = report.status();
  }
  return result;
}

inline Result<std::unique_ptr<Log>> Restart(vfs::FileSystem& fs, const RecoveryReport& report,
                                            uint64_t segment_bytes = 4096) {
  return Log::StartAfterRecovery(fs, kDir, {.segment_bytes = segment_bytes, .salt_seed = 7},
                                 report);
}

inline std::string Content(vfs::FileSystem& fs, const std::string& path) {
  auto content = fs.ReadFile(path, uint64_t{1} << 30);
  EXPECT_TRUE(content.ok()) << content.status();
  return content.ok() ? std::move(content).value() : "";
}

// Every file of the directory with its content.
inline std::vector<std::pair<std::string, std::string>> AllFiles(vfs::FileSystem& fs) {
  std::vector<std::pair<std::string, std::string>> files;
  auto names = fs.List(kDir);
  EXPECT_TRUE(names.ok()) << names.status();
  for (const std::string& name : *names) {
    files.emplace_back(name, Content(fs, vfs::JoinPath(kDir, name)));
  }
  return files;
}

}  // namespace nokv::wal
