#include "redis/latency_graph.h"

#include <algorithm>
#include <vector>

namespace nokv::redis {

namespace {

constexpr size_t kColumns = 80;
constexpr uint64_t kRows = 4;
constexpr std::string_view kTops = "_o#";  // how high a column ends within a row
constexpr uint64_t kHeights = kRows * kTops.size();

// "7s": in the largest unit of which it is at least one.
std::string Age(uint64_t seconds) {
  if (seconds < 60) return std::to_string(seconds) + "s";
  if (seconds < 3600) return std::to_string(seconds / 60) + "m";
  if (seconds < 86400) return std::to_string(seconds / 3600) + "h";
  return std::to_string(seconds / 86400) + "d";
}

struct Column {
  uint64_t height;  // below kHeights
  std::string label;

  char At(uint64_t row_from_below) const {
    const uint64_t bottom = row_from_below * kTops.size();
    if (height < bottom) return ' ';
    return height - bottom < kTops.size() ? kTops[height - bottom] : '|';
  }
};

void Draw(const std::vector<Column>& columns, std::string* out) {
  for (uint64_t row = kRows; row-- > 0;) {
    for (const Column& column : columns) out->push_back(column.At(row));
    out->push_back('\n');
  }
  out->append(columns.size(), ' ');
  out->push_back('\n');
  size_t longest = 0;
  for (const Column& column : columns) longest = std::max(longest, column.label.size());
  for (size_t i = 0; i < longest; ++i) {
    for (const Column& column : columns) {
      out->push_back(i < column.label.size() ? column.label[i] : ' ');
    }
    out->push_back('\n');
  }
}

}  // namespace

std::string DrawLatencyGraph(std::string_view name, const LatencyMonitor::Event& event,
                             uint64_t unix_seconds) {
  const auto [low, high] =
      std::minmax_element(event.samples.begin(), event.samples.end(),
                          [](const auto& a, const auto& b) { return a.ms < b.ms; });
  const uint64_t spread = std::max<uint64_t>(high->ms - low->ms, 1);
  std::string out = std::string(name) + " - high " + std::to_string(high->ms) + " ms, low " +
                    std::to_string(low->ms) + " ms (all time high " +
                    std::to_string(event.longest_ms) + " ms)\n" + std::string(kColumns, '-') + "\n";
  std::vector<Column> columns;
  for (size_t i = 0; i < event.samples.size(); ++i) {
    const LatencyMonitor::Sample& sample = event.samples[i];
    const auto height =
        static_cast<uint64_t>(static_cast<double>(sample.ms - low->ms) *
                              static_cast<double>(kHeights) / static_cast<double>(spread));
    const uint64_t age = unix_seconds - std::min(unix_seconds, sample.unix_seconds);
    columns.push_back({std::min(height, kHeights - 1), Age(age)});
    if (columns.size() < kColumns && i + 1 < event.samples.size()) continue;
    if (i >= kColumns) out.push_back('\n');
    Draw(columns, &out);
    columns.clear();
  }
  return out;
}

}  // namespace nokv::redis
