// ClientRoot: the metadata root, over its client.
//
// Thread safety: thread-safe, but for construction and destruction; it ends what is under way.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <vector>

#include "base/mutex.h"
#include "coordinator/root.h"
#include "metaroot/client/client.h"
#include "runtime/runtime.h"

namespace nokv::coordinator {

struct ClientRootOptions {
  std::vector<metaroot::RootMember> members = {};
  uint64_t append_ms = 2'000;  // until an answer is given up
  uint64_t confirm_ms = 2'000;
  uint64_t list_ms = 2'000;
  uint64_t refresh_ms = 200;  // between two confirmations that the copy is the latest
  uint64_t poll_ms = 1'000;   // between two looks at how the members are
};

class ClientRoot final : public Root {
 public:
  // `runtime` is borrowed.
  ClientRoot(runtime::Runtime& runtime, const ClientRootOptions& options, const rpc::Dial& dial);
  ~ClientRoot() override;

  void Append(const metaroot::Command& command, Appended done) override;
  void Confirm(Confirmed done) override;
  void ListEvents(uint64_t after_revision, Listed done) override;
  void Watch(std::shared_ptr<RootWatcher> watcher) override;
  std::vector<RootMember> Members() const override;

 private:
  class Poll;
  class Adapter;

  const ClientRootOptions options_;
  const std::shared_ptr<Poll> poll_;
  std::unique_ptr<Adapter> adapter_;  // outlives the client, which tells it
  // Ends first. What that answers may ask again, and is told then that it is over.
  metaroot::Client client_;
};

}  // namespace nokv::coordinator
