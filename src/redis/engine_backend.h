// EngineBackend: the gateway's keys in an embedded engine.
#pragma once

#include <memory>

#include "engine/engine.h"
#include "redis/backend.h"

namespace nokv::redis {

// Borrows `engine`, which must be open for writing.
std::unique_ptr<Backend> NewEngineBackend(engine::Engine& engine);

}  // namespace nokv::redis
