#include "runtime/thread.h"

#include <pthread.h>
#include <sched.h>

#include <thread>
#include <utility>

namespace nokv::runtime {

namespace {

class JoinedThread final : public Thread {
 public:
  JoinedThread(const std::string& name, std::function<void()> task) : thread_(std::move(task)) {
    constexpr size_t kMaxName = 15;
    pthread_setname_np(thread_.native_handle(), name.substr(0, kMaxName).c_str());
  }
  ~JoinedThread() override { thread_.join(); }

 private:
  std::thread thread_;
};

}  // namespace

std::unique_ptr<Thread> StartThread(const std::string& name, std::function<void()> task) {
  return std::make_unique<JoinedThread>(name, std::move(task));
}

size_t ProcessorCount() {
  cpu_set_t allowed;
  if (sched_getaffinity(0, sizeof allowed, &allowed) != 0) return 1;
  return static_cast<size_t>(CPU_COUNT(&allowed));
}

}  // namespace nokv::runtime
