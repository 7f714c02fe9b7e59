#include "console/stats_text.h"

#include <array>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

namespace nokv::console {

namespace {

using Json = nlohmann::ordered_json;

constexpr size_t kLabelWidth = 23;

std::string Decimals(double value, int digits) {
  std::array<char, 64> buffer;
  const int size = std::snprintf(buffer.data(), buffer.size(), "%.*f", digits, value);
  return std::string(buffer.data(), static_cast<size_t>(size));
}

std::string Quoted(std::string_view text) {
  return Json(text).dump(-1, ' ', true);
}

std::string Timestamp(int64_t unix_seconds) {
  if (unix_seconds <= 0) return "never";
  const std::chrono::sys_seconds time{std::chrono::seconds(unix_seconds)};
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(time - day);
  std::array<char, 64> buffer;
  std::snprintf(buffer.data(), buffer.size(), "%04d-%02u-%02uT%02d:%02d:%02dZ",
                static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
                static_cast<unsigned>(date.day()), static_cast<int>(clock.hours().count()),
                static_cast<int>(clock.minutes().count()),
                static_cast<int>(clock.seconds().count()));
  return buffer.data();
}

// Reads values by their documented path. What is missing reads as zero; what has another type than
// asked for is remembered, so that callers need only ask once, at the end.
class Reader {
 public:
  explicit Reader(const Json& root) : root_(root) {}

  const Json* Find(std::string_view path) const {
    const Json* node = &root_;
    while (!path.empty()) {
      const size_t dot = path.find('.');
      if (!node->is_object()) return nullptr;
      const auto child = node->find(std::string(path.substr(0, dot)));
      if (child == node->end() || child->is_null()) return nullptr;
      node = &*child;
      path = dot == std::string_view::npos ? "" : path.substr(dot + 1);
    }
    return node;
  }

  double Real(std::string_view path) {
    const Json* node = Expect(path, [](const Json& json) { return json.is_number(); });
    return node == nullptr ? 0 : node->get<double>();
  }
  // As it stands in the document, so that no digit of a large number is lost.
  std::string Int(std::string_view path) {
    const Json* node = Expect(path, [](const Json& json) { return json.is_number(); });
    if (node == nullptr) return "0";
    return node->is_number_float() ? Decimals(node->get<double>(), 0) : node->dump();
  }
  bool Bool(std::string_view path) {
    const Json* node = Expect(path, [](const Json& json) { return json.is_boolean(); });
    return node != nullptr && node->get<bool>();
  }
  std::string String(std::string_view path) {
    const Json* node = Expect(path, [](const Json& json) { return json.is_string(); });
    return node == nullptr ? "" : node->get<std::string>();
  }
  // The elements, each wrapped; empty if there is no such array.
  std::vector<Json> Array(std::string_view path) {
    const Json* node = Expect(path, [](const Json& json) { return json.is_array(); });
    return node == nullptr ? std::vector<Json>() : std::vector<Json>(node->begin(), node->end());
  }
  bool Positive(std::string_view path) { return Real(path) > 0; }

  // " name=value" for each pair of a name and the path of an integer, without the first space.
  std::string Fields(const std::vector<std::pair<const char*, std::string>>& fields) {
    std::string text;
    for (const auto& [name, path] : fields) {
      text += (text.empty() ? "" : " ") + std::string(name) + "=" + Int(path);
    }
    return text;
  }

  const std::string& bad_path() const { return bad_path_; }
  void Adopt(const Reader& other) {
    if (bad_path_.empty()) bad_path_ = other.bad_path_;
  }

 private:
  template <typename Predicate>
  const Json* Expect(std::string_view path, Predicate predicate) {
    const Json* node = Find(path);
    if (node == nullptr || predicate(*node)) return node;
    if (bad_path_.empty()) bad_path_ = path;
    return nullptr;
  }

  const Json& root_;
  std::string bad_path_;
};

class Printer {
 public:
  explicit Printer(const Json& root) : in_(root) {}

  Result<std::string> Print() {
    Progress();
    ValueLog();
    HotRing();
    Values();
    Wal();
    Raft();
    Regions();
    Levels();
    HotKeys();
    Traffic();
    Additions();
    if (!in_.bad_path().empty()) {
      return Status::InvalidArgument("snapshot: " + in_.bad_path() + " is of an unknown type");
    }
    return std::move(text_);
  }

 private:
  void Line(std::string_view label, std::string_view value) {
    text_ += label;
    text_.append(label.size() < kLabelWidth ? kLabelWidth - label.size() : 1, ' ');
    text_ += value;
    text_ += "\n";
  }
  void Int(std::string_view label, std::string_view path) { Line(label, in_.Int(path)); }
  void Real(std::string_view label, std::string_view path) {
    Line(label, Decimals(in_.Real(path), 2));
  }

  void Progress() {
    Int("Entries", "entries");
    Int("Flush.Pending", "flush.pending");
    Int("Compaction.Backlog", "compaction.backlog");
    Real("Compaction.MaxScore", "compaction.max_score");
    Real("Flush.Wait.LastMs", "flush.last_wait_ms");
    Real("Flush.Wait.MaxMs", "flush.max_wait_ms");
    Real("Flush.Build.LastMs", "flush.last_build_ms");
    Real("Flush.Build.MaxMs", "flush.max_build_ms");
    Real("Flush.Release.LastMs", "flush.last_release_ms");
    Real("Flush.Release.MaxMs", "flush.max_release_ms");
    Real("Compaction.LastMs", "compaction.last_duration_ms");
    Real("Compaction.MaxMs", "compaction.max_duration_ms");
    Int("Compaction.Runs", "compaction.runs");
  }

  void ValueLog() {
    Int("ValueLog.Segments", "value_log.segments");
    Int("ValueLog.PendingDelete", "value_log.pending_deletes");
    Int("ValueLog.DiscardQueue", "value_log.discard_queue");
    if (in_.Positive("value_log.gc.gc_runs") || in_.Positive("value_log.gc.gc_scheduled")) {
      Line("ValueLog.GC", in_.Fields({{"runs", "value_log.gc.gc_runs"},
                                      {"scheduled", "value_log.gc.gc_scheduled"},
                                      {"active", "value_log.gc.gc_active"},
                                      {"removed", "value_log.gc.segments_removed"},
                                      {"skipped", "value_log.gc.gc_skipped"},
                                      {"throttled", "value_log.gc.gc_throttled"},
                                      {"rejected", "value_log.gc.gc_rejected"},
                                      {"parallel", "value_log.gc.gc_parallelism"}}));
    }
    if (in_.Positive("value_log.order.order_runs")) {
      Line("ValueLog.Order", in_.Fields({{"runs", "value_log.order.order_runs"},
                                         {"bytes", "value_log.order.order_bytes"},
                                         {"active", "value_log.order.order_active"}}));
    }
    const Json* heads = in_.Find("value_log.heads");
    if (heads == nullptr || !heads->is_object()) return;
    for (const auto& [bucket, head] : heads->items()) {
      Reader reader(head);
      if (reader.Positive("Fid") || reader.Positive("Offset") || reader.Positive("Len")) {
        Line("ValueLog.Head[" + bucket + "]",
             reader.Fields({{"fid", "Fid"}, {"offset", "Offset"}, {"len", "Len"}}));
      }
      in_.Adopt(reader);
    }
  }

  void HotRing() {
    Int("Write.HotKeyThrottled", "write.hot_key_limited");
    if (in_.Find("hot.write_ring") == nullptr) return;
    Int("Thermos.Buckets", "hot.write_ring.buckets");
    Line("Thermos.Nodes", in_.Int("hot.write_ring.nodes") + " (load=" +
                              Decimals(in_.Real("hot.write_ring.load_factor"), 2) + ")");
    Line("Thermos.Touches", in_.Int("hot.write_ring.touches") + " (" +
                                in_.Fields({{"clamps", "hot.write_ring.clamps"},
                                            {"inserts", "hot.write_ring.inserts"},
                                            {"removes", "hot.write_ring.removes"}}) +
                                ")");
    if (in_.Positive("hot.write_ring.window_slots")) {
      Line("Thermos.Window", "slots=" + in_.Int("hot.write_ring.window_slots") +
                                 " dur=" + Seconds("hot.write_ring.window_slot_duration"));
    }
    if (in_.Positive("hot.write_ring.decay_interval")) {
      Line("Thermos.Decay", "every=" + Seconds("hot.write_ring.decay_interval") +
                                " shift=" + in_.Int("hot.write_ring.decay_shift"));
    }
  }

  // A duration that the document has in nanoseconds.
  std::string Seconds(std::string_view path) { return Decimals(in_.Real(path) / 1e9, 3) + "s"; }

  void Values() {
    std::string weight = Decimals(in_.Real("compaction.value_weight"), 2);
    if (in_.Find("compaction.value_weight_suggested") != nullptr) {
      weight += " (suggested " + Decimals(in_.Real("compaction.value_weight_suggested"), 2) + ")";
    }
    Line("Compaction.ValueWeight", weight);
    if (in_.Positive("lsm.value_density_max")) Real("LSM.ValueDensityMax", "lsm.value_density_max");
    if (in_.Bool("lsm.value_density_alert")) Line("LSM.ValueDensityAlert", "true");
  }

  void Wal() {
    Line("WAL.ActiveSegment",
         in_.Int("wal.active_segment") + " (" +
             in_.Fields({{"segments", "wal.segment_count"}, {"removed", "wal.segments_removed"}}) +
             ")");
    Line("WAL.ActiveSize", in_.Int("wal.active_size") + " bytes");
    const std::string counts = "wal.record_counts.";
    bool any = false;
    for (const char* kind : {"entries", "raft_entries", "raft_states", "raft_snapshots", "other"}) {
      any = in_.Positive(counts + kind) || any;
    }
    if (any) {
      Line("WAL.Records", in_.Fields({{"entries", counts + "entries"},
                                      {"raft_entries", counts + "raft_entries"},
                                      {"raft_states", counts + "raft_states"},
                                      {"raft_snapshots", counts + "raft_snapshots"},
                                      {"other", counts + "other"}}));
    }
    Line("WAL.RaftSegments", in_.Int("wal.segments_with_raft_records") +
                                 " (removable=" + in_.Int("wal.removable_raft_segments") + ")");
    const bool warning = in_.Bool("wal.typed_record_warning");
    if (warning || in_.Positive("wal.typed_record_ratio")) {
      Real("WAL.TypedRatio", "wal.typed_record_ratio");
    }
    if (warning) Line("WAL.Warning", in_.String("wal.typed_record_reason"));
    if (in_.Positive("wal.auto_gc_runs") || in_.Positive("wal.auto_gc_removed") ||
        in_.Positive("wal.auto_gc_last_unix")) {
      Line("WAL.AutoGC",
           in_.Fields({{"runs", "wal.auto_gc_runs"}, {"removed", "wal.auto_gc_removed"}}) +
               " last=" + Timestamp(static_cast<int64_t>(in_.Real("wal.auto_gc_last_unix"))));
    }
  }

  void Raft() {
    if (in_.Positive("raft.group_count")) {
      Line("Raft.Groups", in_.Int("raft.group_count") + " " +
                              in_.Fields({{"lagging", "raft.lagging_groups"},
                                          {"maxLagSegments", "raft.max_lag_segments"}}));
      Line("Raft.SegmentRange",
           in_.Fields({{"min", "raft.min_log_segment"}, {"max", "raft.max_log_segment"}}));
      if (in_.Positive("raft.lag_warn_threshold")) {
        Line("Raft.LagThreshold", in_.Int("raft.lag_warn_threshold") + " segments");
      }
    }
    if (in_.Bool("raft.lag_warning")) {
      Line("Raft.Warning",
           in_.Fields({{"lagging", "raft.lagging_groups"}, {"maxLag", "raft.max_lag_segments"}}) +
               " (threshold=" + in_.Int("raft.lag_warn_threshold") + ")");
    }
  }

  void Regions() {
    Line("Regions.Total", in_.Int("region.total") + " (" +
                              in_.Fields({{"new", "region.new"},
                                          {"running", "region.running"},
                                          {"removing", "region.removing"},
                                          {"tombstone", "region.tombstone"},
                                          {"other", "region.other"}}) +
                              ")");
  }

  void Levels() {
    if (in_.Positive("lsm.value_bytes_total")) Int("LSM.ValueBytesTotal", "lsm.value_bytes_total");
    const std::vector<Json> levels = in_.Array("lsm.levels");
    if (levels.empty()) return;
    text_ += "LSM.Levels:\n";
    for (const Json& level : levels) {
      Reader reader(level);
      text_ += "  - L" + reader.Int("level") + " tables=" + reader.Int("tables") +
               " size=" + reader.Int("size_bytes") + "B value=" + reader.Int("value_bytes") +
               "B stale=" + reader.Int("stale_bytes") + "B";
      if (reader.Positive("ingest_tables")) {
        text_ += " ingestTables=" + reader.Int("ingest_tables") +
                 " ingestSize=" + reader.Int("ingest_size_bytes") +
                 "B ingestValue=" + reader.Int("ingest_value_bytes") + "B";
      }
      text_ += "\n";
      in_.Adopt(reader);
    }
  }

  void HotKeys() {
    const std::vector<Json> keys = in_.Array("hot.write_keys");
    if (keys.empty()) return;
    text_ += "WriteHotKeys:\n";
    for (const Json& key : keys) {
      Reader reader(key);
      text_ += "  - key=" + Quoted(reader.String("key")) + " count=" + reader.Int("count") + "\n";
      in_.Adopt(reader);
    }
  }

  void Traffic() {
    if (in_.Positive("transport.SendAttempts") || in_.Positive("transport.DialsTotal")) {
      Line("Transport.GRPC",
           in_.Fields({{"sends", "transport.SendAttempts"},
                       {"success", "transport.SendSuccesses"},
                       {"fail", "transport.SendFailures"},
                       {"retries", "transport.Retries"},
                       {"blocked", "transport.BlockedPeers"}}) +
               " watchdog=" + (in_.Bool("transport.WatchdogActive") ? "true" : "false"));
    }
    if (in_.Positive("redis.commands_total") || in_.Positive("redis.connections_accepted")) {
      Line("Redis.Gateway", in_.Fields({{"commands", "redis.commands_total"},
                                        {"errors", "redis.errors_total"},
                                        {"active_conn", "redis.connections_active"},
                                        {"accepted_conn", "redis.connections_accepted"}}));
    }
  }

  // What the documented lines have no place for, and only when there is something to say.
  void Additions() {
    if (in_.Bool("write.throttle_active")) {
      std::string text = "mode=" + in_.String("write.throttle_mode");
      const std::string reason = in_.String("write.throttle_reason");
      if (!reason.empty()) text += " reason=" + Quoted(reason);
      Line("Write.Throttle", text);
    }
    for (const Json& stall : in_.Array("write.stalls")) {
      Reader reader(stall);
      Line("Write.Stalls", "reason=" + Quoted(reader.String("reason")) + " " +
                               reader.Fields({{"count", "count"}}) +
                               " totalMs=" + Decimals(reader.Real("total_ms"), 2) +
                               " maxMs=" + Decimals(reader.Real("max_ms"), 2));
      in_.Adopt(reader);
    }
    if (in_.Positive("amplification.write") || in_.Positive("amplification.space")) {
      Line("Amplification", "write=" + Decimals(in_.Real("amplification.write"), 2) +
                                " read=" + Decimals(in_.Real("amplification.read"), 2) +
                                " space=" + Decimals(in_.Real("amplification.space"), 2));
    }
    Durations("Operations:", "operations");
    Durations("Stages:", "stages");
    const std::string error = in_.String("background_error");
    if (!error.empty()) Line("BackgroundError", Quoted(error));
  }

  // Those that ever happened.
  void Durations(std::string_view title, std::string_view path) {
    const Json* durations = in_.Find(path);
    if (durations == nullptr || !durations->is_object()) return;
    std::string lines;
    for (const auto& [name, json] : durations->items()) {
      Reader reader(json);
      if (reader.Positive("count")) {
        lines += "  - " + name + " " + reader.Fields({{"count", "count"}});
        for (const char* field : {"mean", "p50", "p99", "p999", "max"}) {
          const std::string key = std::string(field) + "_us";
          lines += " " + std::string(field) + "Us=" + Decimals(reader.Real(key), 2);
        }
        lines += "\n";
      }
      in_.Adopt(reader);
    }
    if (!lines.empty()) text_ += std::string(title) + "\n" + lines;
  }

  Reader in_;
  std::string text_;
};

}  // namespace

Result<std::string> StatsText(std::string_view snapshot) {
  const Json json = Json::parse(snapshot, nullptr, false);
  if (!json.is_object()) return Status::InvalidArgument("the snapshot is not a JSON object");
  return Printer(json).Print();
}

std::string ManifestText(const nokv::ManifestStats& manifest) {
  std::string text = "Manifest Log Pointer : segment=" + std::to_string(manifest.log_segment) +
                     " offset=" + std::to_string(manifest.log_offset) + "\nLevels:\n";
  for (const auto& level : manifest.levels) {
    text += "  - L" + std::to_string(level.level) + " files=" + std::to_string(level.file_count) +
            " total=" + std::to_string(level.total_bytes) +
            " bytes value=" + std::to_string(level.value_bytes) + " bytes ids=[";
    const char* separator = "";
    for (const uint64_t id : level.file_ids) {
      text += separator + std::to_string(id);
      separator = " ";
    }
    text += "]\n";
  }
  text += "ValueLog segments:\n";
  for (const auto& file : manifest.value_logs) {
    text += "  - ";
    if (file.bucket.has_value()) text += "bucket=" + std::to_string(*file.bucket) + " ";
    text += "fid=" + std::to_string(file.number) + " offset=" + std::to_string(file.end) +
            " valid=true file=" + file.name + "\n";
  }
  return text;
}

std::string ValueFilesText(const nokv::ValueFilesStats& values) {
  std::string text = "Active FID : " + std::to_string(values.active_segment) +
                     "\nHead       : fid=" + std::to_string(values.active_segment) +
                     " offset=" + std::to_string(values.active_offset) + "\nSegments   :\n";
  for (const auto& file : values.files) {
    text += "  - " + file.name + " size=" + std::to_string(file.file_bytes) +
            " live=" + std::to_string(file.live_bytes) +
            " dead=" + std::to_string(file.dead_bytes) + " tables=" + std::to_string(file.tables);
    if (file.bucket.has_value()) text += " bucket=" + std::to_string(*file.bucket);
    text += std::string(file.old ? " old" : "") + " kept for ";
    const char* separator = "";
    for (const std::string& reason : file.kept_for) {
      text += separator + reason;
      separator = ", ";
    }
    text += file.kept_for.empty() ? "nothing\n" : "\n";
  }
  return text;
}

}  // namespace nokv::console
