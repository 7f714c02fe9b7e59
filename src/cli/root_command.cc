// nokv root: what the nodes of the metadata root say, asked directly.
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "cli/nokv_commands.h"
#include "cli/output.h"
#include "cli/peers.h"
#include "console/meta_root_pages.h"
#include "metaroot/client/client.h"
#include "rpc/grpc/grpc.h"

namespace nokv::cli {

namespace {

using Json = nlohmann::ordered_json;

struct RootOptions {
  std::vector<std::string> peers;
  uint64_t timeout_ms = 3'000;
  uint64_t after = 0;
  bool after_given = false;
  uint64_t limit = 256;
  OutputOptions output;
};

void DefineRoot(FlagSet& flags, RootOptions* target) {
  flags.List("root-peer", "ID=ADDR", &target->peers,
             "a node of the metadata root: its --node-id and --addr; three times. Without it: "
             "1=127.0.0.1:2380, 2=127.0.0.1:2381 and 3=127.0.0.1:2382");
  flags.Duration("timeout", &target->timeout_ms, {1, 3'600'000}, "how long an answer may take");
}

// A client that waits.
class RootClient {
 public:
  static Result<std::unique_ptr<RootClient>> Open(const RootOptions& options) {
    std::vector<NumberedAddress> peers = {
        {1, "127.0.0.1:2380"}, {2, "127.0.0.1:2381"}, {3, "127.0.0.1:2382"}};
    if (!options.peers.empty()) {
      auto given = ParsePeers("root-peer", options.peers);
      if (!given.ok()) return given.status();
      peers = *std::move(given);
    }
    return std::unique_ptr<RootClient>(new RootClient(peers, options.timeout_ms));
  }

  // Calls `start(done)` for each of `count` questions at once, and waits for all answers.
  template <typename Value, typename Start>
  std::vector<Result<Value>> AskAll(size_t count, const Start& start) {
    struct Waiting {
      std::unique_ptr<runtime::Event> event;
      std::optional<Result<Value>> answer;
    };
    std::vector<Waiting> waiting(count);
    for (size_t i = 0; i < count; i++) {
      waiting[i].event = runtime_->NewEvent();
      start(i, [&one = waiting[i]](Result<Value> answer) {
        one.answer = std::move(answer);
        one.event->Set();
      });
    }
    std::vector<Result<Value>> answers;
    for (Waiting& one : waiting) {
      one.event->Wait();
      answers.push_back(*std::move(one.answer));
    }
    return answers;
  }

  metaroot::Client& client() { return *client_; }

 private:
  RootClient(const std::vector<NumberedAddress>& peers, uint64_t timeout_ms)
      : runtime_(runtime::NewThreadRuntime({})) {
    metaroot::ClientOptions options;
    options.attempt_ms = std::min<uint64_t>(timeout_ms, options.attempt_ms);
    for (const NumberedAddress& peer : peers) options.members.push_back({peer.id, peer.address});
    client_ = std::make_unique<metaroot::Client>(*runtime_, options, [](const auto& address) {
      rpc::grpc::ChannelOptions channel;
      channel.executor = rpc::AtOnce();
      channel.limits.max_message_bytes = metaroot::kMaxWireBytes;
      return rpc::grpc::NewChannel(address, channel);
    });
  }

  const std::unique_ptr<runtime::Runtime> runtime_;
  std::unique_ptr<metaroot::Client> client_;
};

// One node, as it was found.
struct Found {
  metaroot::RootMember member;
  Result<metaroot::NodeStatus> status;

  bool leads() const { return status.ok() && status->leader == status->node; }
};

struct Picture {
  std::vector<Found> nodes;
  size_t up = 0;      // they answer
  size_t follow = 0;  // of those, who says the same of who leads; itself included
  const Found* leader = nullptr;

  // Two nodes that see each other are enough to go on.
  bool serves() const { return leader != nullptr && follow >= 2; }
  std::string Health() const {
    if (!serves()) return "UNAVAILABLE";
    return follow == nodes.size() ? "HEALTHY" : "DEGRADED";
  }
  std::string Sentence() const {
    if (up == 0) return "no node answers";
    if (!serves()) {
      return "nothing can be changed: two of three nodes must see each other and elect a leader";
    }
    if (follow == nodes.size()) return "can lose 1 node without downtime";
    return up == nodes.size() ? "can lose no node: one does not take part yet"
                              : "can lose no further node: start the one that is missing";
  }
};

Picture Look(RootClient& client) {
  const std::vector<metaroot::RootMember>& members = client.client().members();
  const auto statuses =
      client.AskAll<metaroot::NodeStatus>(members.size(), [&](size_t i, auto done) {
        client.client().GetStatus(members[i].node, client.client().options().attempt_ms,
                                  std::move(done));
      });
  Picture picture;
  for (size_t i = 0; i < members.size(); i++) picture.nodes.push_back({members[i], statuses[i]});
  for (const Found& node : picture.nodes) {
    if (node.status.ok()) picture.up++;
    // One that was cut off may still believe that it leads.
    const bool newer = picture.leader == nullptr ||
                       (node.status.ok() && node.status->term > picture.leader->status->term);
    if (node.leads() && newer) picture.leader = &node;
  }
  if (picture.leader == nullptr) return picture;
  for (const Found& node : picture.nodes) {
    if (node.status.ok() && node.status->leader == picture.leader->member.node) picture.follow++;
  }
  return picture;
}

std::string StatusJson(const Picture& picture) {
  Json nodes = Json::array();
  for (const Found& node : picture.nodes) {
    Json one = {{"answers", node.status.ok()}};
    if (node.status.ok()) {
      one.update(Json::parse(console::MetaRootToJson(*node.status, node.member.address)));
      // They may be too large for the numbers of other languages.
      for (const char* fence : {"id_fence", "tso_fence"}) {
        one[fence] = std::to_string(one[fence].get<uint64_t>());
      }
    } else {
      one.update({{"addr", node.member.address},
                  {"node_id", node.member.node},
                  {"problem", std::string(node.status.status().message())}});
    }
    nodes.push_back(one);
  }
  return Json{{"health", picture.Health()},
              {"summary", picture.Sentence()},
              {"leader_id", picture.leader == nullptr ? 0 : picture.leader->member.node},
              {"nodes", nodes}}
      .dump(2);
}

std::string LeaseText(const metaroot::NodeStatus& status) {
  const metaroot::Lease& lease = status.head.lease;
  if (lease.generation == 0) return "none yet";
  const std::string generation = "generation " + std::to_string(lease.generation);
  if (!lease.in_force) return "given back, " + generation;
  const std::string left = status.lease_remaining_ms > 0
                               ? std::to_string(status.lease_remaining_ms) + " ms left"
                               : "its time has passed";
  return lease.holder + ", " + generation + ", " + left;
}

std::string StatusText(const Picture& picture) {
  std::string text = picture.Health() + ": " + picture.Sentence() + "\n";
  for (const Found& node : picture.nodes) {
    text += "  node " + std::to_string(node.member.node) + "  " + node.member.address + "  ";
    if (!node.status.ok()) {
      text += "does not answer: " + std::string(node.status.status().message()) + "\n";
      continue;
    }
    text += (&node == picture.leader ? "leader" : "follower");
    text += ", term " + std::to_string(node.status->term) + ", revision " +
            std::to_string(node.status->head.revision) + ", applied " +
            std::to_string(node.status->applied_index);
    if (!node.status->waits_for.empty()) text += ", waits for " + node.status->waits_for;
    text += "\n";
  }
  if (picture.leader == nullptr) return text;
  const metaroot::NodeStatus& status = *picture.leader->status;
  return text + "Cluster: " + std::to_string(status.head.cluster_id) + ", " +
         std::to_string(status.stores) + " stores, " + std::to_string(status.regions) +
         " regions, " + std::to_string(status.pending_peer_changes + status.pending_range_changes) +
         " transitions under way\n" + "Lease: " + LeaseText(status) + "\n" + "Fences: ids " +
         std::to_string(status.head.id_fence) + ", timestamps " +
         std::to_string(status.head.timestamp_fence) + "\n";
}

int ShowStatus(const RootOptions& options, const Environment& environment) {
  const auto client = RootClient::Open(options);
  if (!client.ok()) return Fail(client.status(), environment.err);
  const Picture picture = Look(**client);
  PrintDocument(environment.out, options.output, StatusJson(picture), StatusText(picture));
  return picture.up > 0 ? kExitOk : kExitUnavailable;
}

int ShowEvents(const RootOptions& options, const Environment& environment) {
  const auto client = RootClient::Open(options);
  if (!client.ok()) return Fail(client.status(), environment.err);
  const auto ask = [&](uint64_t after) {
    return (*client)->AskAll<metaroot::EventList>(1, [&](size_t /*i*/, auto done) {
      (*client)->client().ListEvents(after, static_cast<uint32_t>(options.limit),
                                     options.timeout_ms, std::move(done));
    })[0];
  };
  Result<metaroot::EventList> list = ask(options.after);
  // Without --after those that came last.
  if (!options.after_given && list.ok() && list->revision > list->kept_after + options.limit) {
    list = ask(list->revision - options.limit);
  }
  if (!list.ok()) {
    return Fail(list.status().WithHint("nokv root status says which nodes answer"),
                environment.err);
  }
  if (options.after_given && options.after < list->kept_after &&
      environment.verbosity != Verbosity::kQuiet) {
    environment.err << "note: events up to revision " << list->kept_after
                    << " are not kept any more\n";
  }
  RowWriter rows(environment.out, options.output, {"revision", "event", "what"});
  for (const metaroot::TailEvent& event : list->events) {
    const std::string name(metaroot::NameOf(event.event));
    rows.Row({Cell::Number(event.revision), Cell::Text(name),
              Cell::Text(metaroot::Describe(event.event).substr(name.size() + 2))});
  }
  rows.Finish();
  return kExitOk;
}

Command StatusOfRoot() {
  return {.name = "status",
          .summary = "how the nodes of the metadata root stand",
          .examples = {{"nokv root status"}, {"nokv root status --json"}},
          .description =
              "Asks each node of the metadata root by itself: who leads, how far each has come, "
              "and what it waits for; the lease of coordinators and the fences of numbers. Exits "
              "with 4 if none answers.",
          .define = [](FlagSet& flags) -> Action {
            auto options = std::make_shared<RootOptions>();
            DefineRoot(flags, options.get());
            DefineOutput(flags, &options->output, DocumentColumns());
            DefineSort(flags, &options->output, DocumentColumns());
            return [options](const Environment& environment) {
              return ShowStatus(*options, environment);
            };
          }};
}

Command EventsOfRoot() {
  return {.name = "events",
          .summary = "the last events of the metadata root",
          .examples = {{"nokv root events"}, {"nokv root events --after 100 --limit 20 -o jsonl"}},
          .description =
              "Lists what the metadata root was told, the oldest first, as far as the node that "
              "answers keeps it: the last 1,024 events. With --limit the last so many, or with "
              "--after the first so many after that.",
          .define = [](FlagSet& flags) -> Action {
            auto options = std::make_shared<RootOptions>();
            DefineRoot(flags, options.get());
            flags.Number("after", "REVISION", &options->after, {0, UINT64_MAX},
                         "those after this revision");
            flags.Number("limit", "N", &options->limit, {1, 1024}, "at most so many");
            DefineOutput(flags, &options->output, {"revision", "event", "what"});
            return [options, &flags](const Environment& environment) {
              options->after_given = flags.IsGiven("after");
              return ShowEvents(*options, environment);
            };
          }};
}

}  // namespace

Command RootCommand() {
  return {.name = "root",
          .summary = "what the nodes of the metadata root say",
          .examples = {{"nokv root status"}, {"nokv root events"}},
          .description =
              "Asks the nodes of the metadata root directly, also while no coordinator runs.",
          .commands = {StatusOfRoot(), EventsOfRoot()}};
}

}  // namespace nokv::cli
