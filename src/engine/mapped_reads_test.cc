// Values that are read from files of the operating system, mapped or not, while those files change.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "engine/engine_test_util.h"
#include "testing/temp_dir.h"

namespace nokv::engine {
namespace {

class MappedReadsTest : public testing::TestWithParam<bool> {
 protected:
  void SetUp() override {
    Options options = SmallOptions();
    options.log_segment_bytes = 16 << 10;
    options.value_separation_threshold = 100;
    options.mapped_reads = GetParam();
    auto engine =
        Engine::Open(options, dir_.path() + "/db", {vfs::PosixFileSystem(), *runtime_, logger_});
    ASSERT_TRUE(engine.ok()) << engine.status();
    engine_ = *std::move(engine);
  }
  void TearDown() override {
    Await([&](Completion done) { engine_->CloseAsync(std::move(done)); });
    engine_.reset();
  }

  static std::string Key(int i) {
    return keys::EncodeEngineKey(keys::Keyspace::kData, "key" + std::to_string(100 + i), 0);
  }
  static std::string Value(int i, char kind) { return std::string(500, kind) + std::to_string(i); }

  template <typename Call>
  void Await(Call call) {
    std::optional<Status> outcome;
    call([&outcome](Status status) { outcome = std::move(status); });
    while (!outcome.has_value() && runtime_->RunOne()) {
    }
    ASSERT_TRUE(outcome.has_value());
    ASSERT_TRUE(outcome->ok()) << *outcome;
  }
  void Put(int i, const std::string& value) {
    Batch batch;
    batch.Put(Key(i), value);
    Await([&](Completion done) { engine_->WriteAsync(batch, false, std::move(done)); });
  }
  void Flush() {
    Await([&](Completion done) { engine_->FlushAsync(std::move(done)); });
  }
  // No file of this kind is in the directory.
  bool Gone(const std::string& name) {
    return !std::filesystem::exists(dir_.path() + "/db/" + name);
  }

  const std::unique_ptr<runtime::SimRuntime> runtime_ = runtime::NewSimRuntime(1);
  base::Logger& logger_ = base::NullLogger();
  TempDir dir_;
  std::unique_ptr<Engine> engine_;
};

INSTANTIATE_TEST_SUITE_P(Forms, MappedReadsTest, testing::Bool(),
                         [](const auto& form) { return form.param ? "Mapped" : "Read"; });

TEST_P(MappedReadsTest, ATableMayPointIntoTheSegmentThatIsStillWritten) {
  for (int i = 0; i < 10; i++) Put(i, Value(i, 'a'));
  Flush();
  FoundValue found;
  ASSERT_TRUE(*engine_->Get({}, Key(3), &found));
  EXPECT_EQ(found.value, Value(3, 'a'));
  // The segment is cut to its end, and the next tables point further into it.
  for (int i = 10; i < 60; i++) Put(i, Value(i, 'b'));
  Flush();
  for (int i = 0; i < 60; i++) {
    ASSERT_TRUE(*engine_->Get({}, Key(i), &found)) << i;
    EXPECT_EQ(found.value, Value(i, i < 10 ? 'a' : 'b'));
  }
}

TEST_P(MappedReadsTest, AValueThatIsHeldOutlivesItsFile) {
  for (int i = 0; i < 60; i++) Put(i, Value(i, 'a'));
  Flush();
  FoundValue found;
  ASSERT_TRUE(*engine_->Get({}, Key(3), &found));
  const auto cursor = engine_->NewCursor({});
  cursor->Seek(keys::PrefixOf(Key(4)));
  ASSERT_TRUE(cursor->Valid()) << cursor->status();
  for (int i = 0; i < 60; i++) Put(i, Value(i, 'b'));
  Flush();
  Await([&](Completion done) { engine_->CompactRangeAsync({}, {}, std::move(done)); });
  EXPECT_EQ(found.value, Value(3, 'a'));
  EXPECT_EQ(cursor->value(), Value(4, 'a'));
  cursor->Next();
  EXPECT_EQ(cursor->value(), Value(5, 'a'));
  EXPECT_FALSE(Gone("00001.wal"));
  FoundValue now;
  ASSERT_TRUE(*engine_->Get({}, Key(3), &now));
  EXPECT_EQ(now.value, Value(3, 'b'));
}

}  // namespace
}  // namespace nokv::engine
