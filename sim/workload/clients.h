// Clients: sessions that work on a store of registers through the network, one request at a time
// each, and write the history of what they asked and were told.
//
// A client sends a request again, to somebody else, when it is refused or nothing comes back, and
// gives up after a while; then its outcome is unknown.
//
// Thread safety: owned by the world's thread.
#pragma once

#include <cstdint>
#include <vector>

#include "sim/check/history.h"
#include "sim/workload/request.h"
#include "sim/world/network.h"
#include "sim/world/world.h"

namespace nokv::sim {

struct ClientsOptions {
  size_t clients = 5;
  uint64_t keys = 5;           // 1: a register
  uint64_t think_us = 80'000;  // between two requests, at most
  uint64_t try_us = 250'000;   // until it is sent again
  uint64_t give_up_us = 4'000'000;
  uint64_t max_padding_bytes = 0;
  // One in so many reads goes through the log; 0: none.
  uint64_t log_reads_one_in = 4;
};

class Clients {
 public:
  Clients(World& world, Network& network, RequestTarget& target, const ClientsOptions& options);

  // Requests are sent from now until `end_us`.
  void Run(uint64_t end_us);

  // In the order of the calls. Those under way are unknown.
  const History& history() const { return history_; }
  uint64_t acknowledged() const { return acknowledged_; }
  // When the first request that was sent at or after `since_us` was answered; nullopt: not yet.
  std::optional<uint64_t> FirstAnswerSince(uint64_t since_us) const;

 private:
  struct Session {
    uint64_t address = 0;
    Request request;
    size_t operation = 0;  // in the history
    uint64_t tries = 0;
    std::optional<uint64_t> server;
    bool waiting = false;
  };

  void Next(size_t client);
  void MakeRequest(Session* session);
  void Try(size_t client);
  void Answered(size_t client, uint64_t number, uint64_t tries, const Reply& reply);
  void End(size_t client);

  World& world_;
  Network& network_;
  RequestTarget& target_;
  const ClientsOptions options_;
  base::Random random_;
  std::vector<Session> sessions_;
  History history_;
  std::vector<int64_t> written_;  // values that may be expected somewhere
  uint64_t end_us_ = 0;
  uint64_t acknowledged_ = 0;
};

}  // namespace nokv::sim
