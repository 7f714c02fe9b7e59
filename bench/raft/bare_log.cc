#include "bench/raft/bare_log.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <deque>
#include <utility>

#include "base/macros.h"
#include "base/mutex.h"
#include "bench/measure/recycled_file.h"
#include "metrics/metrics.h"
#include "runtime/thread.h"

namespace nokv::bench {
namespace {

constexpr uint64_t kFileBytes = uint64_t{64} << 20;
constexpr size_t kFollowers = 2;
constexpr size_t kReadBytes = size_t{1} << 20;

// A TCP connection with blocking calls.
class Wire {
 public:
  explicit Wire(int fd) : fd_(fd) {
    const int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  }
  ~Wire() { close(fd_); }
  Wire(const Wire&) = delete;
  Wire& operator=(const Wire&) = delete;

  bool Send(std::string_view bytes) const {
    while (!bytes.empty()) {
      const ssize_t sent = send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      bytes.remove_prefix(static_cast<size_t>(sent));
    }
    return true;
  }
  // What there is, at least a byte; 0: the connection is over.
  size_t Receive(char* buffer, size_t size) const {
    const ssize_t received = recv(fd_, buffer, size, 0);
    return received <= 0 ? 0 : static_cast<size_t>(received);
  }
  void Shut() const { shutdown(fd_, SHUT_RDWR); }

 private:
  const int fd_;
};

// Serves one leader: writes and syncs whatever has come, and says how much that is by now.
Status Follow(uint16_t port, const std::string& path) {
  RecycledFile file;
  RETURN_IF_ERROR(file.Open(path, kFileBytes));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (bind(listener, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      listen(listener, 1) != 0) {
    return Status::IoError("listen on port " + std::to_string(port), errno);
  }
  std::string buffer(kReadBytes, '\0');
  while (true) {
    // Whoever only asks whether somebody listens sends nothing.
    const Wire leader(accept(listener, nullptr, nullptr));
    uint64_t synced = 0;
    while (const size_t size = leader.Receive(buffer.data(), buffer.size())) {
      RETURN_IF_ERROR(file.Append(std::string_view(buffer).substr(0, size)));
      RETURN_IF_ERROR(file.Sync());
      synced += size;
      if (!leader.Send({reinterpret_cast<const char*>(&synced), sizeof synced})) break;
    }
    if (synced > 0) return Status::Ok();
  }
}

}  // namespace

class BareReplicatedLog::Leader {
 public:
  Status Start(const std::string& path, const std::vector<uint16_t>& ports) {
    RETURN_IF_ERROR(file_.Open(path, kFileBytes));
    for (size_t i = 0; i < kFollowers; i++) {
      ASSIGN_OR_RETURN(const int fd, ConnectTo(ports[i]));
      wires_[i] = std::make_unique<Wire>(fd);
    }
    threads_.push_back(runtime::StartThread("log", [this] { WriteGroups(); }));
    for (size_t i = 0; i < kFollowers; i++) {
      threads_.push_back(runtime::StartThread("acks", [this, i] { TakeAcks(i); }));
    }
    return Status::Ok();
  }

  ~Leader() {
    {
      const base::MutexLock lock(mu_);
      over_ = true;
      more_.Signal();
    }
    for (const auto& wire : wires_) {
      if (wire != nullptr) wire->Shut();
    }
    threads_.clear();
  }

  // Waits until `value` is committed; false if that will never be.
  bool Append(std::string_view value) EXCLUDES(mu_) {
    const base::MutexLock lock(mu_);
    buffer_.append(value);
    appended_ += value.size();
    Waiting self{.end = appended_};
    waiting_.push_back(&self);
    more_.Signal();
    while (!self.committed && !over_) self.changed.Wait(mu_);
    return self.committed;
  }

 private:
  struct Waiting {
    uint64_t end = 0;
    bool committed = false;
    base::CondVar changed = {};
  };

  void WriteGroups() EXCLUDES(mu_) {
    uint64_t synced = 0;
    while (true) {
      std::string group;
      {
        const base::MutexLock lock(mu_);
        while (buffer_.empty() && !over_) more_.Wait(mu_);
        if (over_) return;
        group.swap(buffer_);
      }
      bool ok = true;
      for (const auto& wire : wires_) ok &= wire->Send(group);
      ok = ok && file_.Append(group).ok() && file_.Sync().ok();
      synced += group.size();
      if (!ok) return GiveUp();
      NoteSynced(kFollowers, synced);
    }
  }

  void TakeAcks(size_t follower) EXCLUDES(mu_) {
    std::array<uint64_t, 256> acks{};
    auto* const bytes = reinterpret_cast<char*>(acks.data());
    size_t filled = 0;
    while (const size_t size = wires_[follower]->Receive(bytes + filled, sizeof acks - filled)) {
      filled += size;
      const size_t whole = filled / sizeof(uint64_t);
      if (whole == 0) continue;
      NoteSynced(follower, acks[whole - 1]);
      filled %= sizeof(uint64_t);
      std::copy_n(bytes + whole * sizeof(uint64_t), filled, bytes);
    }
    GiveUp();
  }

  void NoteSynced(size_t member, uint64_t synced) EXCLUDES(mu_) {
    const base::MutexLock lock(mu_);
    synced_[member] = synced;
    std::array<uint64_t, kFollowers + 1> sorted = synced_;
    std::sort(sorted.begin(), sorted.end());
    const uint64_t committed = sorted[kFollowers / 2];
    while (!waiting_.empty() && waiting_.front()->end <= committed) {
      waiting_.front()->committed = true;
      waiting_.front()->changed.Signal();
      waiting_.pop_front();
    }
  }

  void GiveUp() EXCLUDES(mu_) {
    const base::MutexLock lock(mu_);
    over_ = true;
    for (Waiting* waiting : waiting_) waiting->changed.Signal();
    more_.Signal();
  }

  RecycledFile file_;
  std::array<std::unique_ptr<Wire>, kFollowers> wires_;
  base::Mutex mu_;
  base::CondVar more_;
  bool over_ GUARDED_BY(mu_) = false;
  std::string buffer_ GUARDED_BY(mu_);
  uint64_t appended_ GUARDED_BY(mu_) = 0;  // bytes
  std::array<uint64_t, kFollowers + 1> synced_ GUARDED_BY(mu_){};
  std::deque<Waiting*> waiting_ GUARDED_BY(mu_);
  std::vector<std::unique_ptr<runtime::Thread>> threads_;
};

BareReplicatedLog::BareReplicatedLog(runtime::Runtime& runtime, uint64_t value_bytes)
    : runtime_(runtime), value_bytes_(value_bytes), leader_(std::make_unique<Leader>()) {}

BareReplicatedLog::~BareReplicatedLog() = default;

Result<std::unique_ptr<BareReplicatedLog>> BareReplicatedLog::Start(runtime::Runtime& runtime,
                                                                    const std::string& directory,
                                                                    uint64_t value_bytes) {
  std::unique_ptr<BareReplicatedLog> log(new BareReplicatedLog(runtime, value_bytes));
  std::vector<uint16_t> ports;
  for (size_t i = 0; i < kFollowers; i++) {
    ASSIGN_OR_RETURN(const uint16_t port, FreePort());
    const std::string file = directory + "/follower" + std::to_string(i);
    ASSIGN_OR_RETURN(ChildProcess follower,
                     ChildProcess::Start(runtime,
                                         {"/proc/self/exe", "bare-follower", "--port",
                                          std::to_string(port), "--file", file},
                                         file + ".log"));
    log->followers_.push_back(std::move(follower));
    ports.push_back(port);
    RETURN_IF_ERROR(WaitForPort(port, log->followers_.back()));
  }
  RETURN_IF_ERROR(log->leader_->Start(directory + "/leader", ports));
  return log;
}

Result<LoadResult> BareReplicatedLog::Run(const LoadOptions& options) {
  const std::string value(value_bytes_, 'v');
  base::Clock& clock = runtime_.clock();
  metrics::Histogram latency_us;
  std::atomic<uint64_t> operations{0};
  std::atomic<uint64_t> failures{0};
  const uint64_t begin_us = clock.MonotonicMicros();
  {
    std::vector<std::unique_ptr<runtime::Thread>> threads;
    for (uint64_t i = 0; i < options.outstanding; i++) {
      threads.push_back(runtime::StartThread("client", [&] {
        uint64_t now_us = clock.MonotonicMicros();
        while (now_us < begin_us + options.duration_us) {
          if (!leader_->Append(value)) {
            failures++;
            return;
          }
          const uint64_t before_us = std::exchange(now_us, clock.MonotonicMicros());
          latency_us.Record(now_us - before_us);
          operations++;
        }
      }));
    }
  }
  const metrics::HistogramSnapshot latency = latency_us.Snapshot();
  return LoadResult{operations, failures, clock.MonotonicMicros() - begin_us,
                    latency.Percentile(50), latency.Percentile(99)};
}

Result<uint64_t> BareReplicatedLog::CpuMicros() const {
  return bench::CpuMicros(followers_);
}

cli::Command BareFollowerCommand() {
  struct Flags {
    uint64_t port = 0;
    std::string file;
  };
  return {.name = "bare-follower",
          .summary = "a process that `raft` starts and ends",
          .examples = {{"nokv-bench bare-follower --port 7104 --file ./log"}},
          .description = "Writes, syncs and acknowledges what one connection brings.",
          .define = [](cli::FlagSet& set) -> cli::Action {
            auto flags = std::make_shared<Flags>();
            set.Number("port", "N", &flags->port, {1, 65535}, "where it listens").Required();
            set.Path("file", "FILE", &flags->file, "its log").Required();
            return [flags](const cli::Environment& environment) {
              const Status status = Follow(static_cast<uint16_t>(flags->port), flags->file);
              if (status.ok()) return static_cast<int>(cli::kExitOk);
              return cli::Fail(status, environment.err);
            };
          }};
}

}  // namespace nokv::bench
