#include "cli/main.h"
#include "bench/redis_bench.h"

int main(int argc, char** argv) {
  const nokv::cli::Command program = {
      .name = "nokv-bench",
      .summary = "compares with peers on the same machine in the same run",
      .examples = {{"nokv-bench redis", "the gateway beside redis-server"},
                   {"nokv-bench redis --sync always", "the same, every write durable"}},
      .description =
          "nokv-bench compares with peers on the same machine in the same run: the "
          "ratios count, not the absolute numbers.",
      .commands = {nokv::bench::RedisCommand()}};
  return nokv::cli::RunMain(program, argc, argv, nullptr);
}
