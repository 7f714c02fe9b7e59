// The process of `nokv coordinator`: a coordinator with its sockets, clocks and pages.
//
// Thread safety: none; one owner.
#pragma once

#include <string>
#include <vector>

#include "cli/command.h"
#include "cli/flags.h"

namespace nokv::cli {

struct CoordinatorFlags {
  std::string id;
  std::string address = "127.0.0.1:2379";
  std::string advertise_address;  // empty: address
  std::vector<std::string> root_peers;
  uint64_t lease_ttl_ms = 10'000;
  uint64_t lease_renew_before_ms = 3'000;
  uint64_t root_refresh_ms = 200;
  uint64_t id_start = 1;
  uint64_t ts_start = 1;
  std::string config;
  std::string scope = "host";
  std::string metrics_address;
};

// Declares the flags of `target`, which the set borrows.
void Define(FlagSet& flags, CoordinatorFlags* target);

// Serves until a signal; returns the exit code. `address_given`: --addr was, and the address of
// --config does not count.
int RunCoordinator(CoordinatorFlags flags, bool address_given, const Environment& environment);

}  // namespace nokv::cli
