// GatewayWorkload: a few clients of a gateway over an engine on a memory disk, doing what the seed
// says: INCR, SET, MSET, expiries, renames, flushes, transactions with and without WATCH, scripts;
// with waits and restarts in between. Every reply must be the model's, and so must be the content
// and the books after each restart.
//
// It promises, of what was acknowledged (a read that saw a write acknowledges it, too):
//   killed       all of it is there
//   power lost   sync always: all of it; everysec: what is older than two seconds; no: what a
//                clean end has left
// and in any case that the content is that after some change, whole: nothing before it is missing.
//
// Thread safety: thread-compatible; one thread runs it all.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "base/random.h"
#include "redis/config.h"
#include "runtime/sim_runtime.h"
#include "sim/crash/subject.h"
#include "sim/gateway/process.h"
#include "sim/gateway/redis_model.h"
#include "vfs/vfs.h"

namespace nokv::sim {

class GatewayWorkload final : public Subject {
 public:
  // `fs` is borrowed.
  GatewayWorkload(uint64_t seed, redis::SyncPolicy sync, vfs::FileSystem& fs);
  ~GatewayWorkload() override;

  void Run(uint64_t ops) override;
  const std::string& violation() const override { return violation_; }
  uint64_t operations_done() const override { return operations_done_; }
  uint64_t operations_failed() const override { return operations_failed_; }
  uint64_t TraceHash() const override { return runtime_->TraceHash(); }
  std::string CheckRemains(vfs::FileSystem& disk, Ending ending) const override;

 private:
  // What is to come for a command: its reply, and what it may have seen.
  struct Expected {
    std::string command;
    std::string reply;
    uint64_t seen;
  };
  struct Client {
    RedisModel::Client model;
    std::unique_ptr<SimClient> wire;
    std::deque<Words> plan;
    std::deque<Expected> expected;
  };

  void Step();
  bool OpenIfClosed();
  // What is wrong with content and books, or nothing.
  std::string CheckContent();
  void Restart();
  void Wait();
  void SendNext(Client& client);
  void TakeReplies(Client& client);
  void TakeAllReplies();
  // Lets the loop and the engine do some of what they have to do.
  void LetSomeHappen();
  void Settle();
  void Violate(std::string text);
  // Something was refused: the workload ends here.
  void Failed();

  void Plan(Client& client);
  Words RandomCommand(bool in_script);
  Words RandomScript();
  std::string RandomKey();
  std::string RandomValue();

  const uint64_t seed_;
  const redis::SyncPolicy sync_;
  vfs::FileSystem& fs_;
  base::Random random_;
  std::unique_ptr<runtime::SimRuntime> runtime_;
  std::unique_ptr<Process> process_;
  std::vector<Client> clients_;
  RedisModel model_;
  bool model_knows_ = true;
  uint64_t durable_ = 0;  // changes that survive power loss, whatever the policy
  uint64_t values_ = 0;   // made up so far
  std::string violation_;
  uint64_t operations_done_ = 0;
  uint64_t operations_failed_ = 0;
};

}  // namespace nokv::sim
