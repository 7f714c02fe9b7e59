// What a store of the gateway holds, read past the gateway, and whether its books fit to that.
#pragma once

#include <string>

#include "sim/gateway/process.h"
#include "sim/gateway/redis_model.h"

namespace nokv::sim {

// All live keys of all databases.
Result<Content> ReadContent(redis::Backend& backend);

// Compares the books with `content`, as of `process.now_ms()`: the counts in the store and in
// memory, DBSIZE, and the expiry index, entry by entry. Returns what is wrong, or nothing.
// REQUIRES: no commit is on its way.
std::string CheckBooks(Process& process, const Content& content);

}  // namespace nokv::sim
