// What commands get to work with. How a command is described: commands/spec.h.
//
// A command function reads its arguments, reads and writes through the transaction, and writes
// exactly one reply. If the reply is an error, or the function returns a failed Status (the store
// could not be read), nothing is committed.
//
// Thread safety: command functions run on the gateway's loop, one at a time.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/random.h"
#include "nokv/status.h"
#include "redis/client.h"
#include "redis/commands/spec.h"
#include "redis/config.h"
#include "redis/resp/reply.h"
#include "redis/stats.h"
#include "redis/transaction.h"

namespace nokv::redis {

namespace acl {
class AccessControl;
}  // namespace acl

class CommandTable;
class Executor;
class ClientPause;
class CommandStats;
class LatencyMonitor;
class Monitors;
class PubSub;
class SlowLog;
class ScanCursors;
class Scripts;
struct Executed;

// A command that has run.
struct RanCommand {
  const CommandSpec& spec;
  const ClientState& client;
  std::span<const std::string_view> args;
  uint64_t duration_us;
  std::string_view error;  // that it replied with: "ERR syntax error"; empty: none
};

// What commands may ask of the gateway around them.
class Services {
 public:
  virtual ~Services() = default;
  virtual const CommandTable& commands() const = 0;
  virtual Config& config() = 0;
  virtual acl::AccessControl& access() = 0;
  // From and to Config::acl_file. A failed load changes no user.
  virtual Status LoadUsers() = 0;
  virtual Status SaveUsers() = 0;
  virtual base::Clock& clock() = 0;
  virtual base::Random& random() = 0;
  virtual ScanCursors& scan_cursors() = 0;
  virtual Backend& backend() = 0;
  // For commands that run commands.
  virtual Executor& executor() = 0;
  virtual Scripts& scripts() = 0;
  // Sends the reply that a client waits for, which then goes on.
  virtual void Answer(uint64_t client_id, const Executed& executed, std::string_view reply) = 0;
  virtual GatewayStats Stats() const = 0;
  virtual void ResetStats() = 0;
  virtual void CountLookup(bool hit) = 0;
  // An error was answered, other than by a command that ran or was refused.
  virtual void CountError(std::string_view error) = 0;
  // A command was refused before it ran.
  virtual void CommandRefused(std::span<const std::string_view> args, std::string_view error) = 0;
  // Called after each command, those within a transaction of several too; whether what it did will
  // be committed is not known yet.
  virtual void CommandRan(const RanCommand& command) = 0;
  virtual PubSub& pubsub() = 0;
  virtual Monitors& monitors() = 0;
  virtual SlowLog& slow_log() = 0;
  virtual LatencyMonitor& latency_monitor() = 0;
  virtual const CommandStats& command_stats() const = 0;
  // Sends what Transaction::Tell was told, behind commit `barrier`.
  virtual void TellSubscribers(std::span<const Notice> notices, uint64_t barrier) = 0;
  virtual uint64_t start_ms() const = 0;
  // True while the keys are being counted after a start.
  virtual bool loading() const = 0;
  virtual void ForEachClient(const std::function<void(const ClientState&)>& visit) const = 0;
  // Disconnects another client at once, if there is one with this id.
  virtual void KillClient(uint64_t id) = 0;
  virtual ClientPause& client_pause() = 0;
  // Ends the pause; what waited goes on from the loop.
  virtual void ResumeClients() = 0;
  // Where RANDOMKEY went last in `db`.
  virtual std::string& random_position(int db) = 0;
};

struct Context {
  Services& services;
  ClientState& client;
  Transaction& txn;
  std::span<const std::string_view> args;  // args[0] is the command's name as it was sent
  Reply& reply;

  int db() const { return client.db; }
};

// The families; each lists its own commands.
std::span<const CommandSpec> StringCommands();
std::span<const CommandSpec> StringRangeCommands();
std::span<const CommandSpec> CounterCommands();
std::span<const CommandSpec> KeyCommands();
std::span<const CommandSpec> ExpireCommands();
std::span<const CommandSpec> ScanCommands();
std::span<const CommandSpec> ScriptCommands();
std::span<const CommandSpec> ConnectionCommands();
std::span<const CommandSpec> ClientCommands();
std::span<const CommandSpec> CommandCommands();
std::span<const CommandSpec> MonitoringCommands();
std::span<const CommandSpec> PubSubCommands();
std::span<const CommandSpec> ServerCommands();
std::span<const CommandSpec> ConfigCommands();
std::span<const CommandSpec> InfoCommands();
std::span<const CommandSpec> TransactionCommands();
std::span<const CommandSpec> AclCommands();

}  // namespace nokv::redis
