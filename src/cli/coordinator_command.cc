// nokv coordinator: runs one; and below it, what can be asked of one.
#include <nokv/coordinator/v1/coordinator.pb.h>

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "cli/coordinator_client.h"
#include "cli/coordinator_server.h"
#include "cli/nokv_commands.h"
#include "cli/output.h"
#include "metaroot/event.h"
#include "metaroot/wire/wire.h"

namespace nokv::cli {

namespace {

namespace wire = ::nokv::coordinator::v1;

struct AskOptions {
  CoordinatorClientFlags client;
  OutputOptions output;
  uint64_t limit = 256;
  uint64_t after = 0;
  bool ended = false;
  std::string retry;
  std::string cancel;
  std::string reason;
};

// Prints what a coordinator says, or returns why it did not.
using Show = std::function<Status(CoordinatorClient& client, const AskOptions& options,
                                  const Environment& environment)>;
using DefineMore = std::function<void(FlagSet& flags, AskOptions* options)>;

Command AskCommand(const std::string& name, const std::string& summary,
                   const std::string& description, const std::string& example,
                   const DefineMore& define_more, const Show& show) {
  return {.name = name,
          .summary = summary,
          .examples = {{example}},
          .description = description,
          .define = [define_more, show](FlagSet& flags) -> Action {
            auto options = std::make_shared<AskOptions>();
            Define(flags, &options->client);
            define_more(flags, options.get());
            return [options, show](const Environment& environment) {
              const auto client = CoordinatorClient::Open(options->client, environment.fs);
              if (!client.ok()) return Fail(client.status(), environment.err);
              const Status status = show(**client, *options, environment);
              return status.ok() ? kExitOk : Fail(status, environment.err);
            };
          }};
}

// "STORE_STATE_UP" to "up".
std::string Short(const std::string& name, const std::string& prefix) {
  std::string text = name.starts_with(prefix) ? name.substr(prefix.size()) : name;
  for (char& c : text) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return text;
}

// For people who look on; results are on the other stream.
void Note(const Environment& environment, const std::string& text) {
  if (environment.verbosity != Verbosity::kQuiet) environment.err << "note: " << text << "\n";
}

// Says so if what a coordinator shows may not be what there is.
void NoteEvidence(const Environment& environment, const wire::Evidence& evidence) {
  if (evidence.catch_up_state() == wire::CATCH_UP_STATE_BOOTSTRAP_REQUIRED ||
      evidence.served_root_token().revision() == 0) {
    return Note(environment, "this coordinator has not read the metadata root: nothing is known");
  }
  const std::string revision = std::to_string(evidence.served_root_token().revision());
  if (evidence.degraded_mode() == wire::DEGRADED_MODE_ROOT_UNAVAILABLE) {
    return Note(environment, "the metadata root has not been heard for " +
                                 std::to_string(evidence.silent_ms() / 1000) +
                                 " s; this is as of its revision " + revision);
  }
  if (evidence.degraded_mode() == wire::DEGRADED_MODE_ROOT_LAGGING) {
    Note(environment, "this is as of revision " + revision + " of the metadata root, " +
                          std::to_string(evidence.root_lag()) + " behind");
  }
}

DefineMore Columns(std::vector<std::string> columns, DefineMore more = nullptr) {
  return
      [columns = std::move(columns), more = std::move(more)](FlagSet& flags, AskOptions* options) {
        if (more) more(flags, options);
        DefineOutput(flags, &options->output, columns);
      };
}

const std::vector<std::string>& StoreColumns() {
  static const std::vector<std::string> kColumns = {"store",   "state",    "address",  "regions",
                                                    "leaders", "capacity", "available"};
  return kColumns;
}

// One that has never reported counts as up for a while, which nobody should take for a fact.
std::string StateOf(const wire::StoreInfo& store) {
  if (!store.heard() && store.state() == wire::STORE_STATE_UP) return "unheard";
  return Short(wire::StoreState_Name(store.state()), "STORE_STATE_");
}

Status ShowStores(CoordinatorClient& client, const AskOptions& options,
                  const Environment& environment) {
  const auto answer = client.Ask<wire::ListStoresResponse>("ListStores", wire::ListStoresRequest());
  if (!answer.ok()) return answer.status();
  NoteEvidence(environment, answer->evidence());
  RowWriter rows(environment.out, options.output, StoreColumns());
  for (const wire::StoreInfo& store : answer->stores()) {
    rows.Row({Cell::Number(store.store_id()), Cell::Text(StateOf(store)),
              Cell::Text(store.address()), Cell::Number(store.regions()),
              Cell::Number(store.leaders()), Cell::Number(store.capacity()),
              Cell::Number(store.available())});
  }
  rows.Finish();
  return Status::Ok();
}

const std::vector<std::string>& RegionColumns() {
  static const std::vector<std::string> kColumns = {
      "region", "start", "end", "version", "conf_version", "peers", "leader", "transition"};
  return kColumns;
}

std::string PeersOf(const nokv::meta::v1::RegionDescriptor& region) {
  std::string text;
  for (const auto& peer : region.peers()) {
    text += (text.empty() ? "" : ",") + std::to_string(peer.store_id()) + ":" +
            std::to_string(peer.peer_id());
    if (peer.role() == nokv::meta::v1::PEER_ROLE_LEARNER) text += "(learner)";
  }
  return text;
}

Status ShowRegions(CoordinatorClient& client, const AskOptions& options,
                   const Environment& environment) {
  RowWriter rows(environment.out, options.output, RegionColumns());
  wire::ListRegionsRequest request;
  do {
    const auto answer = client.Ask<wire::ListRegionsResponse>("ListRegions", request);
    if (!answer.ok()) return answer.status();
    if (request.start_key().empty()) NoteEvidence(environment, answer->evidence());
    for (const wire::RegionInfo& info : answer->regions()) {
      const auto& region = info.region();
      rows.Row({Cell::Number(region.region_id()), Cell::Bytes(region.start_key()),
                Cell::Bytes(region.end_key()), Cell::Number(region.epoch().version()),
                Cell::Number(region.epoch().conf_version()), Cell::Text(PeersOf(region)),
                info.leader_peer_id() == 0 ? Cell::None() : Cell::Number(info.leader_peer_id()),
                info.transition_id().empty() ? Cell::None() : Cell::Text(info.transition_id())});
    }
    request.set_start_key(answer->next_key());
  } while (!request.start_key().empty());
  rows.Finish();
  return Status::Ok();
}

const std::vector<std::string>& TransitionColumns() {
  static const std::vector<std::string> kColumns = {"transition", "status",   "executed",
                                                    "attempts",   "since_ms", "waits_for"};
  return kColumns;
}

Status Retry(CoordinatorClient& client, const AskOptions& options, const Environment& environment) {
  wire::RetryTransitionRequest request;
  request.set_transition_id(options.retry);
  const auto answer = client.Ask<wire::RetryTransitionResponse>("RetryTransition", request);
  if (!answer.ok()) return answer.status();
  environment.out << options.retry << " is tried again\n";
  return Status::Ok();
}

Status Cancel(CoordinatorClient& client, const AskOptions& options,
              const Environment& environment) {
  wire::CancelTransitionRequest request;
  request.set_transition_id(options.cancel);
  request.set_reason(options.reason);
  const auto answer = client.Ask<wire::CancelTransitionResponse>("CancelTransition", request);
  if (!answer.ok()) return answer.status();
  environment.out << options.cancel << " is cancelled; the layout stays\n";
  return Status::Ok();
}

Status ShowTransitions(CoordinatorClient& client, const AskOptions& options,
                       const Environment& environment) {
  if (!options.retry.empty()) return Retry(client, options, environment);
  if (!options.cancel.empty()) return Cancel(client, options, environment);
  wire::ListTransitionsRequest request;
  request.set_with_ended(options.ended);
  const auto answer = client.Ask<wire::ListTransitionsResponse>("ListTransitions", request);
  if (!answer.ok()) return answer.status();
  NoteEvidence(environment, answer->evidence());
  RowWriter rows(environment.out, options.output, TransitionColumns());
  for (const wire::TransitionEntry& entry : answer->entries()) {
    rows.Row({Cell::Text(entry.transition_id()),
              Cell::Text(Short(wire::TransitionStatus_Name(entry.status()), "TRANSITION_STATUS_")),
              Cell::Text(entry.executed() ? "yes" : "no"), Cell::Number(entry.attempts()),
              Cell::Number(entry.since_ms()), Cell::Text(entry.waits_for())});
  }
  rows.Finish();
  return Status::Ok();
}

Status ShowEvents(CoordinatorClient& client, const AskOptions& options,
                  const Environment& environment) {
  wire::ListEventsRequest request;
  request.set_after_revision(options.after);
  request.set_limit(static_cast<uint32_t>(options.limit));
  const auto answer = client.Ask<wire::ListEventsResponse>("ListEvents", request);
  if (!answer.ok()) return answer.status();
  NoteEvidence(environment, answer->evidence());
  if (options.after < answer->kept_after_revision()) {
    Note(environment, "events up to revision " + std::to_string(answer->kept_after_revision()) +
                          " are not kept any more");
  }
  RowWriter rows(environment.out, options.output, {"revision", "event"});
  for (const auto& event : answer->events()) {
    metaroot::TailEvent known;
    const bool readable = metaroot::FromWire(event, &known).ok();
    rows.Row({Cell::Number(event.revision()),
              Cell::Text(readable ? metaroot::Describe(known.event) : "of a newer version")});
  }
  rows.Finish();
  return Status::Ok();
}

Status ShowPlan(CoordinatorClient& client, const AskOptions& options,
                const Environment& environment) {
  const auto answer =
      client.Ask<wire::PlanOperatorsResponse>("PlanOperators", wire::PlanOperatorsRequest());
  if (!answer.ok()) return answer.status();
  NoteEvidence(environment, answer->evidence());
  Note(environment,
       answer->stores_heard() == 0
           ? "no store has reported to this coordinator: there is nothing to plan from"
           : "a dry run: the holder of the lease tells stores of leaders to transfer by itself; "
             "replicas are not repaired by anybody yet");
  RowWriter rows(environment.out, options.output,
                 {"operator", "region", "peer", "store", "reason"});
  for (const wire::Operator& op : answer->operators()) {
    rows.Row({Cell::Text(Short(wire::OperatorKind_Name(op.kind()), "OPERATOR_KIND_")),
              Cell::Number(op.region_id()), Cell::Number(op.peer_id()), Cell::Number(op.store_id()),
              Cell::Text(op.reason())});
  }
  rows.Finish();
  return Status::Ok();
}

std::vector<Command> AskCommands() {
  return {AskCommand("stores", "the stores of the cluster",
                     "Lists the stores that the metadata root knows, and what this coordinator has "
                     "heard of them.",
                     "nokv coordinator stores", Columns(StoreColumns()), ShowStores),
          AskCommand(
              "regions", "the regions of the cluster",
              "Lists all regions: ranges, epochs, peers as store:peer, leader and the transition "
              "that they take part in.",
              "nokv coordinator regions --json", Columns(RegionColumns()), ShowRegions),
          AskCommand(
              "transitions", "changes of the layout that are under way",
              "Lists splits, merges and changes of peers that are under way, and what each waits "
              "for. One that does not move can be tried again, or taken back as long as the "
              "stores have not executed it.",
              "nokv coordinator transitions --ended",
              Columns(TransitionColumns(),
                      [](FlagSet& flags, AskOptions* options) {
                        flags.Switch("ended", &options->ended, "the last that have ended, too");
                        flags.Text("retry", "ID", &options->retry, "try this one again");
                        flags.Text("cancel", "ID", &options->cancel, "take this one back");
                        flags.Text("reason", "TEXT", &options->reason,
                                   "why it is taken back, for those who read of it later");
                      }),
              ShowTransitions),
          AskCommand("events", "what has happened to the cluster",
                     "Lists the last events of the metadata root, as far as it keeps them: this "
                     "coordinator's copy, also while the root does not answer.",
                     "nokv coordinator events --limit 20",
                     Columns({"revision", "event"},
                             [](FlagSet& flags, AskOptions* options) {
                               flags.Number("limit", "N", &options->limit, {1, 1024},
                                            "at most so many");
                               flags.Number("after", "REVISION", &options->after, {0, UINT64_MAX},
                                            "those after this revision");
                             }),
                     ShowEvents),
          AskCommand(
              "plan", "what should change, without doing it",
              "Plans how leaders are spread and replicas are repaired, from what the coordinator "
              "knows now. It is a dry run: nothing is carried out, and repairs are carried out by "
              "nobody yet.",
              "nokv coordinator plan", Columns({"operator", "region", "peer", "store", "reason"}),
              ShowPlan)};
}

}  // namespace

Command CoordinatorCommand() {
  return {
      .name = "coordinator",
      .summary = "run a coordinator, or ask one",
      .examples = {{"nokv coordinator --coordinator-id c1 --addr 127.0.0.1:2379 "
                    "--root-peer 1=127.0.0.1:2380 --root-peer 2=127.0.0.1:2381 "
                    "--root-peer 3=127.0.0.1:2382"},
                   {"nokv coordinator regions", "ask one"}},
      .description =
          "Runs a coordinator: it gives out ids and timestamps while it holds the lease, says "
          "where keys are, and hears from stores. Any number of them may run, each with its own "
          "--coordinator-id. SIGTERM or Ctrl-C ends it in good order: it gives the lease back.",
      .define = [](FlagSet& flags) -> Action {
        auto options = std::make_shared<CoordinatorFlags>();
        Define(flags, options.get());
        return [options, &flags](const Environment& environment) {
          return RunCoordinator(*options, flags.IsGiven("addr"), environment);
        };
      },
      .commands = AskCommands()};
}

}  // namespace nokv::cli
