// ScriptCache: compiled scripts by the SHA-1 of their text. It is lost at a restart, as in Redis.
//
// Scripts that came with EVAL are kept while there is room, the least recently used go first.
// Those of SCRIPT LOAD have room of their own, so that EVALs with ever new texts do not push them
// out.
//
// Thread safety: owned by the gateway's loop.
#pragma once

#include <array>
#include <cstddef>
#include <list>
#include <memory>
#include <string>
#include <string_view>

#include "base/hash.h"
#include "nokv/status.h"
#include "redis/script/engine.h"
#include "redis/script/script_header.h"

namespace nokv::redis {

// One script in compiled form.
class Script {
 public:
  // `engine` is borrowed; takes `function`.
  Script(ScriptEngine& engine, std::string sha, std::string text, const ScriptHeader& header,
         ScriptEngine::Function function)
      : engine_(engine),
        sha_(std::move(sha)),
        text_(std::move(text)),
        header_(header),
        function_(function) {}
  ~Script() { engine_.Release(function_); }
  Script(const Script&) = delete;
  Script& operator=(const Script&) = delete;

  const std::string& sha() const { return sha_; }
  const std::string& text() const { return text_; }
  const ScriptHeader& header() const { return header_; }
  ScriptEngine::Function function() const { return function_; }

  // One run at a time; whoever finds it busy compiles another.
  bool busy() const { return busy_; }
  void set_busy(bool busy) { busy_ = busy; }

 private:
  ScriptEngine& engine_;
  const std::string sha_;
  const std::string text_;
  const ScriptHeader header_;
  const ScriptEngine::Function function_;
  bool busy_ = false;
};

class ScriptCache {
 public:
  enum class Kind : uint8_t { kEvaluated, kLoaded };
  // How much is kept of a kind.
  struct Room {
    size_t scripts;
    size_t bytes;  // of text
  };

  // `engine` is borrowed.
  ScriptCache(ScriptEngine& engine, const Room& evaluated, const Room& loaded)
      : engine_(engine), room_{evaluated, loaded} {}

  // In any mixture of cases; null if it is not there. It counts as used.
  std::shared_ptr<Script> Find(std::string_view sha);
  // Finds or compiles, and keeps it. Errors: kInvalidArgument, a text for the client without its
  // code; kResourceExhausted if it is loaded and larger than all the room.
  Result<std::shared_ptr<Script>> Add(std::string_view text, Kind kind);
  // Compiles without keeping.
  Result<std::shared_ptr<Script>> Compile(std::string_view text);
  void Clear();

  size_t scripts() const { return by_sha_.size(); }
  size_t bytes() const { return bytes_[0] + bytes_[1]; }

 private:
  struct Entry {
    std::shared_ptr<Script> script;
    Kind kind;
  };
  using Order = std::list<Entry>;  // most recently used first

  static size_t Index(Kind kind) { return static_cast<size_t>(kind); }
  void Insert(std::shared_ptr<Script> script, Kind kind);
  void Remove(Order::iterator entry);

  ScriptEngine& engine_;
  const std::array<Room, 2> room_;    // by kind
  std::array<Order, 2> order_;        // by kind
  std::array<size_t, 2> bytes_ = {};  // by kind
  base::StringMap<Order::iterator> by_sha_;
};

}  // namespace nokv::redis
