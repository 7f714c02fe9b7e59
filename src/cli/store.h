// Store: the keys of a directory, for the commands that read and write them one by one.
//
// A key lives in one of the gateway's databases; database 0 holds the plain keys of the directory,
// those of DB::Put. Key counts and expiry index, which the gateway keeps beside the keys, are not
// touched: a gateway sees that the directory was written by another program and counts anew at its
// next start.
//
// Thread safety: thread-compatible.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/log.h"
#include "engine/engine.h"
#include "nokv/status.h"
#include "runtime/runtime.h"
#include "vfs/vfs.h"

namespace nokv::cli {

class Store {
 public:
  struct Value {
    std::string data;
    uint64_t expiry_ms = 0;  // since 1970; 0: never
    uint8_t type = 0;        // redis::ValueType, or what a program made of it
  };
  struct Range {
    std::string from = {};  // inclusive
    std::string to = {};    // exclusive; empty: the end
    bool reverse = false;
    bool keys_only = false;
  };
  enum class Mode { kReadOnly, kWrite };

  // Read-only: strictly, whatever the directory's mode, also beside a live writer. For writing: as
  // DB::Open, creating it if missing. Errors as of DB::Open. `fs` and `log` are borrowed.
  static Result<std::unique_ptr<Store>> Open(vfs::FileSystem& fs, const std::string& workdir,
                                             Mode mode, base::Logger& log = base::NullLogger());
  ~Store();
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;

  Result<std::optional<Value>> Get(int db, std::string_view key);
  // Durable on return.
  Status Put(int db, std::string_view key, std::string_view value, uint64_t expiry_ms);
  // Durable on return. Fine if there is no such key.
  Status Delete(int db, std::string_view key);
  // Calls `visit` for every live key of the range in order, until it returns false.
  Status Scan(int db, const Range& range,
              const std::function<bool(std::string_view key, const Value& value)>& visit);

  uint64_t NowMs() { return runtime_->clock().WallMillis(); }
  // Idempotent; the destructor calls it.
  Status Close();

 private:
  Store() = default;
  Status Write(const engine::Batch& batch);

  std::unique_ptr<runtime::Runtime> runtime_;
  std::unique_ptr<engine::Engine> engine_;
};

// The key after all that begin with `prefix`; empty: there is none.
std::string AfterPrefix(std::string prefix);

}  // namespace nokv::cli
