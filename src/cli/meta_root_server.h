// The process of `nokv meta-root`: a node of the metadata root with its sockets, disk and pages.
//
// Thread safety: none; one owner.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "cli/command.h"
#include "cli/flags.h"

namespace nokv::cli {

struct MetaRootFlags {
  std::string address = "127.0.0.1:2380";
  std::string workdir;
  uint64_t node = 0;
  std::string transport_address;
  std::vector<std::string> peers;
  uint64_t tick_ms = 100;
  std::string metrics_address;
};

// Declares the flags of `target`, which the set borrows.
void Define(FlagSet& flags, MetaRootFlags* target);

// Serves until a signal; returns the exit code.
int RunMetaRoot(const MetaRootFlags& flags, const Environment& environment);

}  // namespace nokv::cli
