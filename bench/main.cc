#include "cli/main.h"
#include "bench/db_bench.h"
#include "bench/raft/bare_log.h"
#include "bench/raft/raft_bench.h"
#include "bench/raft/raft_member.h"
#include "bench/raftlog_bench.h"
#include "bench/redis_bench.h"
#include "bench/stress/stress_bench.h"
#include "bench/tso/tso_bench.h"
#include "bench/ycsb_bench.h"

int main(int argc, char** argv) {
  const nokv::cli::Command program = {
      .name = "nokv-bench",
      .summary = "compares with peers on the same machine in the same run",
      .examples = {{"nokv-bench redis", "the gateway beside redis-server"},
                   {"nokv-bench redis --sync always", "the same, every write durable"},
                   {"nokv-bench ycsb --workload C --records 20000 --ops 20000", "the engine"}},
      .description =
          "nokv-bench compares with peers on the same machine in the same run: the "
          "ratios count, not the absolute numbers.",
      .commands = {nokv::bench::RedisCommand(), nokv::bench::YcsbCommand(),
                   nokv::bench::DbCommand(), nokv::bench::RaftLogCommand(),
                   nokv::bench::RaftCommand(), nokv::bench::RaftMemberCommand(),
                   nokv::bench::BareFollowerCommand(), nokv::bench::StressCommand(),
                   nokv::bench::StressWorkerCommand(), nokv::bench::TsoCommand()}};
  return nokv::cli::RunMain(program, argc, argv, nullptr);
}
