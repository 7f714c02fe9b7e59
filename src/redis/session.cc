#include "redis/session.h"

#include <utility>

#include "redis/acl/access_control.h"
#include "redis/commands/table.h"
#include "redis/gateway.h"
#include "redis/resp/reply.h"

namespace nokv::redis {

namespace {

// What may wait for a client that may not ask for anything yet.
constexpr size_t kUnauthenticatedOutputBytes = size_t{16} << 10;
constexpr size_t kKeptScratchBytes = size_t{64} << 10;

}  // namespace

Session::Session(Gateway& gateway, rpc::stream::Connection& connection, uint64_t id,
                 uint64_t now_ms)
    : gateway_(gateway), connection_(connection) {
  client_.id = id;
  client_.address = connection.peer_address();
  client_.local_address = connection.local_address();
  client_.receiver = this;
  client_.connected_ms = now_ms;
  client_.last_command_ms = now_ms;
  gateway.access().BecomeDefault(&client_.identity);
  const std::string& name = connection.peer_common_name();
  if (gateway.config().user_from_certificate && !name.empty()) {
    gateway.access().AuthenticateByCertificate(client_, name);
  }
}

size_t Session::OnData(std::string_view data) {
  gateway_.executor().BeginRound();
  size_t consumed = 0;
  size_t looked_at = 0;
  bool stop = false;
  input_bytes_ = data.size();
  while (!closing_) {
    stop = !MayExecute();
    if (stop) break;
    // A request that comes alone gains nothing, and nothing is read for who may not read it.
    if (consumed > 0 && consumed >= looked_at &&
        !gateway_.access().MustAuthenticate(client_.identity)) {
      looked_at = consumed + gateway_.look_ahead().Fetch(client_.db, data.substr(consumed));
    }
    parser_.set_limits(Limits());
    const auto outcome = parser_.Parse(data.substr(consumed));
    if (outcome == RequestParser::Outcome::kNeedMore) break;
    if (outcome == RequestParser::Outcome::kError) {
      const std::string error = "ERR " + parser_.error();
      scratch_.clear();
      Reply(&scratch_, client_.protocol).Error(error);
      Emit(scratch_, 0, false);
      gateway_.CountError(error);
      closing_ = true;
      break;
    }
    if (!parser_.args().empty() && gateway_.Postpones(client_, parser_.args())) {
      stop = true;  // and it is parsed again later
      break;
    }
    consumed += parser_.consumed();
    if (!parser_.args().empty()) ExecuteOne(parser_.args());
  }
  gateway_.CountBytes(consumed, 0);
  FlushSoon();
  if (stop && !stopped_) {
    stopped_ = true;
    connection_.SetReading(false);
  }
  CloseIfDone();
  if (closing_) consumed = data.size();
  input_bytes_ = data.size() - consumed;
  CountBuffered();
  gateway_.EnforceBudget();
  return closing_ ? data.size() : consumed;
}

RequestLimits Session::Limits() const {
  const Config& config = gateway_.config();
  RequestLimits limits;
  limits.max_bulk_bytes = static_cast<int64_t>(config.max_bulk_bytes);
  limits.max_request_bytes = config.query_buffer_limit_bytes;
  limits.authenticated = !gateway_.access().MustAuthenticate(client_.identity);
  return limits;
}

void Session::CountBuffered() {
  if (aborted_) return;
  const size_t before = buffered_bytes_;
  buffered_bytes_ =
      input_bytes_ + parser_.buffered_bytes() + client_.multi.bytes() + waiting_bytes();
  gateway_.CountBuffered(before, buffered_bytes_);
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
  const uint64_t delay_ms = std::exchange(client_.identity.reply_delay_ms, 0);
  if (delay_ms != 0) late_until_us_ = gateway_.clock().MonotonicMicros() + delay_ms * 1000;
  if (client_.waits_for_reply) {
    silent_later_ = silent;
  } else if (!silent || executed.has_pushes) {
    Emit(scratch_, executed.barrier, false);
  }
  // A client that once had a large reply must not hold its memory for ever.
  if (scratch_.capacity() > kKeptScratchBytes) std::string().swap(scratch_);
  if (client_.close_after_reply) closing_ = true;
}

void Session::Emit(std::string_view bytes, uint64_t barrier, bool is_message) {
  if (bytes.empty() || !Admit(bytes.size())) return;
  gateway_.CountBytes(0, bytes.size());
  const bool late = IsLate();
  if (late) gateway_.WakeLate();
  if (barrier == 0 && held_.empty() && !late) {
    connection_.output().append(bytes);
    return;
  }
  if (held_.empty()) gateway_.AddHolder(*this);
  held_.push_back({barrier, bytes.size(), is_message, late});
  held_bytes_.append(bytes);
}

void Session::Push(std::string_view message, uint64_t barrier) {
  if (closing_) return;
  Emit(message, barrier, true);
  FlushSoon();
}

void Session::FlushSoon() {
  if (!std::exchange(flushes_soon_, true)) gateway_.FlushSoon(*this);
}

ConnectionUse Session::use() const {
  return {input_bytes_, connection_.pending_bytes(), held_.size(), held_memory()};
}

void Session::FlushAndCount() {
  connection_.Flush();
  CountBuffered();
}

void Session::FlushRound() {
  flushes_soon_ = false;
  FlushAndCount();
}

bool Session::Admit(size_t more) {
  if (aborted_) return false;
  const bool gets_messages = client_.subscriptions.total() > 0 || client_.monitors;
  const OutputLimit& limit = gateway_.config().output_limits.of(
      gets_messages ? OutputClass::kPubSub : OutputClass::kNormal);
  const uint64_t now_ms = gateway_.executor().LastNowMs();
  if (!watch_.Exceeds(limit, waiting_bytes() + more, now_ms)) return true;
  // The socket may take what only waited for the end of this round.
  connection_.Flush();
  if (!watch_.Exceeds(limit, waiting_bytes() + more, now_ms)) return true;
  DisconnectSlowReader("reached client-output-buffer-limit");
  return false;
}

void Session::DisconnectSlowReader(std::string_view why) {
  gateway_.logger().Warning("client " + client_.address + ": closed, it " + std::string(why) +
                            " with " + std::to_string(waiting_bytes()) +
                            " bytes of output waiting");
  gateway_.CountSlowReader();
  Abort();
}

void Session::Abort() {
  aborted_ = true;
  closing_ = true;
  DropHeld();
  connection_.Close();
  // What it holds goes with the connection, in a moment.
  gateway_.CountBuffered(buffered_bytes_, 0);
  buffered_bytes_ = 0;
}

void Session::ReleaseHeld() {
  Commits& commits = gateway_.executor().commits();
  while (!held_.empty() && held_.front().barrier <= commits.acknowledged()) {
    Held& held = held_.front();
    if (held.late && IsLate()) return gateway_.WakeLate();
    const std::string_view bytes = std::string_view(held_bytes_).substr(held_begin_, held.bytes);
    held_begin_ += held.bytes;
    const Status outcome = commits.Outcome(held.barrier).value_or(Status::Ok());
    if (outcome.ok()) {
      connection_.output().append(bytes);
    } else if (!held.is_message) {
      Reply reply(&connection_.output(), client_.protocol);
      Executor::ReplyFailed(outcome, reply);
      if (reply.failed()) gateway_.CountError(reply.error());
    }
    held_.pop_front();
  }
  if (held_.empty()) return DropHeld();
  if (held_begin_ > kKeptScratchBytes && 2 * held_begin_ > held_bytes_.size()) {
    held_bytes_.erase(0, std::exchange(held_begin_, 0));
  }
}

void Session::DropHeld() {
  held_.clear();
  held_begin_ = 0;
  // A client that once waited for much must not hold its memory for ever.
  if (held_bytes_.capacity() > kKeptScratchBytes) std::string().swap(held_bytes_);
  held_bytes_.clear();
}

bool Session::IsLate() const {
  return late_until_us_ != 0 && gateway_.clock().MonotonicMicros() < late_until_us_;
}

void Session::OnProgress() {
  ReleaseHeld();
  FlushSoon();
  CloseIfDone();
  OnDrained();
}

void Session::Answer(const Executed& executed, std::string_view reply) {
  client_.waits_for_reply = false;
  if (!silent_later_ || executed.has_pushes) Emit(reply, executed.barrier, false);
  FlushSoon();
  CloseIfDone();
  OnDrained();
}

bool Session::OutputIsFull() {
  const size_t limit = gateway_.access().MustAuthenticate(client_.identity)
                           ? kUnauthenticatedOutputBytes
                           : gateway_.config().output_pause_bytes;
  if (waiting_bytes() <= limit) return false;
  connection_.Flush();
  return waiting_bytes() > limit;
}

bool Session::MayExecute() {
  return !client_.waits_for_reply && !gateway_.executor().paused() && !IsLate() && !OutputIsFull();
}

void Session::OnDrained() {
  if (!stopped_ || closing_ || !MayExecute()) return;
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
  if (closing_ && held_.empty() && !client_.waits_for_reply) connection_.CloseAfterFlush();
}

void Session::OnClosed() {
  gateway_.pubsub().UnsubscribeAll(*this, &client_.subscriptions);
  gateway_.monitors().Remove(*this);
  gateway_.Remove(client_.id);
}

void Session::Sweep(uint64_t now_ms) {
  if (IsStalled(now_ms)) return DisconnectSlowReader("did not read its replies");
  if (!Admit(0)) return;
  if (IsNobodyForLong(now_ms)) {
    gateway_.logger().Warning("client " + client_.address + ": closed, it did not authenticate");
    return Abort();
  }
  const uint64_t idle_ms = gateway_.config().timeout_seconds * 1000;
  // Who listens waits, and who is stopped was not idle.
  if (idle_ms == 0 || stopped_ || !held_.empty() || client_.subscriptions.total() > 0 ||
      client_.monitors)
    return;
  if (now_ms < client_.last_command_ms + idle_ms) return;
  gateway_.logger().Info("client " + client_.address + ": closed, idle");
  Abort();
}

bool Session::IsNobodyForLong(uint64_t now_ms) {
  const uint64_t limit_ms = gateway_.config().authentication_timeout_seconds * 1000;
  if (!gateway_.access().MustAuthenticate(client_.identity)) {
    nobody_since_ms_ = 0;
  } else if (nobody_since_ms_ == 0) {
    nobody_since_ms_ = now_ms;
  }
  return limit_ms != 0 && nobody_since_ms_ != 0 && now_ms >= nobody_since_ms_ + limit_ms;
}

bool Session::IsStalled(uint64_t now_ms) {
  const size_t waiting = connection_.pending_bytes();
  const bool waits = stopped_ || closing_;  // its commands, or the end of the connection
  if (!waits || waiting == 0 || waiting < last_waiting_) {
    waiting_since_ms_ = 0;
  } else if (waiting_since_ms_ == 0) {
    waiting_since_ms_ = now_ms;
  }
  last_waiting_ = waiting;
  return waiting_since_ms_ != 0 &&
         now_ms - waiting_since_ms_ >= gateway_.config().stalled_reader_seconds * 1000;
}

}  // namespace nokv::redis
