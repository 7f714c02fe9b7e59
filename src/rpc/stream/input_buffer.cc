#include "rpc/stream/input_buffer.h"

namespace nokv::rpc::stream {

namespace {

constexpr size_t kKeptBytes = size_t{64} << 10;  // more is given back when it is empty

}  // namespace

void InputBuffer::Show(Handler& handler, std::string_view data) {
  if (kept_.empty()) {
    const size_t consumed = handler.OnData(data);
    if (consumed < data.size()) kept_.assign(data.substr(consumed));
    return;
  }
  kept_.append(data);
  const size_t consumed = handler.OnData(kept_);
  if (consumed == kept_.size() && kept_.capacity() > kKeptBytes) {
    std::string().swap(kept_);
  } else {
    kept_.erase(0, consumed);
    // What is left of a large request must not hold the memory of all of it.
    if (kept_.capacity() > kKeptBytes && kept_.size() < kept_.capacity() / 4) {
      kept_.shrink_to_fit();
    }
  }
}

}  // namespace nokv::rpc::stream
