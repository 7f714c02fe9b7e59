// The bare log: the limit of what a durable store could do on this machine. A put appends its bytes
// to a file that was filled with zeros beforehand; the first writer that finds no sync running
// syncs for all that wait. There is no table, no checksum, no recovery, and nothing can be read.
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "base/macros.h"
#include "base/mutex.h"
#include "bench/engines/engine.h"

namespace nokv::bench {

namespace {

constexpr uint64_t kFileBytes = uint64_t{256} << 20;
constexpr size_t kFillBytes = size_t{1} << 20;

class BareLog : public KvEngine {
 public:
  explicit BareLog(bool sync) : sync_(sync) {}
  ~BareLog() override {
    if (fd_ >= 0) close(fd_);
  }

  Status Open(const std::string& path) {
    fd_ = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd_ < 0) return Status::IoError("create " + path, errno);
    const std::string zeros(kFillBytes, '\0');
    for (uint64_t offset = 0; offset < kFileBytes; offset += zeros.size()) {
      RETURN_IF_ERROR(WriteAt(zeros, offset));
    }
    return SyncFile();
  }

  Status Append(std::string_view key, std::string_view value) EXCLUDES(mu_) {
    base::MutexLock lock(mu_);
    buffer_.append(key);
    buffer_.append(value);
    const uint64_t group = group_;
    while (finished_ <= group && error_.ok()) {
      if (leading_) {
        group_ended_.Wait(mu_);
      } else {
        WriteGroup();
      }
    }
    return error_;
  }

  std::string Version() const override { return "1"; }
  std::string Describe() const override {
    return "appends to a zero-filled file of 256 MiB, over and over; one sync for all that wait";
  }
  std::unique_ptr<Session> NewSession() override;
  Result<bool> Idle() override { return true; }
  Status Close() override { return Status::Ok(); }

 private:
  Status WriteAt(std::string_view bytes, uint64_t offset) const {
    while (!bytes.empty()) {
      const ssize_t written = pwrite(fd_, bytes.data(), bytes.size(), static_cast<off_t>(offset));
      if (written < 0) return Status::IoError("write the log", errno);
      bytes.remove_prefix(static_cast<size_t>(written));
      offset += static_cast<uint64_t>(written);
    }
    return Status::Ok();
  }
  Status SyncFile() const {
    return fdatasync(fd_) == 0 ? Status::Ok() : Status::IoError("sync the log", errno);
  }

  // Writes what has been appended as one group. Lets go of the lock meanwhile.
  void WriteGroup() REQUIRES(mu_) {
    leading_ = true;
    std::string bytes;
    bytes.swap(buffer_);
    const uint64_t group = group_++;
    if (offset_ + bytes.size() > kFileBytes) offset_ = 0;
    const uint64_t offset = offset_;
    offset_ += bytes.size();
    mu_.Unlock();
    Status status = WriteAt(bytes, offset);
    if (status.ok() && sync_) status = SyncFile();
    mu_.Lock();
    if (!status.ok()) error_ = status;
    finished_ = group + 1;
    leading_ = false;
    group_ended_.SignalAll();
  }

  const bool sync_;
  int fd_ = -1;
  base::Mutex mu_;
  base::CondVar group_ended_;
  Status error_ GUARDED_BY(mu_);
  std::string buffer_ GUARDED_BY(mu_);     // of the group that is being filled
  uint64_t group_ GUARDED_BY(mu_) = 0;     // its number
  uint64_t finished_ GUARDED_BY(mu_) = 0;  // groups below this are on disk
  bool leading_ GUARDED_BY(mu_) = false;   // a group is being written
  uint64_t offset_ GUARDED_BY(mu_) = 0;    // where the next group goes
};

class BareLogSession : public Session {
 public:
  explicit BareLogSession(BareLog& log) : log_(log) {}
  Status Put(std::string_view key, std::string_view value) override {
    return log_.Append(key, value);
  }
  Status Delete(std::string_view) override { return OnlyPuts(); }
  Result<bool> Get(std::string_view, RowSink&) override { return OnlyPuts(); }
  Result<uint64_t> Scan(std::string_view, uint64_t, RowSink&) override { return OnlyPuts(); }

 private:
  static Status OnlyPuts() {
    return Status::Unimplemented("the bare log takes puts only").WithHint("--workload U");
  }
  BareLog& log_;
};

std::unique_ptr<Session> BareLog::NewSession() {
  return std::make_unique<BareLogSession>(*this);
}

}  // namespace

Result<std::unique_ptr<KvEngine>> OpenBareLog(const EngineConfig& config) {
  auto log = std::make_unique<BareLog>(config.sync);
  RETURN_IF_ERROR(log->Open(config.directory + "/log"));
  return std::unique_ptr<KvEngine>(std::move(log));
}

}  // namespace nokv::bench
