#include "cli/main.h"
#include "cli/redis_server.h"

int main(int argc, char** argv) {
  return nokv::cli::RunMain(nokv::cli::NokvRedisProgram(), argc, argv, nullptr);
}
