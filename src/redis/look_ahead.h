// LookAhead: has the keys of a pipeline fetched before its commands run.
//
// A lookup waits for memory several times, one after the other; those of different keys can wait at
// the same time. So the next few requests are looked at, and the store is told their keys, those of
// reading commands apart: their values are looked up together.
//
// Thread safety: owned by the gateway's loop.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "redis/backend.h"
#include "redis/commands/table.h"
#include "redis/resp/request_parser.h"

namespace nokv::redis {

class LookAhead {
 public:
  LookAhead(Backend& backend, const CommandTable& commands)
      : backend_(backend), commands_(commands) {}

  // Looks at the requests at the begin of `data`, for a client in `db`; returns how many bytes need
  // not be looked at again.
  size_t Fetch(int db, std::string_view data);

 private:
  Backend& backend_;
  const CommandTable& commands_;
  RequestParser parser_;
  std::vector<std::string> read_;  // keys; reused
  std::vector<std::string> other_;
};

}  // namespace nokv::redis
