// Notice: what a command wants subscribers to be told once its transaction is committed.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace nokv::redis {

struct Notice {
  enum class Kind : uint8_t {
    kKeyEvent,      // something happened to a key
    kMessage,       // PUBLISH
    kShardMessage,  // SPUBLISH
  };
  Kind kind = Kind::kKeyEvent;
  int db = 0;              // kKeyEvent
  std::string_view event;  // kKeyEvent; a literal: "set"
  std::string target;      // the key or the channel
  std::string message;     // not for kKeyEvent

  size_t bytes() const { return sizeof(Notice) + target.size() + message.size(); }
};

}  // namespace nokv::redis
