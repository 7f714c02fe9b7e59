#include "redis/session.h"

#include <utility>

#include "redis/commands/table.h"
#include "redis/gateway.h"
#include "redis/resp/reply.h"

namespace nokv::redis {

Session::Session(Gateway& gateway, rpc::stream::Connection& connection, uint64_t id,
                 uint64_t now_ms)
    : gateway_(gateway), connection_(connection) {
  client_.id = id;
  client_.address = connection.peer_address();
  client_.local_address = connection.local_address();
  client_.connected_ms = now_ms;
  client_.last_command_ms = now_ms;
}

size_t Session::OnData(std::string_view data) {
  size_t consumed = 0;
  bool stop = false;
  while (!closing_ && !stop) {
    if (gateway_.executor().paused() || OutputIsFull()) {
      stop = true;
      break;
    }
    const auto outcome = parser_.Parse(data.substr(consumed));
    if (outcome == RequestParser::Outcome::kNeedMore) break;
    if (outcome == RequestParser::Outcome::kError) {
      Emit({}, "-ERR " + parser_.error() + "\r\n");
      gateway_.CountError();
      closing_ = true;
      break;
    }
    consumed += parser_.consumed();
    if (!parser_.args().empty()) ExecuteOne(parser_.args());
  }
  gateway_.CountBytes(consumed, 0);
  connection_.Flush();
  if (stop && !stopped_) {
    stopped_ = true;
    connection_.SetReading(false);
  }
  CloseIfDone();
  return closing_ ? data.size() : consumed;
}

bool Session::IsHttp(std::string_view word) const {
  return EqualsIgnoreCase(word, "post") || EqualsIgnoreCase(word, "host:");
}

void Session::ExecuteOne(const std::vector<std::string_view>& args) {
  if (IsHttp(args[0])) {
    gateway_.logger().Warning("client " + client_.address +
                              " speaks HTTP, which may be an attack through a browser; closed");
    closing_ = true;
    return;
  }
  const bool skipped = client_.reply_mode == ReplyMode::kSkipNext;
  scratch_.clear();
  const Executed executed = gateway_.Execute(client_, args, &scratch_);
  const bool silent = skipped || client_.reply_mode != ReplyMode::kOn;
  if (skipped && client_.reply_mode == ReplyMode::kSkipNext) client_.reply_mode = ReplyMode::kOn;
  if (!silent) Emit(executed, scratch_);
  if (client_.close_after_reply) closing_ = true;
}

void Session::Emit(const Executed& executed, std::string_view reply) {
  gateway_.CountBytes(0, reply.size());
  if (!executed.waits() && held_.empty()) {
    connection_.output().append(reply);
    return;
  }
  if (held_.empty()) gateway_.AddHolder(*this);
  held_bytes_ += reply.size();
  held_.push_back({executed.barrier, std::string(reply)});
}

void Session::ReleaseHeld() {
  Commits& commits = gateway_.executor().commits();
  while (!held_.empty() && held_.front().barrier <= commits.acknowledged()) {
    Held& held = held_.front();
    held_bytes_ -= held.reply.size();
    const Status outcome = commits.Outcome(held.barrier).value_or(Status::Ok());
    if (outcome.ok()) {
      connection_.output().append(held.reply);
    } else {
      gateway_.CountError();
      Reply(&connection_.output(), client_.protocol).Error(Executor::WriteFailed(outcome));
    }
    held_.pop_front();
  }
}

void Session::OnProgress() {
  ReleaseHeld();
  connection_.Flush();
  CloseIfDone();
  OnDrained();
}

bool Session::OutputIsFull() {
  const size_t limit = gateway_.config().output_pause_bytes;
  if (waiting_bytes() <= limit) return false;
  connection_.Flush();
  return waiting_bytes() > limit;
}

void Session::OnDrained() {
  if (!stopped_ || closing_ || gateway_.executor().paused() || OutputIsFull()) return;
  stopped_ = false;
  connection_.SetReading(true);
  connection_.RedeliverInput();
}

void Session::OnPeerClosed(rpc::stream::Connection& /*connection*/) {
  CloseAfterReplies();
}

void Session::CloseAfterReplies() {
  closing_ = true;
  CloseIfDone();
}

void Session::CloseIfDone() {
  if (closing_ && held_.empty()) connection_.CloseAfterFlush();
}

void Session::OnClosed() {
  gateway_.Remove(client_.id);
}

bool Session::IsStale(uint64_t now_ms, uint64_t idle_ms, uint64_t stalled_ms) {
  const size_t waiting = connection_.pending_bytes();
  if (!stopped_ || waiting == 0 || waiting < last_waiting_) {
    waiting_since_ms_ = 0;
  } else if (waiting_since_ms_ == 0) {
    waiting_since_ms_ = now_ms;
  }
  last_waiting_ = waiting;
  if (waiting_since_ms_ != 0 && now_ms - waiting_since_ms_ >= stalled_ms) return true;
  return idle_ms != 0 && held_.empty() && now_ms >= client_.last_command_ms + idle_ms;
}

}  // namespace nokv::redis
