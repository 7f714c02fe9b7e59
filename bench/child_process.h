// ChildProcess: the programs that a comparison runs, and what they print.
//
// Thread safety: none; one owner.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "nokv/status.h"
#include "runtime/runtime.h"

namespace nokv::bench {

class ChildProcess {
 public:
  // Ends the program with SIGTERM, and with SIGKILL if that takes more than ten seconds.
  ~ChildProcess();
  ChildProcess(ChildProcess&& other) noexcept;
  ChildProcess& operator=(ChildProcess&&) = delete;

  // Starts words[0], found in PATH, with its output in the file `log`.
  // Borrows `runtime`, to wait.
  static Result<ChildProcess> Start(runtime::Runtime& runtime,
                                    const std::vector<std::string>& words, const std::string& log);
  bool running();
  // Ends the program with SIGKILL; false if it had ended by itself.
  bool Kill();
  // Processor time that it has used, user and system, in microseconds.
  Result<uint64_t> CpuMicros() const;

 private:
  friend Status WaitForPort(uint16_t port, ChildProcess& server);
  ChildProcess(runtime::Runtime& runtime, pid_t pid) : runtime_(runtime), pid_(pid) {}

  runtime::Runtime& runtime_;
  pid_t pid_;
};

// Runs a program to its end; what it printed. A program that fails is an error with its output.
Result<std::string> RunToEnd(const std::vector<std::string>& words, const std::string& log);

// What all of them have used.
Result<uint64_t> CpuMicros(const std::vector<ChildProcess>& processes);

// Waits until a TCP port of this machine accepts connections.
Status WaitForPort(uint16_t port, ChildProcess& server);
// A blocking TCP connection to a port of this machine: its descriptor.
Result<int> ConnectTo(uint16_t port);
// A port that nobody uses now.
Result<uint16_t> FreePort();

}  // namespace nokv::bench
