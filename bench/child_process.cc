#include "bench/child_process.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <ctime>
#include <fstream>
#include <sstream>
#include <utility>

#include "base/macros.h"
#include "bench/measure/pause.h"

namespace nokv::bench {

namespace {

constexpr uint64_t kPollMicros = 20'000;
constexpr int kStopPolls = 500;
constexpr int kStartPolls = 500;

sockaddr_in Loopback(uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

Result<pid_t> Spawn(const std::vector<std::string>& words, const std::string& log) {
  std::vector<char*> argv;
  for (const std::string& word : words) argv.push_back(const_cast<char*>(word.c_str()));
  argv.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, log.c_str(),
                                   O_WRONLY | O_CREAT | O_TRUNC, 0600);
  posix_spawn_file_actions_adddup2(&actions, STDOUT_FILENO, STDERR_FILENO);
  pid_t pid = -1;
  const int error = posix_spawnp(&pid, argv[0], &actions, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0) {
    return Status::IoError("start " + words[0], error)
        .WithHint("apt-get install redis-server redis-tools");
  }
  return pid;
}

std::string ReadAll(const std::string& path) {
  std::ifstream file(path);
  std::ostringstream out;
  out << file.rdbuf();
  return out.str();
}

}  // namespace

Result<ChildProcess> ChildProcess::Start(runtime::Runtime& runtime,
                                         const std::vector<std::string>& words,
                                         const std::string& log) {
  ASSIGN_OR_RETURN(const pid_t pid, Spawn(words, log));
  return ChildProcess(runtime, pid);
}

ChildProcess::ChildProcess(ChildProcess&& other) noexcept
    : runtime_(other.runtime_), pid_(std::exchange(other.pid_, -1)) {}

Result<uint64_t> ChildProcess::CpuMicros() const {
  clockid_t clock{};
  timespec used{};
  const int error = clock_getcpuclockid(pid_, &clock);
  // lint: allow(clock) the processor time of another process, which base::Clock does not know
  if (error != 0 || clock_gettime(clock, &used) != 0) {
    return Status::IoError("processor time of process " + std::to_string(pid_),
                           error != 0 ? error : errno);
  }
  return static_cast<uint64_t>(used.tv_sec) * 1'000'000 +
         static_cast<uint64_t>(used.tv_nsec) / 1000;
}

ChildProcess::~ChildProcess() {
  if (pid_ < 0) return;
  kill(pid_, SIGTERM);
  for (int i = 0; i < kStopPolls && running(); ++i) Pause(runtime_, kPollMicros);
  if (pid_ < 0) return;
  kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
}

bool ChildProcess::running() {
  if (pid_ >= 0 && waitpid(pid_, nullptr, WNOHANG) == pid_) pid_ = -1;
  return pid_ >= 0;
}

bool ChildProcess::Kill() {
  if (!running()) return false;
  kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
  pid_ = -1;
  return true;
}

Result<std::string> RunToEnd(const std::vector<std::string>& words, const std::string& log) {
  ASSIGN_OR_RETURN(const pid_t pid, Spawn(words, log));
  int status = 0;
  waitpid(pid, &status, 0);
  std::string output = ReadAll(log);
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
    return Status::Unavailable(words[0] + " failed: " + output);
  }
  return output;
}

Result<uint64_t> CpuMicros(const std::vector<ChildProcess>& processes) {
  uint64_t micros = 0;
  for (const ChildProcess& process : processes) {
    ASSIGN_OR_RETURN(const uint64_t used, process.CpuMicros());
    micros += used;
  }
  return micros;
}

Result<int> ConnectTo(uint16_t port) {
  const sockaddr_in address = Loopback(port);
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) return fd;
  const Status status = Status::IoError("connect to port " + std::to_string(port), errno);
  close(fd);
  return status;
}

Status WaitForPort(uint16_t port, ChildProcess& server) {
  for (int i = 0; i < kStartPolls; ++i) {
    if (!server.running()) return Status::Unavailable("the server ended at once; see its log");
    if (const Result<int> fd = ConnectTo(port); fd.ok()) {
      close(*fd);
      return Status::Ok();
    }
    Pause(server.runtime_, kPollMicros);
  }
  return Status::Unavailable("nobody listens on port " + std::to_string(port));
}

Result<uint16_t> FreePort() {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = Loopback(0);
  socklen_t length = sizeof address;
  const bool found = fd >= 0 &&
                     bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0 &&
                     getsockname(fd, reinterpret_cast<sockaddr*>(&address), &length) == 0;
  const int error = errno;
  close(fd);
  if (!found) return Status::IoError("find a free port", error);
  return ntohs(address.sin_port);
}

}  // namespace nokv::bench
