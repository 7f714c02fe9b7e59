// RootIdentity: which cluster a directory of the metadata root is part of, and whether it is the
// one that the other nodes know; so that a node which has forgotten what it promised, or remembers
// promises to another cluster, takes no part.
//
// Each directory has an incarnation, drawn when it is made. Whoever takes part with a node has
// remembered its incarnation before, durably, and hears no other one under its number from then on.
// The id of the cluster is agreed on by the nodes themselves. What a node says of itself, its
// greeting, is all of that: its incarnation, its cluster, and the incarnations that it remembers.
//
//  1. Nodes of two clusters refuse each other.
//  2. A node that is remembered with another incarnation is refused: it has lost its directory, or
//     was given another one. It hears so from the greeting, and stops.
//  3. Nodes that are all new found a cluster: two of three are enough. A new node that meets a
//     cluster takes part when all others remember it, and none does so with another incarnation.
//
// So one that has lost its directory is found out by any node with which it ever took part, and
// takes part with no other without having asked that one (3). It holds as long as one of the three
// is lost or away, which is what three nodes are there for.
//
// Thread safety: thread-safe. Files are written by a lane of the runtime, with no lock held.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>

#include "base/log.h"
#include "base/mutex.h"
#include "nokv/status.h"
#include "runtime/runtime.h"
#include "transport/identity.h"
#include "vfs/vfs.h"

namespace nokv::server {

// What IDENTITY holds.
inline constexpr char kRootIdentityName[] = "IDENTITY";

// What a node remembers of itself and of others; a line of text, in its file and in greetings.
struct Known {
  uint64_t incarnation = 0;
  uint64_t cluster = 0;                // 0: it knows of none
  std::map<uint64_t, uint64_t> nodes;  // the incarnations of others
  bool operator==(const Known&) const = default;
};
// "incarnation 17 cluster 4711 nodes 2=99 3=100"
std::string EncodeKnown(const Known& known);
// kInvalidArgument: it is no such line.
Result<Known> DecodeKnown(std::string_view line);

struct RootIdentityOptions {
  std::string workdir;
  uint64_t node = 0;
  std::set<uint64_t> others;
  uint64_t incarnation = 1;  // of the directory, if it has none yet; random
};

class RootIdentity final : public transport::Identity,
                           public std::enable_shared_from_this<RootIdentity> {
 public:
  // `lost` is called when another node says that it knows this one by another directory. What is
  // borrowed, and `lost`, are used until nobody has the result any more.
  static Result<std::shared_ptr<RootIdentity>> Open(const RootIdentityOptions& options,
                                                    vfs::FileSystem& fs, runtime::Runtime& runtime,
                                                    base::Logger& logger,
                                                    std::function<void(const Status&)> lost);

  // This node has taken no part in anything yet. Before the first greeting.
  void SetNew() EXCLUDES(mu_);
  // The cluster has this id. kFailedPrecondition (E2305): the directory says another one.
  Status SetCluster(uint64_t cluster) EXCLUDES(mu_);
  // Why others are not listened to, one that was met last of each; OK: they are.
  Status problem() const EXCLUDES(mu_);

  // transport::Identity.
  std::string Greeting() const override EXCLUDES(mu_);
  Status Greeted(transport::NodeId from, std::string_view greeting) override EXCLUDES(mu_);

 private:
  RootIdentity(const RootIdentityOptions& options, vfs::FileSystem& fs, runtime::Runtime& runtime,
               base::Logger& logger, std::function<void(const Status&)> lost);
  Status Load();

  Status JudgeLocked(uint64_t from, const Known& other) REQUIRES(mu_);
  // Rule 3.
  Status JoinLocked(uint64_t from, const Known& other) REQUIRES(mu_);
  void SaveLocked() REQUIRES(mu_);
  void Save() EXCLUDES(mu_);
  Status Write(const Known& known) const;

  const RootIdentityOptions options_;
  vfs::FileSystem& fs_;
  runtime::Runtime& runtime_;
  base::Logger& logger_;
  const std::function<void(const Status&)> lost_;
  mutable base::Mutex mu_;
  Known known_ GUARDED_BY(mu_);    // what is to be in the file ...
  Known durable_ GUARDED_BY(mu_);  // ... and what is
  bool saving_ GUARDED_BY(mu_) = false;
  bool is_new_ GUARDED_BY(mu_) = false;
  bool is_lost_ GUARDED_BY(mu_) = false;
  std::set<uint64_t> known_to_ GUARDED_BY(mu_);  // who remembers this incarnation
  std::map<uint64_t, Status> problems_ GUARDED_BY(mu_);
  std::set<uint64_t> unsaved_ GUARDED_BY(mu_);  // whose problem is only that
};

}  // namespace nokv::server
