// nokv-config catalog: puts a region into the local catalog of a store that is not running.
#include <unistd.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/macros.h"
#include "cli/nokv_commands.h"
#include "cli/text.h"
#include "config/cluster_config.h"
#include "engine/directory.h"
#include "raftstore/localmeta/catalog.h"

namespace nokv::cli {

namespace {

struct CatalogOptions {
  std::string workdir, start_key, end_key;
  std::string state = "running";
  uint64_t region_id = 0;
  uint64_t epoch_version = 1;
  uint64_t epoch_conf_version = 0;  // 0: the number of peers
  std::vector<std::string> peers;
};

// "1:101", a store and a peer.
Result<topology::Peer> ParsePeer(const std::string& text) {
  const size_t colon = text.find(':');
  const auto number = [&](size_t begin, size_t end) -> uint64_t {
    const std::string digits = text.substr(begin, end - begin);
    const bool all = !digits.empty() && digits.size() < 20 &&
                     digits.find_first_not_of("0123456789") == std::string::npos;
    return all ? std::stoull(digits) : 0;
  };
  if (colon != std::string::npos) {
    const topology::Peer peer = {.store = number(0, colon), .peer = number(colon + 1, text.size())};
    if (peer.store != 0 && peer.peer != 0) return peer;
  }
  return Status::InvalidArgument("--peer " + Quoted(text) +
                                 " is not STORE:PEER, two numbers above zero");
}

Result<raftstore::Replica> ReplicaOf(const CatalogOptions& options) {
  raftstore::Replica replica;
  replica.region.id = options.region_id;
  for (const std::string& text : options.peers) {
    ASSIGN_OR_RETURN(const topology::Peer peer, ParsePeer(text));
    replica.region.peers.push_back(peer);
  }
  const auto start = config::ParseKey(options.start_key);
  const auto end = config::ParseKey(options.end_key);
  if (!start.has_value() || !end.has_value()) {
    return Status::InvalidArgument(
        (start.has_value() ? "--end-key" : "--start-key") +
        std::string(" must have pairs of hexadecimal digits behind hex:"));
  }
  replica.region.range = {*start, *end};
  replica.region.epoch = {.version = options.epoch_version,
                          .conf_version = options.epoch_conf_version == 0
                                              ? options.peers.size()
                                              : options.epoch_conf_version};
  replica.state = raftstore::ParseReplicaState(options.state).value_or(replica.state);
  RETURN_IF_ERROR(topology::CheckRegion(replica.region));
  return replica;
}

// One catalog never has two live regions with one key, nor goes back behind what it knows.
Status CheckFits(const raftstore::Catalog& catalog, const raftstore::Replica& added) {
  for (const auto& [id, replica] : catalog) {
    const std::string name = topology::NameOf(id);
    if (id == added.region.id) {
      if (topology::NotBehind(added.region.epoch, replica.region.epoch)) continue;
      return Status::FailedPrecondition("the catalog has " + name + " with a later epoch")
          .WithHint("nokv regions shows it");
    }
    const bool both_live = replica.state != raftstore::ReplicaState::kTombstone &&
                           added.state != raftstore::ReplicaState::kTombstone;
    if (both_live && topology::Overlap(replica.region.range, added.region.range)) {
      return Status::FailedPrecondition(topology::NameOf(added.region.id) + " " +
                                        topology::ToString(added.region.range) + " overlaps " +
                                        name + " " + topology::ToString(replica.region.range));
    }
  }
  return Status::Ok();
}

Status Add(const raftstore::Replica& replica, const std::string& workdir, vfs::FileSystem& fs) {
  RETURN_IF_ERROR(engine::CreateDirectory(fs, workdir));
  ASSIGN_OR_RETURN(const auto lock, engine::LockDirectory(fs, workdir, /*read_only=*/false));
  ASSIGN_OR_RETURN(raftstore::Catalog catalog, raftstore::ReadCatalog(fs, workdir));
  RETURN_IF_ERROR(CheckFits(catalog, replica));
  catalog.insert_or_assign(replica.region.id, replica);
  return raftstore::WriteCatalog(fs, workdir, catalog);
}

int RunCatalog(const CatalogOptions& options, const std::string& command,
               const Environment& environment) {
  const auto replica = ReplicaOf(options);
  if (!replica.ok()) return FailUsage(replica.status(), command, environment.err);
  if (const Status status = Add(*replica, options.workdir, environment.fs); !status.ok()) {
    return Fail(status, environment.err);
  }
  if (environment.verbosity != Verbosity::kQuiet) {
    environment.out << options.workdir << ": " << topology::NameOf(replica->region.id) << " "
                    << topology::ToString(replica->region.range) << ", "
                    << replica->region.peers.size() << " peers, is in the catalog\n";
  }
  return kExitOk;
}

Command MakeCommand(const std::string& name, const std::string& note) {
  const std::string command = "nokv-config " + name;
  return {.name = name,
          .summary = "write a region into a store's local catalog" +
                     (note.empty() ? "" : std::string(" (an older name)")),
          .examples = {{command + " --workdir ./store-1 --region-id 1 --end-key m --peer 1:101 "
                                  "--peer 2:201"}},
          .description =
              "Puts a region into the local catalog of a store's directory, which is made if it is "
              "not there; a running store is left alone. For the first start of a cluster: "
              "afterwards the store keeps its catalog itself. nokv regions shows it.",
          .define = [command, note](FlagSet& flags) -> Action {
            auto options = std::make_shared<CatalogOptions>();
            flags.Workdir(&options->workdir, "the store's directory").Required();
            flags.Number("region-id", "N", &options->region_id, {1}, "the region").Required();
            flags
                .Text("start-key", "KEY", &options->start_key,
                      "the first key of its range, as text or hex:00ff; empty: no bound")
                .MayBeEmpty();
            flags
                .Text("end-key", "KEY", &options->end_key,
                      "the first key behind its range; empty: no bound")
                .MayBeEmpty();
            flags.Number("epoch-version", "N", &options->epoch_version, {},
                         "how often the range has changed");
            flags
                .Number("epoch-conf-version", "N", &options->epoch_conf_version, {},
                        "how often the peers have changed; 0: as many as there are peers")
                .default_text = "0";
            flags.Choice("state", &options->state, {"running", "tombstone"},
                         "whether it lives on this store");
            flags.List("peer", "STORE:PEER", &options->peers, "a peer; once for each").Required();
            return [options, command, note](const Environment& environment) {
              if (!note.empty() && environment.verbosity != Verbosity::kQuiet) {
                environment.err << "note: " << note << "\n";
              }
              return RunCatalog(*options, command, environment);
            };
          }};
}

}  // namespace

Command CatalogCommand() {
  return MakeCommand("catalog", "");
}

Command OldCatalogCommand() {
  return MakeCommand("manifest", "nokv-config manifest is called nokv-config catalog now");
}

}  // namespace nokv::cli
