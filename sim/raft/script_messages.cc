// Directives: delivering messages, and running the group until it rests.
#include "base/macros.h"
#include "raft/describe.h"
#include "sim/raft/script_group.h"

namespace nokv::sim {
namespace {

// Nothing that a script can do keeps a group busy for longer, unless the raft core is at fault.
constexpr int kMaxPasses = 10'000;

// Between a node and itself or its storage: never lost.
bool StaysInside(const raft::Message& message) {
  return message.from == message.to || raft::IsStorageThread(message.from) ||
         raft::IsStorageThread(message.to);
}

}  // namespace

std::vector<raft::Message> ScriptGroup::TakeMessages(const std::string& type,
                                                     const Recipient& recipient) {
  std::vector<raft::Message> taken;
  std::vector<raft::Message> rest;
  for (raft::Message& message : messages_) {
    const bool wanted = message.to == recipient.id && !(recipient.drop && StaysInside(message)) &&
                        (type.empty() || ToString(message.type) == type);
    (wanted ? taken : rest).push_back(std::move(message));
  }
  messages_ = std::move(rest);
  return taken;
}

size_t ScriptGroup::Deliver(const std::string& type, const std::vector<Recipient>& recipients) {
  size_t handled = 0;
  for (const Recipient& recipient : recipients) {
    for (raft::Message& message : TakeMessages(type, recipient)) {
      handled++;
      out_.Line((recipient.drop ? "dropped: " : "") + raft::Describe(message));
      if (recipient.drop) continue;
      const Result<ScriptNode*> node = FindNode(recipient.id);
      const Status status = node.ok() ? (*node)->raft->Step(std::move(message)) : node.status();
      if (!status.ok()) out_.Line(ScriptError(status));
    }
  }
  return handled;
}

Status ScriptGroup::DeliverMessages(const Directive& d) {
  std::vector<Recipient> recipients;
  std::string type;
  for (const datadriven::DataArg& arg : d.args) {
    if (arg.values.empty()) {
      ASSIGN_OR_RETURN(const uint64_t id, ParseNumber(arg.key));
      recipients.push_back({id, false});
    } else if (arg.key == "type") {
      type = arg.values[0];
    } else if (arg.key == "drop") {
      for (const std::string& value : arg.values) {
        ASSIGN_OR_RETURN(const uint64_t id, ParseNumber(value));
        recipients.push_back({id, true});
      }
    } else {
      return Status::InvalidArgument("unknown option " + arg.key);
    }
  }
  if (Deliver(type, recipients) == 0) out_.Line("no messages");
  return Status::Ok();
}

bool ScriptGroup::HasMail(const ScriptNode& node) const {
  for (const raft::Message& message : messages_) {
    if (message.to == node.config.id) return true;
  }
  return false;
}

Status ScriptGroup::Stabilize(const Directive& d) {
  ASSIGN_OR_RETURN(std::vector<ScriptNode*> nodes, Nodes(d));
  if (nodes.empty()) {
    for (const auto& node : nodes_) nodes.push_back(node.get());
  }
  const bool was_quiet = out_.quiet();
  if (d.Has("log-level")) RETURN_IF_ERROR(SetLogLevel(d.Value("log-level")));
  Status status;
  for (int pass = 0; status.ok(); pass++) {
    if (pass == kMaxPasses) {
      status = Status::Internal("the group does not come to rest");
      break;
    }
    const Result<bool> busy = StabilizeOnce(nodes);
    status = busy.status();
    if (busy.ok() && !*busy) break;
  }
  out_.set_quiet(was_quiet);
  return status;
}

// True if there was anything to do.
Result<bool> ScriptGroup::StabilizeOnce(const std::vector<ScriptNode*>& nodes) {
  bool busy = false;
  const auto announce = [&](const ScriptNode& node, const std::string& what) {
    busy = true;
    out_.Line("> " + std::to_string(node.config.id) + " " + what);
  };
  for (ScriptNode* node : nodes) {
    if (!node->raft->HasReady()) continue;
    announce(*node, "handling Ready");
    RETURN_IF_ERROR(out_.Indented([&] { return ProcessReady(node); }));
  }
  for (ScriptNode* node : nodes) {
    if (!HasMail(*node)) continue;
    announce(*node, "receiving messages");
    out_.Indented([&] { return Deliver("", {{node->config.id, false}}); });
  }
  for (ScriptNode* node : nodes) {
    if (!node->append_work.empty()) announce(*node, "processing append thread");
    while (!node->append_work.empty()) {
      RETURN_IF_ERROR(out_.Indented([&] { return ProcessAppendThread(node); }));
    }
  }
  for (ScriptNode* node : nodes) {
    if (!node->apply_work.empty()) announce(*node, "processing apply thread");
    while (!node->apply_work.empty()) {
      RETURN_IF_ERROR(out_.Indented([&] { return ProcessApplyThread(node); }));
    }
  }
  return busy;
}

}  // namespace nokv::sim
