#include "rpc/call_end.h"

#include <utility>

namespace nokv::rpc {

void CallEnd::Start(std::shared_ptr<CallHandler> handler) {
  bool read = false;
  {
    base::MutexLock lock(mu_);
    handler_ = std::move(handler);
    read = ClaimReadLocked();
  }
  if (read) BeginRead();
  ScheduleDrain();
}

void CallEnd::Send(std::string message) {
  bool too_much = false;
  {
    base::MutexLock lock(mu_);
    if (sealed_) return;
    too_much = pending_bytes_ + message.size() > limits_.max_pending_bytes;
    if (!too_much) {
      pending_bytes_ += message.size();
      outgoing_.push_back(std::move(message));
    }
  }
  if (too_much) {
    return End(Status::ResourceExhausted("more than " + std::to_string(limits_.max_pending_bytes) +
                                         " bytes wait to be sent to " + peer()));
  }
  Pump();
}

size_t CallEnd::pending_bytes() const {
  base::MutexLock lock(mu_);
  return pending_bytes_;
}

void CallEnd::SetReading(bool on) {
  {
    base::MutexLock lock(mu_);
    wants_messages_ = on;
  }
  if (on) ScheduleDrain();
}

void CallEnd::End(const Status& status) {
  bool cancel = false;
  bool read = false;
  {
    base::MutexLock lock(mu_);
    if (done_.has_value()) return;
    // A client that has said all may still give up.
    const bool gives_up = side_ == Side::kClient && !status.ok() && end_status_.ok();
    if (sealed_ && !gives_up) return;
    sealed_ = end_wanted_ = true;
    end_status_ = status;
    if (!status.ok()) DropOutgoingLocked();
    discarding_ = side_ == Side::kServer || gives_up;
    if (discarding_) {
      incoming_.clear();
      incoming_bytes_ = 0;
    }
    cancel = gives_up;
    // A read learns of the end.
    if (cancel && !reading_ && !peer_ended_) read = reading_ = starting_read_ = true;
  }
  if (cancel) StartCancel();
  if (read) BeginRead();
  Pump();
}

// Starts what comes next: a write, or the end.
void CallEnd::Pump() {
  std::string message;
  bool more = false;
  std::optional<Status> end;
  {
    base::MutexLock lock(mu_);
    if (writing_ || end_started_ || done_.has_value()) return;
    if (!outgoing_.empty()) {
      message = std::move(outgoing_.front());
      outgoing_.pop_front();
      in_flight_bytes_ = message.size();
      more = !outgoing_.empty();
    } else {
      if (!MayEndLocked()) return;
      end_started_ = true;
      end = end_status_;
    }
    writing_ = true;
  }
  if (end.has_value()) return StartEnd(*end);
  StartWrite(std::move(message), more);
}

bool CallEnd::MayEndLocked() const {
  if (!end_wanted_) return false;
  // While a read is handed over a server says nothing: nothing may start after its end.
  if (side_ == Side::kServer) return !starting_read_;
  // A client that failed was cancelled.
  return end_status_.ok() && !peer_ended_;
}

// REQUIRES: reading_ and starting_read_ were set.
void CallEnd::BeginRead() {
  StartRead();
  {
    base::MutexLock lock(mu_);
    starting_read_ = false;
  }
  Pump();
}

// True if a read was claimed, which BeginRead then starts.
bool CallEnd::ClaimReadLocked() {
  if (reading_ || peer_ended_ || done_.has_value()) return false;
  if (side_ == Side::kServer && (end_started_ || discarding_)) return false;
  if (!discarding_ && incoming_bytes_ >= limits_.read_ahead_bytes) return false;
  reading_ = starting_read_ = true;
  return true;
}

bool CallEnd::ClaimReleaseLocked() {
  return side_ == Side::kClient && peer_ended_ && !writing_ && !std::exchange(released_, true);
}

void CallEnd::DropOutgoingLocked() {
  outgoing_.clear();
  pending_bytes_ = writing_ ? in_flight_bytes_ : 0;
}

void CallEnd::Written(bool ok) {
  bool release = false;
  {
    base::MutexLock lock(mu_);
    writing_ = false;
    pending_bytes_ -= std::exchange(in_flight_bytes_, 0);
    if (!ok) {
      sealed_ = true;
      DropOutgoingLocked();
    }
    tell_sent_ = tell_sent_ || (outgoing_.empty() && !sealed_);
    release = ClaimReleaseLocked();
  }
  if (release) NothingMoreStarts();
  Pump();
  ScheduleDrain();
}

void CallEnd::Arrived(std::string message) {
  {
    base::MutexLock lock(mu_);
    reading_ = false;
    if (!discarding_) {
      incoming_bytes_ += message.size();
      incoming_.push_back(std::move(message));
    }
  }
  // Before the next read, of which gRPC tells the peer: whoever waits for an answer gets it first.
  ScheduleDrain();
  ReadOn();
}

void CallEnd::ReadOn() {
  bool read = false;
  {
    base::MutexLock lock(mu_);
    read = ClaimReadLocked();
  }
  if (read) BeginRead();
}

void CallEnd::TooLong(size_t bytes) {
  const Status status =
      Status::ResourceExhausted("a message of " + std::to_string(bytes) + " bytes, and " +
                                std::to_string(limits_.max_message_bytes) + " are the limit");
  {
    base::MutexLock lock(mu_);
    too_long_ = status;
  }
  End(status);
  PeerEnded();
}

void CallEnd::PeerEnded() {
  bool release = false;
  {
    base::MutexLock lock(mu_);
    reading_ = false;
    peer_ended_ = true;
    if (side_ == Side::kClient) {
      sealed_ = true;
      DropOutgoingLocked();
    } else {
      tell_peer_ended_ = !discarding_;
    }
    release = ClaimReleaseLocked();
  }
  if (release) NothingMoreStarts();
  ScheduleDrain();
}

void CallEnd::Broken() {
  {
    base::MutexLock lock(mu_);
    if (!end_wanted_) {
      end_wanted_ = true;
      end_status_ = Status(StatusCode::kCancelled, "the client is gone or has given the call up");
    }
    sealed_ = discarding_ = true;
    DropOutgoingLocked();
    tell_peer_ended_ = false;
  }
  Pump();
}

void CallEnd::Done(const Status& status) {
  {
    base::MutexLock lock(mu_);
    if (done_.has_value()) return;
    // Who gave up knows best why.
    const bool gave_up = side_ == Side::kClient && !end_status_.ok();
    done_ = gave_up ? end_status_ : status;
    if (!too_long_.ok()) done_ = too_long_;
    sealed_ = true;
    writing_ = false;
    in_flight_bytes_ = 0;
    DropOutgoingLocked();
  }
  ScheduleDrain();
}

void CallEnd::ScheduleDrain() {
  {
    base::MutexLock lock(mu_);
    if (draining_ || handler_ == nullptr || NextLocked() == Event::kNone) return;
    draining_ = true;
  }
  executor_([self = shared_from_this()] { self->Drain(); });
}

CallEnd::Event CallEnd::NextLocked() const {
  if (tell_sent_) return Event::kSent;
  if (!incoming_.empty() && wants_messages_) return Event::kMessage;
  if (incoming_.empty() && tell_peer_ended_) return Event::kPeerEnded;
  if (done_.has_value() && (incoming_.empty() || !done_->ok())) return Event::kDone;
  return Event::kNone;
}

// Tells the handler what there is to tell, in the executor.
void CallEnd::Drain() {
  while (true) {
    std::shared_ptr<CallHandler> handler;
    std::string message;
    Status status;
    Event event = Event::kNone;
    {
      base::MutexLock lock(mu_);
      event = NextLocked();
      handler = handler_;
      if (event == Event::kSent) tell_sent_ = false;
      if (event == Event::kPeerEnded) tell_peer_ended_ = false;
      if (event == Event::kMessage) {
        message = std::move(incoming_.front());
        incoming_.pop_front();
        incoming_bytes_ -= message.size();
      }
      if (event == Event::kDone) {
        status = *done_;
        handler_.reset();
      }
      // After the end it stays set: nothing is told any more.
      if (event == Event::kNone) draining_ = false;
    }
    switch (event) {
      case Event::kNone:
        return;
      case Event::kSent:
        handler->OnSent(*this);
        break;
      case Event::kMessage:
        handler->OnMessage(*this, std::move(message));
        ReadOn();
        break;
      case Event::kPeerEnded:
        handler->OnPeerEnded(*this);
        break;
      case Event::kDone:
        return handler->OnDone(*this, status);
    }
  }
}

}  // namespace nokv::rpc
