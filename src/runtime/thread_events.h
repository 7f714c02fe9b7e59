// What threads of a ThreadRuntime wait for; see runtime.h.
//
// Thread safety: thread-safe.
#pragma once

#include <memory>

#include "runtime/runtime.h"

namespace nokv::runtime {

std::unique_ptr<Event> NewThreadEvent();
std::unique_ptr<EventCount> NewThreadEventCount();

}  // namespace nokv::runtime
