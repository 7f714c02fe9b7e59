// Session: one client's connection: bytes in, commands executed, replies out in order.
//
// Replies that wait for a commit are held, and everything after them too. While too much output
// waits for a slow reader, or the store for room, the session executes nothing and reads nothing,
// so that the client's own socket fills up and memory does not.
//
// Messages that are not replies take their place among them, and wait for commits as they do. Who
// sends them does not wait for a slow reader, so beyond its limit (redis/output_limits.h) nothing
// is added: the client is disconnected.
//
// Thread safety: owned by the gateway's loop.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>

#include "redis/client.h"
#include "redis/executor.h"
#include "redis/resp/request_parser.h"
#include "rpc/stream/stream.h"

namespace nokv::redis {

class Gateway;

class Session final : public rpc::stream::Handler, public Receiver {
 public:
  // Both are borrowed; the connection owns this.
  Session(Gateway& gateway, rpc::stream::Connection& connection, uint64_t id, uint64_t now_ms);

  size_t OnData(std::string_view data) override;
  void OnPeerClosed(rpc::stream::Connection& connection) override;
  void OnDrained() override;
  void OnClosed() override;

  uint64_t id() const override { return client_.id; }
  int protocol() const override { return client_.protocol; }
  void Push(std::string_view message, uint64_t barrier) override;
  ConnectionUse use() const override;
  // Gives the output of this round to the socket.
  void FlushRound();

  // Sends what waited for commits that are acknowledged now, and goes on if it was stopped.
  void OnProgress();
  // Sends the reply that its client waited for, and goes on.
  void Answer(const Executed& executed, std::string_view reply);
  // Answers what has been executed, then closes.
  void CloseAfterReplies();
  // Closes at once.
  void Abort();
  // Called every second: closes if the client does not take its output, does not authenticate, or
  // is idle, for too long.
  void Sweep(uint64_t now_ms);

  const ClientState& client() const { return client_; }
  bool holds_replies() const { return !held_.empty(); }
  // Its last reply is kept back for a moment.
  bool holds_late_reply() const { return !held_.empty() && held_.back().late; }
  // Memory for input that has arrived in part and output that waits, as of its last callback.
  size_t buffered_bytes() const { return buffered_bytes_; }
  // Gives the socket what it takes, and counts again.
  void FlushAndCount();

 private:
  struct Held {
    uint64_t barrier;  // the commit it waits for; 0: none, it only keeps its place
    size_t bytes;      // of held_bytes_, behind those of the one before
    bool is_message;
    bool late;  // also waits until late_until_us_
  };

  void ExecuteOne(const std::vector<std::string_view>& args);
  void Emit(std::string_view bytes, uint64_t barrier, bool is_message);
  // True if `more` output may wait. Else the client has been disconnected.
  bool Admit(size_t more);
  void DisconnectSlowReader(std::string_view why);
  bool IsStalled(uint64_t now_ms);
  bool IsNobodyForLong(uint64_t now_ms);
  void CountBuffered();
  void ReleaseHeld();
  void DropHeld();
  void FlushSoon();
  size_t held_memory() const {
    return held_.size() * sizeof(Held) + held_bytes_.size() - held_begin_;
  }
  size_t waiting_bytes() const { return connection_.pending_bytes() + held_memory(); }
  bool OutputIsFull();
  // A reply is being kept back; nothing is executed until it is sent.
  bool IsLate() const;
  // Whether the next command may run now.
  bool MayExecute();
  RequestLimits Limits() const;
  void CloseIfDone();
  // Redis's guard against web pages that make a browser talk to it.
  bool IsHttp(std::string_view word) const;

  Gateway& gateway_;
  rpc::stream::Connection& connection_;
  ClientState client_;
  RequestParser parser_;
  std::string scratch_;  // reply of the command that runs
  std::deque<Held> held_;
  std::string held_bytes_;
  size_t held_begin_ = 0;      // of what is held still, in held_bytes_
  size_t input_bytes_ = 0;     // shown to OnData and not executed yet
  size_t buffered_bytes_ = 0;  // as of the last CountBuffered
  uint64_t late_until_us_ = 0;
  bool stopped_ = false;       // reading is off
  bool silent_later_ = false;  // the reply that the client waits for is not sent
  bool closing_ = false;       // takes no more commands
  bool aborted_ = false;       // nothing is sent any more
  bool flushes_soon_ = false;  // FlushRound will come
  OutputWatch watch_;
  size_t last_waiting_ = 0;        // output at the last IsStalled
  uint64_t waiting_since_ms_ = 0;  // since when it has not shrunk; 0: it has
  uint64_t nobody_since_ms_ = 0;   // since when it must authenticate; 0: it need not
};

}  // namespace nokv::redis
