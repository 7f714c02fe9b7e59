// ExecutorOf: where the calls of a simulated process are taken.
#pragma once

#include <functional>
#include <memory>
#include <utility>

#include "rpc/call.h"
#include "sim/world/machine.h"

namespace nokv::sim {

// What a process is told takes its time, and waits while it is paused. Once `alive` is false, what
// is left of it is told at once that it is over.
inline rpc::Executor ExecutorOf(Machine& machine, std::shared_ptr<const bool> alive) {
  return [&machine, alive = std::move(alive)](std::function<void()> task) {
    if (!*alive) return task();
    machine.runtime().Post(runtime::Lane::kUrgent, std::move(task));
  };
}

}  // namespace nokv::sim
