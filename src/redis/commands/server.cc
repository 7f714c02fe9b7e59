// Small commands about the server: TIME, ROLE, WAIT, and what would need a cluster.
#include <string>

#include "base/macros.h"
#include "redis/commands/common.h"

namespace nokv::redis {

namespace {

Status Time(Context& context) {
  const uint64_t now_ms = context.services.clock().WallMillis();
  context.reply.Array(2);
  context.reply.Bulk(std::to_string(now_ms / 1000));
  context.reply.Bulk(std::to_string(now_ms % 1000 * 1000));
  return Status::Ok();
}

Status Role(Context& context) {
  context.reply.Array(3);
  context.reply.Bulk("master");
  context.reply.Integer(0);
  context.reply.Array(0);
  return Status::Ok();
}

// All of the replicas have it at once: there are none.
Status Wait(Context& context) {
  if (!IntegerArgument(context, context.args[1]).has_value()) return Status::Ok();
  const auto timeout =
      IntegerArgument(context, context.args[2], "ERR timeout is not an integer or out of range");
  if (!timeout.has_value()) return Status::Ok();
  if (*timeout < 0) return Fail(context, "ERR timeout is negative");
  context.reply.Integer(0);
  return Status::Ok();
}

Status NoCluster(Context& context) {
  return Fail(context, "ERR This instance has cluster support disabled");
}

constexpr CommandSpec kCommands[] = {
    {"time", 1, Time, kLoadingFlag | kStaleFlag | kFastFlag, 0, 0, 0, "server", "2.6.0",
     "Returns the time of the server\n"
     "tips: nondeterministic_output"},
    {"role", 1, Role, kNoScriptFlag | kLoadingFlag | kStaleFlag | kFastFlag, 0, 0, 0, "server",
     "2.8.12",
     "Returns the part of the server in replication; always master\n"
     "acl: admin dangerous"},
    {"asking", 1, NoCluster, kFastFlag, 0, 0, 0, "cluster", "3.0.0",
     "Would let a node in a cluster answer for another\n"
     "acl: connection"},
    {"cluster", -2, NoCluster, 0, 0, 0, 0, "cluster", "3.0.0", "Cluster commands; this is not one"},
    {"readonly", 1, NoCluster, kLoadingFlag | kStaleFlag | kFastFlag, 0, 0, 0, "cluster", "3.0.0",
     "Would let a replica in a cluster answer reads\n"
     "acl: connection"},
    {"readwrite", 1, NoCluster, kLoadingFlag | kStaleFlag | kFastFlag, 0, 0, 0, "cluster", "3.0.0",
     "Would end what READONLY began\n"
     "acl: connection"},
    {"wait", 3, Wait, kNoScriptFlag, 0, 0, 0, "generic", "3.0.0",
     "Waits for replicas; there are none, so it does not\n"
     "acl: connection\n"
     "args: numreplicas:int timeout:int\n"
     "tips: request_policy:all_shards response_policy:agg_min"},
};

}  // namespace

std::span<const CommandSpec> ServerCommands() {
  return kCommands;
}

}  // namespace nokv::redis
