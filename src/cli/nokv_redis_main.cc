#include <iostream>

#include "cli/redis_server.h"

int main(int argc, char** argv) {
  const nokv::cli::Args args(argv + (argc > 0 ? 1 : 0), argv + argc);
  return nokv::cli::RunRedisServer(args, {.out = std::cout, .err = std::cerr, .inspect = nullptr});
}
