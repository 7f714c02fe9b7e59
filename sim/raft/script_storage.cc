// Directives: handling a Ready, the storage threads, snapshots and compaction.
#include "base/macros.h"
#include "raft/describe.h"
#include "sim/raft/script_group.h"

namespace nokv::sim {

Status ScriptGroup::ForEach(const Directive& d, const std::string& what,
                            Status (ScriptGroup::*act)(ScriptNode*)) {
  ASSIGN_OR_RETURN(const std::vector<ScriptNode*> nodes, Nodes(d));
  if (nodes.size() == 1) return (this->*act)(nodes[0]);
  for (ScriptNode* node : nodes) {
    out_.Line("> " + std::to_string(node->config.id) + " " + what);
    RETURN_IF_ERROR(out_.Indented([&] { return (this->*act)(node); }));
  }
  return Status::Ok();
}

Status ScriptGroup::ProcessReady(const Directive& d) {
  return ForEach(d, "handling Ready", &ScriptGroup::ProcessReady);
}

Status ScriptGroup::ProcessReady(ScriptNode* node) {
  raft::Ready ready = node->raft->TakeReady();
  out_.Write(raft::Describe(ready));
  if (!node->config.async_storage_writes) {
    RETURN_IF_ERROR(StoreAppend(node, ready.hard_state, ready.entries, ready.snapshot));
    RETURN_IF_ERROR(Apply(node, ready.committed_entries));
  }
  for (raft::Message& message : ready.messages) {
    if (message.to == raft::kAppendThread) {
      node->append_work.push_back(std::move(message));
    } else if (message.to == raft::kApplyThread) {
      node->apply_work.push_back(std::move(message));
    } else {
      messages_.push_back(std::move(message));
    }
  }
  return node->config.async_storage_writes ? Status::Ok() : node->raft->Advance();
}

Status ScriptGroup::StoreAppend(ScriptNode* node, const raft::HardState& state,
                                const std::vector<raft::Entry>& entries,
                                const std::shared_ptr<const raft::Snapshot>& snapshot) {
  if (!state.empty()) node->storage->SetHardState(state);
  if (snapshot == nullptr) return node->storage->Append(entries);
  if (!entries.empty()) {
    return Status::Internal("can't apply snapshot and entries at the same time");
  }
  return node->storage->ApplySnapshot(snapshot);
}

Status ScriptGroup::Apply(ScriptNode* node, const std::vector<raft::Entry>& entries) {
  for (const raft::Entry& entry : entries) {
    auto& history = node->storage->history;
    raft::Snapshot state = *history.back();
    std::string update(entry.data.view());
    if (entry.IsConfChange()) {
      ASSIGN_OR_RETURN(const raft::ConfChange change, raft::DecodeConfChange(entry));
      ASSIGN_OR_RETURN(state.conf_state, node->raft->ApplyConfChange(change));
      update = change.context;
    }
    state.data = std::string(state.data.view()) + update;
    state.index = entry.index;
    state.term = entry.term;
    history.push_back(std::make_shared<const raft::Snapshot>(std::move(state)));
  }
  return Status::Ok();
}

Status ScriptGroup::ProcessAppendThread(const Directive& d) {
  return ForEach(d, "processing append thread", &ScriptGroup::ProcessAppendThread);
}

Status ScriptGroup::ProcessAppendThread(ScriptNode* node) {
  if (node->append_work.empty()) {
    out_.Write("no append work to perform");
    return Status::Ok();
  }
  raft::Message work = std::move(node->append_work.front());
  node->append_work.pop_front();
  std::vector<raft::Message> responses = std::exchange(work.responses, {});
  out_.Line("Processing:\n" + raft::Describe(work));
  RETURN_IF_ERROR(
      StoreAppend(node, {work.term, work.vote, work.commit}, work.entries, work.snapshot));
  Finish(std::move(responses));
  return Status::Ok();
}

Status ScriptGroup::ProcessApplyThread(const Directive& d) {
  return ForEach(d, "processing apply thread", &ScriptGroup::ProcessApplyThread);
}

Status ScriptGroup::ProcessApplyThread(ScriptNode* node) {
  if (node->apply_work.empty()) {
    out_.Write("no apply work to perform");
    return Status::Ok();
  }
  raft::Message work = std::move(node->apply_work.front());
  node->apply_work.pop_front();
  std::vector<raft::Message> responses = std::exchange(work.responses, {});
  out_.Line("Processing:\n" + raft::Describe(work));
  RETURN_IF_ERROR(Apply(node, work.entries));
  Finish(std::move(responses));
  return Status::Ok();
}

void ScriptGroup::Finish(std::vector<raft::Message> responses) {
  out_.Line("Responses:");
  for (raft::Message& response : responses) {
    out_.Line(raft::Describe(response));
    messages_.push_back(std::move(response));
  }
}

Status ScriptGroup::Compact(const Directive& d) {
  ASSIGN_OR_RETURN(ScriptNode * node, FirstNode(d));
  if (d.args.size() != 2) return Status::InvalidArgument("compact wants a node and an index");
  ASSIGN_OR_RETURN(const uint64_t index, ParseNumber(d.args[1].key));
  RETURN_IF_ERROR(node->storage->Compact(index));
  PrintLog(*node);
  return Status::Ok();
}

Status ScriptGroup::SendSnapshot(const Directive& d) {
  ASSIGN_OR_RETURN(const std::vector<ScriptNode*> nodes, Nodes(d));
  if (nodes.size() != 2) return Status::InvalidArgument("send-snapshot wants two nodes");
  raft::Message message = {.type = raft::MessageType::kSnap,
                           .to = nodes[1]->config.id,
                           .from = nodes[0]->config.id,
                           .term = nodes[0]->raft->GetBasicStatus().hard_state.term,
                           .snapshot = nodes[0]->storage->history.back()};
  out_.Write(raft::Describe(message));
  messages_.push_back(std::move(message));
  return Status::Ok();
}

}  // namespace nokv::sim
