// What WriteBatch is made of: an engine batch, and the first refusal that its changes met.
//
// Thread safety: thread-compatible.
#pragma once

#include "engine/batch.h"
#include "nokv/status.h"
#include "nokv/write_batch.h"

namespace nokv {

struct WriteBatch::Rep {
  engine::Batch batch;
  Status refusal;       // answered when the batch is written
  std::string scratch;  // for the engine key under construction
};

// Lets the engine look into a WriteBatch.
class WriteBatchAccess {
 public:
  static const WriteBatch::Rep& Get(const WriteBatch& batch) { return *batch.rep_; }
};

}  // namespace nokv
