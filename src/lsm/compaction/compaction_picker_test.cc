#include "lsm/compaction/compaction_picker.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <charconv>
#include <sstream>

#include "testing/data_driven.h"

namespace nokv::lsm {
namespace {

using datadriven::DataCase;

uint64_t Number(std::string_view text) {
  uint64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

std::string Prefix(std::string_view key) {
  return keys::EncodePrefix(keys::Keyspace::kData, key);
}

// The scripts' world: a version without tables behind its handles, and what is running.
//
//   version            each line: level number begin end [bytes=] [seq=low-high] [entries=]
//                      [values=] [deletions=] [tombstones=] [expires=] [created=] [exclusive]
//   pick [now=] [oldest=] [register] [slices=]
//   quiet [register]
//   manual level= begin= end=
//   arrive begin= end= [register]
//   done               the plan registered first is over
//   scores
class PickerScript {
 public:
  PickerScript() {
    options_.l0_trigger_files = 4;
    options_.base_level_bytes = 100;
    options_.level_multiplier = 10;
    options_.target_file_bytes = 20;
  }

  std::string Run(const DataCase& c) {
    if (c.command == "version") return MakeVersion(c.input);
    if (c.command == "pick") {
      PickContext context;
      context.now_ms = Number(c.Value("now", "0"));
      if (c.Has("oldest")) context.oldest_snapshot = Number(c.Value("oldest"));
      const auto plan = PickCompaction(version_, options_, state_, context);
      if (plan && c.Has("register")) Register(*plan);
      std::string text = Describe(plan);
      if (plan && c.Has("slices")) {
        text += "cut at";
        for (const auto& bound : SliceBounds(*plan, Number(c.Value("slices")), 20)) {
          text += " " + bound.substr(1);
        }
        text += "\n";
      }
      return text;
    }
    if (c.command == "quiet") {
      const auto plan = PickQuiet(version_, options_, state_, {});
      if (plan && c.Has("register")) Register(*plan);
      return Describe(plan);
    }
    if (c.command == "manual") {
      const auto plan = PlanManual(version_, options_, static_cast<int>(Number(c.Value("level"))),
                                   {Prefix(c.Value("begin")), Prefix(c.Value("end")), false});
      return Describe(plan) + (plan && state_.ConflictsWith(*plan) ? "conflict\n" : "");
    }
    if (c.command == "arrive") {
      const PrefixRange range{Prefix(c.Value("begin")), Prefix(c.Value("end")), true};
      const int level = ArrivalLevel(*version_, options_, state_, range);
      if (c.Has("register")) Register(PlanArrival(level, range));
      return "L" + std::to_string(level) + "\n";
    }
    if (c.command == "done") {
      state_.Unregister(registered_.front());
      registered_.erase(registered_.begin());
      return "";
    }
    if (c.command == "scores") {
      const LevelTargets targets = TargetsOf(*version_, options_);
      std::ostringstream out;
      out << "base " << targets.base_level << " targets";
      for (const uint64_t bytes : targets.bytes) out << " " << bytes;
      out << "\nscores";
      for (const double score : LevelScores(*version_, options_)) out << " " << score;
      out << "\npending " << PendingCompactionBytes(*version_, options_) << "\n";
      return out.str();
    }
    return "unknown command\n";
  }

 private:
  void Register(const CompactionPlan& plan) {
    state_.Register(plan);
    registered_.push_back(plan);
  }

  std::string MakeVersion(const std::string& input) {
    std::array<FileList, kLevels> levels;
    std::istringstream lines(input);
    for (std::string line; std::getline(lines, line);) {
      std::istringstream words(line);
      size_t level = 0;
      std::string begin, end, word;
      manifest::FileMetadata meta;
      words >> level >> meta.number >> begin >> end;
      meta.file_bytes = 10;
      meta.entries = 10;
      meta.smallest_sequence = meta.largest_sequence = meta.number;
      keys::SequenceNumber end_sequence = 1;
      while (words >> word) {
        const std::string key = word.substr(0, word.find('='));
        const std::string value = word.substr(std::min(word.size(), key.size() + 1));
        if (key == "bytes") meta.file_bytes = Number(value);
        if (key == "values") meta.points_into = {ValuesOf(Number(value))};
        if (key == "deletions") meta.deletions = Number(value);
        if (key == "tombstones") meta.range_tombstones = Number(value);
        if (key == "expires") meta.earliest_expiry_ms = Number(value);
        if (key == "created") meta.created_at_ms = Number(value);
        if (key == "exclusive") end_sequence = keys::kMaxSequence;
      }
      meta.smallest = Bound(begin, 1);
      meta.largest = Bound(end, end_sequence);
      levels[level].push_back(std::make_shared<const FileHandle>(
          meta, nullptr, nullptr, ValueFileList(), std::make_shared<ObsoleteFiles>()));
    }
    version_ = std::make_shared<const Version>(std::move(levels));
    const Status status = version_->CheckInvariants();
    return status.ok() ? "" : status.ToString() + "\n";
  }

  static std::string Bound(const std::string& key, keys::SequenceNumber sequence) {
    return keys::EncodeInternalKey(keys::EncodeEngineKey(keys::Keyspace::kData, key),
                                   keys::PackTrailer(sequence, keys::Kind::kPut));
  }

  static manifest::ValueReference ValuesOf(uint64_t bytes) {
    manifest::ValueReference reference;
    reference.bytes = bytes;
    return reference;
  }

  static std::string Describe(const std::optional<CompactionPlan>& plan) {
    if (!plan) return "nothing\n";
    static constexpr const char* kReasons[] = {"level-0 files", "level bytes",   "garbage",
                                               "manual",        "value garbage", "level-0 merge",
                                               "quiet",         "value order"};
    std::ostringstream out;
    out << kReasons[static_cast<int>(plan->reason)] << ": L" << plan->input_level;
    for (const auto& file : plan->inputs) out << " " << file->number();
    out << " -> L" << plan->output_level;
    for (const auto& file : plan->output_inputs) out << " " << file->number();
    out << " [" << plan->range.begin.substr(1) << ", " << plan->range.end.substr(1)
        << (plan->range.end_inclusive ? "]" : ")") << (plan->trivial_move ? " move" : "") << "\n";
    return out.str();
  }

  CompactionOptions options_;
  CompactionState state_;
  std::shared_ptr<const Version> version_;
  std::vector<CompactionPlan> registered_;
};

TEST(CompactionPickerTest, PicksAsTheScriptsSay) {
  PickerScript script;
  EXPECT_EQ(datadriven::Check(NOKV_SOURCE_DIR "/src/lsm/compaction/testdata/picker.txt",
                              [&script](const DataCase& c) { return script.Run(c); }),
            "");
}

}  // namespace
}  // namespace nokv::lsm
