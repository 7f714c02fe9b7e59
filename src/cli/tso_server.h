// nokv tso serve, and nokv-tso, its older name: a counter behind HTTP, for the clients of versions
// in which timestamps came from a service of their own. It keeps nothing; who wants timestamps that
// survive a restart asks a coordinator.
//
//   GET /tso           {"timestamp":100,"count":1}
//   GET /tso?batch=5   {"timestamp":101,"count":5}: 101 to 105
//   GET /healthz       ok
#pragma once

#include <cstdint>

#include "cli/command.h"
#include "rpc/http/http.h"

namespace nokv::cli {

// The pages of a service that gives out the numbers from `start` on. Each is given out once,
// whatever threads the handlers run on; when none are left, /tso answers 503.
rpc::HttpHandlers TsoHandlers(uint64_t start);

// `nokv tso serve [--addr ADDR] [--start N]`
Command TsoServeCommand();
// The same as a program of its own.
Command NokvTsoProgram();

}  // namespace nokv::cli
