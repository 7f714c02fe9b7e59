// MultiState: the commands that a client has queued between MULTI and EXEC.
//
// Thread safety: owned by the gateway's loop.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace nokv::redis {

struct CommandSpec;

struct QueuedCommand {
  const CommandSpec* spec;
  std::vector<std::string> words;
};

class MultiState {
 public:
  // True from MULTI to the end of EXEC or DISCARD.
  bool open() const { return queue_ != nullptr; }
  void Open() { queue_ = std::make_shared<Queue>(); }
  void Close() { *this = MultiState(); }

  // A command was refused: EXEC will run nothing. No effect outside of MULTI.
  void Spoil() { spoiled_ = open(); }
  bool spoiled() const { return spoiled_; }

  // REQUIRES: open(). False, and spoiled, if the queue would take more than `limit_bytes` of
  // memory. What is spoiled takes no more commands.
  bool Add(const CommandSpec& spec, std::span<const std::string_view> args, size_t limit_bytes);

  using Queue = std::vector<QueuedCommand>;
  // REQUIRES: open().
  const std::shared_ptr<Queue>& queue() const { return queue_; }
  size_t bytes() const { return bytes_; }

 private:
  std::shared_ptr<Queue> queue_;
  size_t bytes_ = 0;
  bool spoiled_ = false;
};

}  // namespace nokv::redis
