// InputBuffer: the input of a connection that its handler has not consumed. Private to rpc/stream.
//
// Thread safety: owned by one loop.
#pragma once

#include <string>
#include <string_view>

#include "rpc/stream/stream.h"

namespace nokv::rpc::stream {

class InputBuffer {
 public:
  // Shows `handler` what was kept and `data` behind it, and keeps what it does not consume.
  void Show(Handler& handler, std::string_view data);
  void Keep(std::string_view data) { kept_.append(data); }
  bool empty() const { return kept_.empty(); }

 private:
  std::string kept_;
};

}  // namespace nokv::rpc::stream
