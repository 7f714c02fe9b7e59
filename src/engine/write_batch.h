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

namespace engine {

// kInvalidArgument for what no write may have: a key or value over its limit, an empty range.
Status CheckKey(std::string_view key);
Status CheckValue(std::string_view value);
Status CheckRange(std::string_view begin, std::string_view end);

}  // namespace engine

// Lets the engine look into a WriteBatch.
class WriteBatchAccess {
 public:
  static const WriteBatch::Rep& Get(const WriteBatch& batch) { return *batch.rep_; }
};

}  // namespace nokv
