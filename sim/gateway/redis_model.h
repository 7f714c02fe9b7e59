// RedisModel: what a gateway must answer and hold: the commands of a workload on a plain map, and
// the history of its content, change by change. What one command, one EXEC or one script changes is
// one change.
//
// Thread safety: thread-compatible.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "sim/gateway/process.h"

namespace nokv::sim {

struct HeldValue {
  std::string data;
  uint64_t expiry_ms = 0;  // 0: never

  bool operator==(const HeldValue&) const = default;
  bool LiveAt(uint64_t now_ms) const { return expiry_ms == 0 || expiry_ms > now_ms; }
};
// By database and name.
using KeyName = std::pair<int, std::string>;
using Content = std::map<KeyName, HeldValue>;

// EVAL of this with 0 keys runs the commands in its arguments: each as the number of its words,
// then these.
extern const char kRunAllScript[];

class RedisModel {
 public:
  struct Client {
    struct Watched {
      uint64_t writes;
      bool live;
    };
    int db = 0;
    bool multi = false;
    std::vector<Words> queued;
    std::map<KeyName, Watched> watched;
  };

  // Returns the reply, as redis::RenderReply puts it. Knows the commands that the workload sends,
  // and no others.
  std::string Execute(Client& client, const Words& words, uint64_t now_ms);

  // The number of the last change.
  uint64_t last() const { return history_.size() - 1; }
  // Changes up to `number` were seen by a client.
  void Acknowledge(uint64_t number) { acknowledged_ = std::max(acknowledged_, number); }
  uint64_t acknowledged() const { return acknowledged_; }
  // The last change that was made by `end_ms`.
  uint64_t LastMadeBy(uint64_t end_ms) const;

  // `found` must be the content after a change from `least` on, as of `now_ms`: empty, or what is
  // wrong with it.
  std::string Check(const Content& found, uint64_t least, uint64_t now_ms) const;

 private:
  struct Moment {
    Content content;
    uint64_t made_ms;
  };
  using Function = std::string (RedisModel::*)(Client&, const Words&);
  static const std::map<std::string, Function>& functions();

  std::string Run(Client& client, const Words& words);
  std::string RunQueued(Client& client);
  bool WatchedHasChanged(const Client& client) const;

  std::string Select(Client& client, const Words& words);
  std::string Get(Client& client, const Words& words);
  std::string Set(Client& client, const Words& words);
  std::string Append(Client& client, const Words& words);
  std::string Increment(Client& client, const Words& words);
  std::string GetMany(Client& client, const Words& words);
  std::string SetMany(Client& client, const Words& words);
  std::string Delete(Client& client, const Words& words);
  std::string ExpireIn(Client& client, const Words& words);
  std::string Persist(Client& client, const Words& words);
  std::string Rename(Client& client, const Words& words);
  std::string CountKeys(Client& client, const Words& words);
  std::string Flush(Client& client, const Words& words);
  std::string RunAll(Client& client, const Words& words);
  std::string Watch(Client& client, const Words& words);

  // Null if it is not there.
  const HeldValue* Find(const KeyName& name) const;
  void Put(const KeyName& name, HeldValue value);
  // False if it was not there.
  bool Erase(const KeyName& name);

  Content content_;
  std::vector<Moment> history_ = {{{}, 0}};
  std::map<KeyName, uint64_t> writes_;  // how often each key was changed
  uint64_t now_ms_ = 0;
  bool changed_ = false;
  uint64_t acknowledged_ = 0;
};

}  // namespace nokv::sim
