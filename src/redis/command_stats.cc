#include "redis/command_stats.h"

namespace nokv::redis {

namespace {
// Scripts answer errors with codes of their own.
constexpr size_t kMaxErrorCodes = 128;
constexpr size_t kMaxCodeBytes = 64;
}  // namespace

void CommandStats::Ran(const CommandSpec& spec, uint64_t microseconds, bool failed) {
  Entry& entry = entries_[table_.IndexOf(spec)];
  Add(entry.calls, 1);
  Add(entry.microseconds, microseconds);
  if (failed) Add(entry.failed, 1);
  if (entry.latency == nullptr) entry.latency = std::make_unique<metrics::Histogram>();
  entry.latency->Record(microseconds);
}

void CommandStats::Refused(const CommandSpec* spec) {
  Add(refused_, 1);
  if (spec != nullptr) Add(entries_[table_.IndexOf(*spec)].rejected, 1);
}

void CommandStats::Answered(std::string_view error) {
  Add(answered_, 1);
  std::string_view code = error.substr(0, error.find(' ')).substr(0, kMaxCodeBytes);
  auto found = errors_.find(code);
  if (found == errors_.end() && errors_.size() >= kMaxErrorCodes) code = "OTHER";
  if (found == errors_.end()) found = errors_.try_emplace(std::string(code), 0).first;
  ++found->second;
}

CommandStats::Totals CommandStats::of(const CommandSpec& spec) const {
  const Entry& entry = entries_[table_.IndexOf(spec)];
  const auto read = [](const Counter& counter) { return counter.load(std::memory_order_relaxed); };
  return {read(entry.calls), read(entry.microseconds), read(entry.rejected), read(entry.failed)};
}

metrics::HistogramSnapshot CommandStats::Latency(const CommandSpec& spec) const {
  const Entry& entry = entries_[table_.IndexOf(spec)];
  return entry.latency == nullptr ? metrics::HistogramSnapshot() : entry.latency->Snapshot();
}

void CommandStats::Reset() {
  for (Entry& entry : entries_) {
    for (Counter* counter : {&entry.calls, &entry.microseconds, &entry.rejected, &entry.failed}) {
      counter->store(0, std::memory_order_relaxed);
    }
    entry.latency.reset();
  }
  errors_.clear();
  for (Counter* counter : {&refused_, &answered_}) counter->store(0, std::memory_order_relaxed);
}

}  // namespace nokv::redis
