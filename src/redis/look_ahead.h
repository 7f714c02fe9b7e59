// LookAhead: has the keys of a pipeline fetched before its commands run.
//
// A lookup waits for memory several times, one after the other; those of different keys can wait at
// the same time. So the next few requests are looked at, and the store is told their keys.
//
// Thread safety: owned by the gateway's loop.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "redis/backend.h"
#include "redis/resp/request_parser.h"

namespace nokv::redis {

class LookAhead {
 public:
  explicit LookAhead(Backend& backend) : backend_(backend) {}

  // Looks at the requests at the begin of `data`, for a client in `db`; returns how many bytes need
  // not be looked at again.
  size_t Fetch(int db, std::string_view data);

 private:
  Backend& backend_;
  RequestParser parser_;
  std::vector<std::string> keys_;  // reused
};

}  // namespace nokv::redis
