// Thread: one task on a thread of its own, for event loops, which wait in the operating system.
// Everything else is posted to a Runtime.
//
// Thread safety: owned by who made it.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>

namespace nokv::runtime {

class Thread {
 public:
  // Waits for the task to end.
  virtual ~Thread() = default;
};

// `name` is shown by debuggers and top, up to 15 characters of it.
std::unique_ptr<Thread> StartThread(const std::string& name, std::function<void()> task);

// Processors that this process may use; 1 if that is not known.
size_t ProcessorCount();

}  // namespace nokv::runtime
