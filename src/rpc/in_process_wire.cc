#include "rpc/in_process_wire.h"

#include <algorithm>
#include <utility>

namespace nokv::rpc {
class InProcessWire::End final : public CallEnd {
 public:
  End(std::shared_ptr<InProcessWire> wire, Role role, const CallLimits& limits,
      const Executor& executor)
      : CallEnd(role == kClient ? Side::kClient : Side::kServer, limits, executor),
        wire_(std::move(wire)),
        role_(role) {}

  std::string peer() const override { return wire_->names_[Other(role_)]; }

  using CallEnd::Broken;
  using CallEnd::Done;
  using CallEnd::limits;
  using CallEnd::PeerEnded;
  using CallEnd::Start;
  using CallEnd::Written;

  void Receive(std::string message) {
    if (message.size() <= limits().max_message_bytes) return Arrived(std::move(message));
    TooLong(message.size());
  }

 private:
  void StartWrite(std::string message, bool /*more*/) override {
    wire_->Put(role_, {.message = std::move(message), .end = {}});
  }
  void StartRead() override { wire_->Read(role_); }
  void StartEnd(const Status& status) override {
    wire_->Put(role_, {.message = {}, .end = status});
  }
  void StartCancel() override {
    wire_->clock_->After(0, [wire = wire_] { wire->Break(Status(StatusCode::kCancelled, "")); });
  }

  const std::shared_ptr<InProcessWire> wire_;
  const Role role_;
};

InProcessWire::InProcessWire(std::shared_ptr<InProcessClock> clock, std::string client,
                             std::string server)
    : clock_(std::move(clock)), names_{std::move(client), std::move(server)} {}

std::shared_ptr<Call> InProcessWire::Open(const CallLimits& limits, const Executor& executor,
                                          std::shared_ptr<CallHandler> handler) {
  auto end = std::make_shared<End>(shared_from_this(), kClient, limits, executor);
  {
    base::MutexLock lock(mu_);
    ends_[kClient] = end;
  }
  end->Start(std::move(handler));
  return end;
}

void InProcessWire::Serve(const CallLimits& limits, const Executor& executor,
                          const AcceptCall& accept) {
  auto end = std::make_shared<End>(shared_from_this(), kServer, limits, executor);
  {
    base::MutexLock lock(mu_);
    if (over_) return;
    ends_[kServer] = end;
  }
  executor([end, accept] {
    std::shared_ptr<CallHandler> handler = accept(end);
    if (handler == nullptr) {
      return static_cast<Call&>(*end).End(Status::Unavailable("the server takes no such calls"));
    }
    end->Start(std::move(handler));
  });
}

std::shared_ptr<InProcessWire::End> InProcessWire::end_of(Role role) const {
  base::MutexLock lock(mu_);
  return ends_[role];
}

void InProcessWire::Put(Role from, Item item) {
  const std::optional<uint64_t> delay = clock_->Delay(names_[from], names_[Other(from)]);
  if (!delay.has_value()) {
    return clock_->After(0, [self = shared_from_this()] {
      self->Break(Status::Unavailable("the connection broke"));
    });
  }
  const uint64_t now = clock_->NowMicros();
  uint64_t due = now + *delay;
  bool written = false;
  {
    base::MutexLock lock(mu_);
    if (over_) return;
    Direction& direction = said_[from];
    due = direction.last_due_us = std::max(due, direction.last_due_us);
    direction.bytes += item.message.size();
    direction.writer_waits = direction.bytes >= clock_->WindowBytes();
    written = !direction.writer_waits && (from == kClient || !item.end.has_value());
    direction.items.push_back(std::move(item));
  }
  clock_->After(due - now, [self = shared_from_this(), from] { self->Arrive(from); });
  if (!written) return;
  clock_->After(0, [self = shared_from_this(), from] {
    if (const auto end = self->end_of(from)) end->Written(true);
  });
}

void InProcessWire::Read(Role reader) {
  {
    base::MutexLock lock(mu_);
    said_[Other(reader)].reader_waits = true;
  }
  clock_->After(0, [self = shared_from_this(), reader] { self->Hand(Other(reader)); });
}

void InProcessWire::Arrive(Role from) {
  {
    base::MutexLock lock(mu_);
    ++said_[from].arrived;
  }
  Hand(from);
}

void InProcessWire::Hand(Role from) {
  Item item;
  std::shared_ptr<End> reader;
  std::shared_ptr<End> writer;
  {
    base::MutexLock lock(mu_);
    Direction& direction = said_[from];
    if (over_ || !direction.reader_waits || direction.arrived == 0) return;
    direction.reader_waits = false;
    --direction.arrived;
    item = std::move(direction.items.front());
    direction.items.pop_front();
    direction.bytes -= item.message.size();
    reader = ends_[Other(from)];
    if (direction.writer_waits && direction.bytes < clock_->WindowBytes()) {
      direction.writer_waits = false;
      writer = ends_[from];
    }
  }
  if (writer != nullptr) writer->Written(true);
  if (!item.end.has_value()) return reader->Receive(std::move(item.message));
  if (from == kServer) return Finish(*item.end, Status::Ok());
  reader->PeerEnded();
}

void InProcessWire::Break(const Status& status) {
  Finish(status, Status(StatusCode::kCancelled, "the client is gone or has given the call up"));
}

void InProcessWire::Finish(const Status& client, const Status& server) {
  std::array<std::shared_ptr<End>, 2> ends;
  {
    base::MutexLock lock(mu_);
    if (std::exchange(over_, true)) return;
    ends.swap(ends_);
    said_ = {};
  }
  if (ends[kServer] != nullptr) {
    if (!server.ok()) ends[kServer]->Broken();
    ends[kServer]->Done(server);
  }
  if (ends[kClient] != nullptr) {
    ends[kClient]->PeerEnded();
    ends[kClient]->Done(client);
  }
}

}  // namespace nokv::rpc
