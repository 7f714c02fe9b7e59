// A client's end without a socket: the connection that a session sees, requests as bytes, and
// replies as one line each. For tests and simulations only.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "rpc/stream/stream.h"

namespace nokv::redis {

// What a client that is not there would see.
class FakeConnection final : public rpc::stream::Connection {
 public:
  std::string& output() override { return output_; }
  void Flush() override {
    if (stalled_) return;
    received_ += output_;
    output_.clear();
    if (close_after_flush_) closed_ = true;
  }
  size_t pending_bytes() const override { return output_.size(); }
  void SetReading(bool on) override { reading_ = on; }
  void RedeliverInput() override { redeliver_ = true; }
  void CloseAfterFlush() override {
    close_after_flush_ = true;
    Flush();
  }
  void Close() override { closed_ = true; }
  const std::string& peer_address() const override { return peer_; }
  const std::string& local_address() const override { return local_; }
  bool peer_is_loopback() const override { return loopback_; }
  const std::string& peer_common_name() const override { return common_name_; }

  // The peer does not read: nothing is flushed.
  void set_stalled(bool on) { stalled_ = on; }
  void set_loopback(bool on) { loopback_ = on; }
  void set_peer_common_name(std::string name) { common_name_ = std::move(name); }
  bool reading() const { return reading_; }
  bool closed() const { return closed_; }
  bool TakeRedeliver() { return std::exchange(redeliver_, false); }
  std::string TakeReceived() { return std::exchange(received_, {}); }

 private:
  std::string output_;
  std::string received_;
  std::string peer_ = "127.0.0.1:50000";
  std::string local_ = "127.0.0.1:6380";
  std::string common_name_;
  bool loopback_ = true;
  bool stalled_ = false;
  bool reading_ = true;
  bool redeliver_ = false;
  bool close_after_flush_ = false;
  bool closed_ = false;
};

// A request as a client library sends it.
std::string EncodeRequest(const std::vector<std::string>& words);
// One reply in one line: +OK, -ERR …, :1, "text", (nil), [:1, "a"], push [:1]; consumes it.
std::string RenderReply(std::string_view* bytes);
// All that there are.
std::vector<std::string> RenderReplies(std::string_view bytes);

}  // namespace nokv::redis
