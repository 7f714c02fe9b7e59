// Feeds damaged segments to the recovery. The input says how to damage the files of a small log:
// groups of 6 bytes (file, offset, operation, value); an odd first byte makes the rest the raw
// content of the first segment instead. Whatever they hold, recovery must end with a status, and
// if it accepts them, the log must go on from there.
#include <cstdint>
#include <cstring>
#include <string>

#include "base/check.h"
#include "base/coding.h"
#include "vfs/memory_fs.h"
#include "wal/log.h"
#include "wal/recover.h"

namespace nokv::wal {
namespace {

const std::string kDir = "/db";
constexpr LogOptions kOptions{.segment_bytes = 1024, .salt_seed = 1};

void AppendSome(Log& log, int count) {
  for (int i = 0; i < count; ++i) {
    auto place = log.Reserve(RecordType::kBatch, static_cast<uint32_t>(i * 7 % 50));
    NOKV_CHECK(place.ok()) << place.status();
    std::memset(place->payload, 'p', place->payload_bytes);
    NOKV_CHECK(log.Commit(*place).ok());
    if (i % 4 == 0) NOKV_CHECK(log.Sync().ok());
  }
}

std::string ReadSegment(vfs::FileSystem& fs, const std::string& path) {
  auto content = fs.ReadFile(path, 1 << 20);
  NOKV_CHECK(content.ok()) << content.status();
  return std::move(content).value();
}

void Damage(std::string_view input, vfs::MemoryFileSystem& fs) {
  constexpr size_t kGroup = 6;
  for (; input.size() >= kGroup; input.remove_prefix(kGroup)) {
    const uint64_t segment = 1 + static_cast<uint8_t>(input[0]) % 3;
    const std::string path = vfs::JoinPath(kDir, SegmentFileName(segment));
    std::string content = ReadSegment(fs, path);
    const uint16_t offset = base::LoadFixed16(input.data() + 1);
    const auto value = static_cast<char>(input[4]);
    if (content.empty()) continue;
    if (static_cast<uint8_t>(input[3]) % 4 == 0) {
      content.resize(offset % content.size());
    } else {
      content[offset % content.size()] ^= value;
    }
    NOKV_CHECK(fs.Overwrite(path, std::move(content)).ok());
  }
}

Result<RecoveryReport> Replay(vfs::FileSystem& fs) {
  return Recover(fs, kDir, {}, [](const RecordView&) { return Status::Ok(); });
}

void RunOne(std::string_view input) {
  auto fs = vfs::NewMemoryFileSystem();
  NOKV_CHECK(fs->CreateDirs(kDir).ok());
  {
    auto log = Log::Create(*fs, kDir, kOptions);
    NOKV_CHECK(log.ok()) << log.status();
    AppendSome(**log, 30);
    if ((*log)->GetStats().active_segment < 3) NOKV_CHECK((*log)->Rotate().ok());
  }
  if (!input.empty() && input[0] % 2 != 0) {
    const std::string path = vfs::JoinPath(kDir, SegmentFileName(1));
    NOKV_CHECK(fs->Overwrite(path, std::string(input.substr(1))).ok());
  } else if (!input.empty()) {
    Damage(input.substr(1), *fs);
  }
  const auto report = Replay(*fs);
  if (!report.ok()) return;
  auto log = Log::StartAfterRecovery(*fs, kDir, kOptions, *report);
  NOKV_CHECK(log.ok()) << log.status();
  AppendSome(**log, 10);
  const auto again = Replay(*fs);
  NOKV_CHECK(again.ok()) << again.status();
  NOKV_CHECK(again->records == report->records + 10) << again->records;
}

}  // namespace
}  // namespace nokv::wal

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  nokv::wal::RunOne(std::string_view(reinterpret_cast<const char*>(data), size));
  return 0;
}
