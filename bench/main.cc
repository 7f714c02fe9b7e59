#include "cli/main.h"
#include "bench/redis_bench.h"

namespace {

constexpr std::string_view kGuide =
    R"(nokv-bench redis                   the gateway beside redis-server
nokv-bench redis --sync always     the same, every write durable

nokv-bench compares with peers on the same machine in the same run: the ratios
count, not the absolute numbers.
)";

}  // namespace

int main(int argc, char** argv) {
  const nokv::cli::Program program = {.name = "nokv-bench",
                                      .guide = std::string(kGuide),
                                      .commands = {nokv::bench::RedisCommand()}};
  return nokv::cli::RunMain(program, argc, argv, nullptr);
}
