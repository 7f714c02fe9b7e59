// The bare log: the limit of what a durable store could do on this machine. A put appends its bytes
// to a file that was filled with zeros beforehand; the first writer that finds no sync running
// syncs for all that wait. There is no table, no checksum, no recovery, and nothing can be read.
#include "base/macros.h"
#include "base/mutex.h"
#include "bench/engines/engine.h"
#include "bench/measure/recycled_file.h"

namespace nokv::bench {

namespace {

constexpr uint64_t kFileBytes = uint64_t{256} << 20;

class BareLog : public KvEngine {
 public:
  explicit BareLog(bool sync) : sync_(sync) {}

  Status Open(const std::string& path) { return file_.Open(path, kFileBytes); }

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
  // Writes what has been appended as one group. Lets go of the lock meanwhile.
  void WriteGroup() REQUIRES(mu_) {
    leading_ = true;
    std::string bytes;
    bytes.swap(buffer_);
    const uint64_t group = group_++;
    mu_.Unlock();
    Status status = file_.Append(bytes);
    if (status.ok() && sync_) status = file_.Sync();
    mu_.Lock();
    if (!status.ok()) error_ = status;
    finished_ = group + 1;
    leading_ = false;
    group_ended_.SignalAll();
  }

  const bool sync_;
  RecycledFile file_;  // of who leads
  base::Mutex mu_;
  base::CondVar group_ended_;
  Status error_ GUARDED_BY(mu_);
  std::string buffer_ GUARDED_BY(mu_);     // of the group that is being filled
  uint64_t group_ GUARDED_BY(mu_) = 0;     // its number
  uint64_t finished_ GUARDED_BY(mu_) = 0;  // groups below this are on disk
  bool leading_ GUARDED_BY(mu_) = false;   // a group is being written
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
