// What a client makes of a coordinator that has no answer: whether another one may have it, and
// where the holder of the lease is. Private to coordinator/client.
//
// Thread safety: pure functions, but for the endpoints.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>

#include "nokv/status.h"
#include "rpc/endpoints.h"

namespace nokv::coordinator {

// True if another coordinator, or the same one later, may answer.
bool WorthAnotherTry(const Status& status);

// Calls `then` with whom to ask after the one at `index` has failed with `why`: the next one; or,
// if it does not hold the lease, the holder, for which it is asked.
void FindNext(const std::shared_ptr<rpc::Endpoints>& endpoints, size_t index, const Status& why,
              std::function<void(size_t)> then);

}  // namespace nokv::coordinator
