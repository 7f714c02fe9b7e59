#include "sim/workload/clients.h"

#include <algorithm>

namespace nokv::sim {
namespace {

// Addresses of clients begin behind those of all machines.
constexpr uint64_t kFirstClient = 1000;
// After a refusal.
constexpr uint64_t kRetryMicros = 20'000;
constexpr size_t kRemembered = 16;

}  // namespace

Clients::Clients(World& world, Network& network, RequestTarget& target,
                 const ClientsOptions& options)
    : world_(world),
      network_(network),
      target_(target),
      options_(options),
      random_(world.random().Fork()),
      sessions_(options.clients) {
  for (size_t i = 0; i < sessions_.size(); i++) sessions_[i].address = kFirstClient + i;
}

void Clients::Run(uint64_t end_us) {
  end_us_ = end_us;
  for (size_t i = 0; i < sessions_.size(); i++) Next(i);
}

void Clients::Next(size_t client) {
  world_.After(random_.Uniform(options_.think_us), [this, client] {
    if (world_.now_us() >= end_us_) return;
    MakeRequest(&sessions_[client]);
    Try(client);
  });
}

void Clients::MakeRequest(Session* session) {
  Request& request = session->request;
  request.client = session->address;
  request.number++;
  using Kind = OperationKind;
  constexpr Kind kKinds[] = {Kind::kRead,  Kind::kRead,  Kind::kRead,   Kind::kRead,
                             Kind::kRead,  Kind::kWrite, Kind::kWrite,  Kind::kWrite,
                             Kind::kWrite, Kind::kCas,   Kind::kDelete, Kind::kAdd};
  request.kind = kKinds[random_.Uniform(std::size(kKinds))];
  request.key = random_.Uniform(options_.keys);
  // No two writes write the same.
  request.argument = static_cast<int64_t>(session->address * 1'000'000 + request.number);
  request.expected.reset();
  if (!written_.empty() && !random_.OneIn(4)) {
    request.expected = written_[random_.Uniform(written_.size())];
  }
  request.path = options_.log_reads_one_in != 0 && random_.OneIn(options_.log_reads_one_in)
                     ? ReadPath::kLog
                     : ReadPath::kReadIndex;
  request.padding_bytes = random_.OneIn(8) ? random_.Uniform(options_.max_padding_bytes + 1) : 0;
  session->operation = history_.size();
  session->tries = 0;
  session->waiting = true;
  history_.push_back({.client = request.client,
                      .key = request.key,
                      .kind = request.kind,
                      .argument = request.argument,
                      .expected = request.expected,
                      .invoked_us = world_.now_us()});
  world_.Note("ask",
              {request.client, request.number, static_cast<uint64_t>(request.kind), request.key});
  if (written_.size() >= kRemembered) written_.erase(written_.begin());
  written_.push_back(request.argument);
}

void Clients::Try(size_t client) {
  Session& session = sessions_[client];
  if (world_.now_us() >= history_[session.operation].invoked_us + options_.give_up_us) {
    return End(client);
  }
  const uint64_t tries = ++session.tries;
  const uint64_t number = session.request.number;
  const std::vector<uint64_t> addresses = target_.Addresses();
  if (!addresses.empty()) {
    // Now and then somebody who need not be the leader.
    if (!session.server || random_.OneIn(8)) {
      session.server = addresses[random_.Uniform(addresses.size())];
    }
    const uint64_t to = *session.server;
    const uint64_t from = session.address;
    network_.Send(from, to, [this, client, number, tries, to, from, request = session.request] {
      target_.Arrive(to, request, [this, client, number, tries, to, from](const Reply& reply) {
        network_.Send(to, from, [this, client, number, tries, reply] {
          Answered(client, number, tries, reply);
        });
      });
    });
  }
  world_.After(options_.try_us, [this, client, number, tries] {
    Session& now = sessions_[client];
    if (!now.waiting || now.request.number != number || now.tries != tries) return;
    now.server.reset();
    Try(client);
  });
}

void Clients::Answered(size_t client, uint64_t number, uint64_t tries, const Reply& reply) {
  Session& session = sessions_[client];
  if (!session.waiting || session.request.number != number) return;
  if (!reply.done) {
    if (session.tries != tries) return;
    session.tries++;  // the timer of this try is void
    session.server = reply.leader;
    world_.After(kRetryMicros, [this, client, number, now = session.tries] {
      Session& later = sessions_[client];
      if (later.waiting && later.request.number == number && later.tries == now) Try(client);
    });
    return;
  }
  HistoryOperation& operation = history_[session.operation];
  operation.returned_us = world_.now_us();
  operation.before = reply.before;
  acknowledged_++;
  world_.Note("told", {session.address, number, reply.before ? 1U : 0U,
                       static_cast<uint64_t>(reply.before.value_or(0))});
  End(client);
}

void Clients::End(size_t client) {
  sessions_[client].waiting = false;
  if (!history_[sessions_[client].operation].known()) sessions_[client].server.reset();
  Next(client);
}

std::optional<uint64_t> Clients::FirstAnswerSince(uint64_t since_us) const {
  std::optional<uint64_t> first;
  for (const HistoryOperation& operation : history_) {
    if (operation.invoked_us < since_us || !operation.known()) continue;
    first = std::min(first.value_or(operation.returned_us), operation.returned_us);
  }
  return first;
}

}  // namespace nokv::sim
