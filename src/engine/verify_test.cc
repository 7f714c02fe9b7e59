#include "engine/verify.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/engine_test_util.h"
#include "wal/format.h"

namespace nokv::engine {
namespace {

using ::testing::HasSubstr;

class VerifyTest : public ::testing::Test {
 protected:
  // A table with a value inside, a value file, and a log with a value that a table points to and
  // one to replay.
  void SetUp() override {
    options_.value_separation_threshold = 100;
    options_.value_log_gc_discard_ratio = 0.4;
    h_.Open(options_);
    for (int i = 0; i < 8; i++) h_.Put("moved" + std::to_string(i), std::string(500, 'm'));
    ASSERT_TRUE(h_.db->Flush().ok());
    h_.Open(options_);  // the log goes on in another segment, so that the first may be emptied
    for (int i = 0; i < 5; i++) h_.Put("moved" + std::to_string(i), "short");
    ASSERT_TRUE(h_.db->Flush().ok());
    ASSERT_TRUE(h_.db->CompactRange("", "").ok());
    h_.runtime->RunReady();
    h_.Put("apart", std::string(500, 'a'));
    ASSERT_TRUE(h_.db->Flush().ok());
    h_.Put("logged", "value");
    h_.db.reset();
  }

  VerifyReport Verify() {
    auto report = VerifyDirectory(*h_.fs, "/db");
    EXPECT_TRUE(report.ok()) << report.status();
    return report.ok() ? *std::move(report) : VerifyReport();
  }

  // The names of the damaged files, with what is said of the last.
  std::string Damaged() {
    std::string names;
    for (const FileVerdict& verdict : Verify().files) {
      if (verdict.problem.ok()) continue;
      names += (names.empty() ? "" : " ") + verdict.file;
      EXPECT_FALSE(verdict.detail.empty()) << verdict.file;
      EXPECT_FALSE(verdict.way_out.empty()) << verdict.file;
      said_ = verdict.detail;
    }
    return names;
  }

  void Flip(const std::string& name, uint64_t offset) {
    std::string content = *h_.disk->ReadFile("/db/" + name, 1 << 30);
    ASSERT_LT(offset, content.size());
    content[offset] = static_cast<char>(content[offset] ^ 0x40);
    ASSERT_TRUE(h_.disk->Overwrite("/db/" + name, content).ok());
  }

  Options options_ = SmallOptions();
  EngineHarness h_;
  std::string said_;
};

TEST_F(VerifyTest, FindsNothingWhereNothingIsWrong) {
  const VerifyReport report = Verify();
  EXPECT_EQ(report.damaged(), 0U);
  ASSERT_FALSE(h_.Files(".vlog").empty());
  for (const char* suffix : {".sst", ".vlog", ".wal"}) {
    bool seen = false;
    for (const FileVerdict& verdict : report.files) seen = seen || verdict.file.ends_with(suffix);
    EXPECT_TRUE(seen) << suffix;
  }
}

// Goal: no damaged byte that counts is missed. Method: each block of bytes of each table, value
// file and of CURRENT is damaged in turn.
TEST_F(VerifyTest, FindsADamagedByteAnywhere) {
  for (const char* suffix : {".sst", ".vlog", "CURRENT"}) {
    const std::string name = h_.Files(suffix).front();
    const uint64_t size = *h_.disk->FileSize("/db/" + name);
    const std::string before = *h_.disk->ReadFile("/db/" + name, 1 << 30);
    for (uint64_t offset = 0; offset < size; offset += 1 + size / 40) {
      Flip(name, offset);
      if (Damaged() != name) {
        // What lies in front of a value says what its pointer says, too.
        EXPECT_TRUE(name.ends_with(".vlog")) << name << " offset " << offset;
      }
      ASSERT_TRUE(h_.disk->Overwrite("/db/" + name, before).ok());
    }
  }
}

TEST_F(VerifyTest, SaysHowManyValuesOfADamagedFileAreLost) {
  const std::string name = h_.Files(".vlog").front();
  Flip(name, *h_.disk->FileSize("/db/" + name) - 1);
  EXPECT_EQ(Damaged(), name);
  EXPECT_THAT(said_, HasSubstr("1 values cannot be read"));
  EXPECT_THAT(said_, HasSubstr("; 2 can"));
}

TEST_F(VerifyTest, FindsEveryDamagedFileNotOnlyTheFirst) {
  const std::string values = h_.Files(".vlog").front();
  ASSERT_TRUE(h_.disk->Remove("/db/" + values).ok());
  Flip(h_.Files(".sst").back(), 10);
  EXPECT_THAT(Damaged(), HasSubstr(values));
  EXPECT_THAT(Damaged(), HasSubstr(h_.Files(".sst").back()));
}

TEST_F(VerifyTest, AMissingTableIsDamage) {
  const std::string table = h_.Files(".sst").front();
  ASSERT_TRUE(h_.disk->Remove("/db/" + table).ok());
  EXPECT_THAT(Damaged(), HasSubstr(table));
}

TEST_F(VerifyTest, ADamagedLogIsNamedWithWhatItMeans) {
  // In the last record, which is not in a table; the seal comes behind it.
  const std::string segment = h_.Files(".wal").back();
  Flip(segment,
       *h_.disk->FileSize("/db/" + segment) - wal::RecordBytes(wal::kSegmentIndexBytes) - 4);
  EXPECT_THAT(Damaged(), HasSubstr(segment));
}

TEST_F(VerifyTest, WithoutAManifestTheTablesAreStillChecked) {
  ASSERT_TRUE(h_.disk->Remove("/db/CURRENT").ok());
  EXPECT_EQ(Damaged(), "CURRENT");
  Flip(h_.Files(".sst").front(), 10);
  EXPECT_THAT(Damaged(), HasSubstr(h_.Files(".sst").front()));
}

TEST_F(VerifyTest, ADirectoryWithoutDatabaseIsNotFound) {
  EXPECT_TRUE(VerifyDirectory(*h_.fs, "/nothing").status().IsNotFound());
}

TEST_F(VerifyTest, ChangesNothingAndWorksBesideAWriter) {
  h_.Open(options_);
  h_.Put("more", "value");
  uint64_t changes = 0;
  h_.fs->SetObserver([&](const vfs::Operation& operation) {
    const bool lock = operation.op == vfs::Op::kLock;
    changes += vfs::ChangesDisk(operation.op) && !lock ? 1 : 0;
    return vfs::Fault{};
  });
  EXPECT_EQ(Damaged(), "");
  EXPECT_EQ(changes, 0U);
}

}  // namespace
}  // namespace nokv::engine
