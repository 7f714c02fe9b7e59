// Root: what a coordinator needs of the metadata root, whoever brings it: to append events, to
// know what the latest revision is, and to be told of what happens.
//
// Thread safety: thread-safe. What is called back comes in any thread, and never from inside the
// call that it belongs to.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "metaroot/machine.h"
#include "metaroot/state.h"
#include "nokv/status.h"

namespace nokv::coordinator {

// Who follows the root. Its functions are called one after the other.
class RootWatcher {
 public:
  virtual ~RootWatcher() = default;

  // All there is. What was told before does not count any more.
  virtual void OnState(metaroot::State state) = 0;
  // What came next: in order, and without a hole. An error if it cannot be followed: the whole
  // state comes next then.
  virtual Status OnEvents(const std::vector<metaroot::TailEvent>& events) = 0;
  // A quorum of the root has confirmed lately that this is the last revision.
  virtual void OnHeard(uint64_t revision) = 0;
  // The root is not heard any more. Ends with the next call of any other function.
  virtual void OnSilence(const Status& why) = 0;
};

// A member of the root, as it was when it was last asked.
struct RootMember {
  uint64_t node = 0;
  std::string addr = {};
  bool reachable = false;
  bool leader = false;       // as most that answer say
  bool follows = false;      // it says the same of who leads; itself included
  uint64_t revision = 0;     // that it has applied
  bool no_root = false;      // what answers there is something else, or another member
  std::string problem = {};  // why it does not answer, or what it waits for
};

class Root {
 public:
  using Appended = std::function<void(Result<metaroot::Outcome>)>;
  using Confirmed = std::function<void(Result<uint64_t>)>;
  using Listed = std::function<void(Result<std::vector<metaroot::TailEvent>>)>;

  virtual ~Root() = default;

  // Tells the root. A failure is one of the way there and back: what was told may have been taken
  // all the same. What the root itself says of it is in the outcome.
  virtual void Append(const metaroot::Command& command, Appended done) = 0;
  // The revision that the root's leader had, confirmed by a quorum, at some moment after the call.
  virtual void Confirm(Confirmed done) = 0;
  // The first of the events after `after_revision` that are kept, oldest first, as many as go into
  // one answer: none, if all are there.
  virtual void ListEvents(uint64_t after_revision, Listed done) = 0;
  // Tells `watcher` of everything from now on, beginning with the whole state. Once.
  virtual void Watch(std::shared_ptr<RootWatcher> watcher) = 0;
  virtual std::vector<RootMember> Members() const = 0;
};

}  // namespace nokv::coordinator
