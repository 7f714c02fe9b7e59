// The limit of open files: every client holds one, and so does every table of the database.
#pragma once

#include <cstdint>

#include "base/log.h"

namespace nokv::cli {

// How many clients fit into `open_files`, beside what the database needs. At least 1.
uint64_t ClientsWithin(uint64_t open_files);

// Raises this process's limit to what `clients` need, as far as the system lets it. Returns how
// many clients there may be, at most `clients`; logs a warning with the way out if those are fewer.
uint64_t MakeRoomForClients(uint64_t clients, base::Logger& logger);

}  // namespace nokv::cli
