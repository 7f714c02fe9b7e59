// ControlClients: sessions that ask coordinators for ids and timestamps, publish changes and read
// routes, one request at a time each, and write down what they were told.
//
// A request is sent once: what comes back too late, or not at all, may have had its effect.
//
// Thread safety: owned by the world's thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "sim/check/numbers.h"
#include "sim/control/control_cluster.h"

namespace nokv::sim {

class ControlClients {
 public:
  ControlClients(World& world, ControlCluster& cluster, size_t clients);

  // Requests are sent from now until `end_us`.
  void Run(uint64_t end_us);

  const std::vector<GivenNumbers>& numbers() const { return numbers_; }
  uint64_t acknowledged() const { return acknowledged_; }
  uint64_t publishes() const { return published_.size(); }
  uint64_t routes() const { return routes_; }
  // Strong answers that were older than what had been published before the question.
  const std::vector<std::string>& violations() const { return violations_; }
  // When the first numbers that were asked for at or after `since_us` came.
  std::optional<uint64_t> FirstNumbersSince(uint64_t since_us) const;

 private:
  struct Session {
    uint64_t address = 0;
    size_t target = 1;
    uint64_t request = 0;  // its number
    uint64_t invoked_us = 0;
    bool waiting = false;
  };
  // Something that was published, and when that was known.
  struct Publication {
    uint64_t returned_us = 0;
    uint64_t revision = 0;
  };

  void Next(size_t client);
  void AskNumbers(size_t client, bool timestamps);
  void Publish(size_t client);
  void Route(size_t client);
  // Brings an answer back to the client, unless it has given up on the request: then `take` is not
  // called.
  void Answer(size_t client, uint64_t request, size_t from, std::function<void(bool current)> take);
  void End(size_t client, bool ok);

  World& world_;
  ControlCluster& cluster_;
  base::Random random_;
  std::vector<Session> sessions_;
  uint64_t end_us_ = 0;
  std::vector<GivenNumbers> numbers_;
  std::vector<Publication> published_;
  std::vector<std::string> violations_;
  uint64_t acknowledged_ = 0;
  uint64_t routes_ = 0;
  uint64_t next_address_ = 1;
};

}  // namespace nokv::sim
