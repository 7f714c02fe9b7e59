// Transaction over the engine: keeps what was read and written, and commits it with one conditional
// write. Blocks in Commit only, as the other calls of the facade do.
#include "engine/transaction.h"

#include <utility>

#include "base/macros.h"
#include "engine/outcome.h"
#include "engine/plain_keys.h"
#include "engine/plain_reads.h"
#include "engine/write_batch.h"

namespace nokv::engine {

namespace {

Status Ended(std::string_view how) {
  return Status::FailedPrecondition("the transaction has ended: " + std::string(how));
}

class TransactionImpl final : public Transaction {
 public:
  explicit TransactionImpl(std::shared_ptr<TransactionState> state) : state_(std::move(state)) {}
  // Iterators may live on.
  ~TransactionImpl() override { End("it was destroyed"); }

  Result<std::optional<Value>> Get(std::string_view key) override {
    return Read(key, state_->options.isolation == Isolation::kSerializable);
  }
  Result<std::optional<Value>> GetForUpdate(std::string_view key) override {
    return Read(key, /*check=*/true);
  }
  Result<std::vector<std::optional<Value>>> MultiGet(
      std::span<const std::string_view> keys) override {
    std::vector<std::optional<Value>> values;
    values.reserve(keys.size());
    for (const std::string_view key : keys) {
      ASSIGN_OR_RETURN(auto value, Get(key));
      values.push_back(std::move(value));
    }
    return values;
  }

  std::unique_ptr<Iterator> NewIterator(const IteratorOptions& options) override {
    Status refusal = CheckOpen();
    if (refusal.ok() && options.snapshot != nullptr) {
      refusal = Status::InvalidArgument(
          "an iterator of a transaction reads the state of the "
          "transaction, not a snapshot");
    }
    if (!refusal.ok()) return NewFailedIterator(std::move(refusal));
    ReadView view{state_->snapshot.get(), false};
    return NewTransactionIterator(state_, NewPlainIterator(*state_->core->engine, view, options),
                                  options);
  }

  Status Put(std::string_view key, std::string_view value, const PutOptions& put_options) override {
    RETURN_IF_ERROR(CheckKey(key));
    RETURN_IF_ERROR(CheckValue(value));
    RETURN_IF_ERROR(CheckWrite(key, value));
    state_->writes.Put(key, {false, std::string(value), put_options});
    return Status::Ok();
  }
  Status Delete(std::string_view key) override {
    RETURN_IF_ERROR(CheckKey(key));
    RETURN_IF_ERROR(CheckWrite(key, {}));
    state_->writes.Put(key, {true, {}, {}});
    return Status::Ok();
  }
  Status DeleteRange(std::string_view begin, std::string_view end) override {
    RETURN_IF_ERROR(CheckRange(begin, end));
    RETURN_IF_ERROR(CheckWrite(begin, end));
    state_->writes.DeleteRange(begin, end);
    return Status::Ok();
  }

  Status SetSavepoint() override {
    RETURN_IF_ERROR(CheckWrite({}, {}));
    state_->writes.SetSavepoint();
    return Status::Ok();
  }
  Status RollbackToSavepoint() override {
    RETURN_IF_ERROR(CheckOpen());
    return state_->writes.RollbackToSavepoint() ? Status::Ok() : NoSavepoint();
  }
  Status ReleaseSavepoint() override {
    RETURN_IF_ERROR(CheckOpen());
    return state_->writes.ReleaseSavepoint() ? Status::Ok() : NoSavepoint();
  }

  Status Commit(const WriteOptions& options) override {
    RETURN_IF_ERROR(CheckOpen());
    Status status;
    if (!state_->writes.empty()) {
      const WriteBatch batch = MakeBatch();
      const WriteBatch::Rep& rep = WriteBatchAccess::Get(batch);
      Outcome outcome(state_->core->runtime);
      Engine& engine = *state_->core->engine;
      const WriteMode mode = options.sync ? WriteMode::kLeading : WriteMode::kUnsynced;
      const WriteTicket ticket = engine.WriteIf(rep.batch, MakeReadSet(), mode, outcome.Callback());
      status = options.sync ? outcome.WaitForSync(engine, ticket) : outcome.Wait();
    }
    End(status.ok() ? "it was committed" : "its commit failed, so begin a new one");
    return status;
  }
  Status Rollback() override {
    RETURN_IF_ERROR(CheckOpen());
    End("it was rolled back");
    return Status::Ok();
  }

 private:
  static Status NoSavepoint() {
    return Status::FailedPrecondition("the transaction has no savepoint");
  }

  Status CheckOpen() const { return state_->CheckOpen(); }
  // Whether there is room for one more write.
  Status CheckWrite(std::string_view key, std::string_view value) const {
    RETURN_IF_ERROR(CheckOpen());
    // And for the way back to a savepoint.
    return state_->CheckRoom(2 * WriteSet::Cost(key, value));
  }

  Result<std::optional<Value>> Read(std::string_view key, bool check) {
    RETURN_IF_ERROR(CheckOpen());
    const WriteSet& writes = state_->writes;
    const auto own = writes.entries().find(key);
    if (own != writes.entries().end()) {
      const WriteSet::Entry& entry = own->second;
      if (!state_->Live(entry)) return std::optional<Value>();
      return std::optional<Value>(
          Value{entry.value, entry.options.expiry_ms, entry.options.user_meta});
    }
    if (writes.RangeOver(key) != nullptr) return std::optional<Value>();
    if (check) {
      ReadLog& reads = state_->reads;
      if (!reads.keys.contains(key)) {
        const size_t cost = WriteSet::Cost(key, {});
        RETURN_IF_ERROR(state_->CheckRoom(cost));
        reads.keys.emplace(key);
        reads.bytes += cost;
      }
    }
    return GetPlain(*state_->core->engine, {state_->snapshot.get(), false}, key);
  }

  WriteBatch MakeBatch() const {
    WriteBatch batch;
    for (const auto& [begin, end] : state_->writes.ranges()) batch.DeleteRange(begin, end);
    for (const auto& [key, entry] : state_->writes.entries()) {
      if (entry.deleted) {
        batch.Delete(key);
      } else {
        batch.Put(key, entry.value, entry.options);
      }
    }
    return batch;
  }

  ReadSet MakeReadSet() const {
    ReadSet set;
    set.since = state_->snapshot.get();
    set.answer_when_visible = true;
    for (const auto& [key, entry] : state_->writes.entries()) {
      set.points.push_back(PlainEngineKey(key));
    }
    for (const std::string& key : state_->reads.keys) set.points.push_back(PlainEngineKey(key));
    const auto add = [&set](std::string_view begin, std::string_view end) {
      set.ranges.push_back({std::string(begin), std::string(end), /*end_inclusive=*/false});
    };
    for (const auto& [begin, end] : state_->writes.ranges()) ForEachPlainRange(begin, end, add);
    for (const ReadRange& range : state_->reads.ranges) {
      ForEachPlainRange(range.begin, range.end, add);
    }
    return set;
  }

  void End(std::string_view how) {
    if (!state_->ended.ok()) return;
    state_->ended = Ended(how);
    state_->snapshot.reset();
    state_->writes = WriteSet();
    state_->reads = ReadLog();
  }

  const std::shared_ptr<TransactionState> state_;
};

}  // namespace

Status TransactionState::CheckOpen() const {
  if (!ended.ok()) return ended;
  return core->engine->closed() ? DatabaseClosed() : Status::Ok();
}

Status TransactionState::CheckRoom(size_t more) const {
  const size_t bytes = writes.bytes() + reads.bytes + more;
  if (bytes <= options.max_bytes) return Status::Ok();
  return Status::InvalidArgument("the transaction would hold " + std::to_string(bytes) +
                                 " bytes, over its limit of " + std::to_string(options.max_bytes))
      .WithHint("split the transaction, or raise TransactionOptions::max_bytes");
}

bool TransactionState::Live(const WriteSet::Entry& entry) const {
  const uint64_t expiry_ms = entry.options.expiry_ms;
  return !entry.deleted && (expiry_ms == 0 || expiry_ms > core->engine->clock().WallMillis());
}

std::unique_ptr<Transaction> NewTransaction(std::shared_ptr<Core> core,
                                            const TransactionOptions& options) {
  auto state = std::make_shared<TransactionState>();
  state->core = std::move(core);
  state->options = options;
  state->snapshot = state->core->engine->NewSnapshot();
  return std::make_unique<TransactionImpl>(std::move(state));
}

}  // namespace nokv::engine
