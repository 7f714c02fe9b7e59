#include "engine/dump.h"

#include <gtest/gtest.h>

#include "engine/engine_test_util.h"

namespace nokv::engine {
namespace {

class DumpTest : public ::testing::Test {
 protected:
  void SetUp() override { h_.Open(); }

  // "what key detail" for each line, without those of `skip`.
  DumpVisitor Into(std::string* text, const std::string& skip = "") {
    return [text, skip](const DumpLine& line) {
      if (line.what == skip) return true;
      *text += line.what;
      if (line.sequence != 0) *text += " " + std::to_string(line.sequence);
      if (!line.key.empty()) *text += " " + line.key;
      if (!line.detail.empty()) *text += " " + line.detail;
      *text += "\n";
      return true;
    };
  }

  EngineHarness h_;
};

TEST_F(DumpTest, LogShowsRecordsAndEntries) {
  WriteBatch batch;
  batch.Put("a", "1", {.expiry_ms = 4000000000000, .user_meta = 7});
  batch.Delete("b");
  batch.DeleteRange("c", "d");
  ASSERT_TRUE(h_.db->Write({}, std::move(batch)).ok());
  std::string text;
  ASSERT_TRUE(DumpLog(*h_.fs, "/db", 0, Into(&text)).ok());
  EXPECT_EQ(text,
            "record batch\nput 1 a expiry_ms=4000000000000 user_meta=7\ndelete 2 b\n"
            "range delete 3 c to d\n");
}

TEST_F(DumpTest, LogTellsWhereTheBytesOfAValueLie) {
  h_.Put("key", "needle");
  DumpLine put;
  ASSERT_TRUE(DumpLog(*h_.fs, "/db", 0, [&](const DumpLine& line) {
                if (line.what == "put") put = line;
                return true;
              }).ok());
  const std::string segment = *h_.disk->ReadFile("/db/" + put.file, 1 << 30);
  EXPECT_EQ(segment.substr(put.offset.value(), put.bytes), "needle");
}

TEST_F(DumpTest, TableShowsEntriesAndTombstones) {
  h_.Put("a", "1");
  ASSERT_TRUE(h_.db->DeleteRange({}, "c", "d").ok());
  ASSERT_TRUE(h_.db->Flush().ok());
  const uint64_t number = std::stoul(h_.Files(".sst").front());
  std::string text;
  ASSERT_TRUE(DumpTable(*h_.fs, "/db", number, Into(&text, "property")).ok());
  EXPECT_EQ(text, "block a its last key\nrange delete 2 c to d\nput 1 a\n");
  std::string all;
  ASSERT_TRUE(DumpTable(*h_.fs, "/db", number, Into(&all)).ok());
  EXPECT_NE(all.find("property entries=1\n"), std::string::npos);
}

TEST_F(DumpTest, ManifestShowsTheEditsInOrder) {
  h_.Put("a", "1");
  ASSERT_TRUE(h_.db->Flush().ok());
  std::string text;
  ASSERT_TRUE(DumpManifest(*h_.fs, "/db", Into(&text)).ok());
  EXPECT_NE(text.find("order of keys"), std::string::npos);
  EXPECT_NE(text.find("add table a " + h_.Files(".sst").front() + " level=0 entries=1"),
            std::string::npos)
      << text;
}

TEST_F(DumpTest, EndsWhenTheVisitorHasSeenEnough) {
  h_.Put("a", "1");
  h_.Put("b", "2");
  int lines = 0;
  const auto two = [&](const DumpLine&) { return ++lines < 2; };
  EXPECT_TRUE(DumpLog(*h_.fs, "/db", 0, two).ok());
  EXPECT_EQ(lines, 2);
}

TEST_F(DumpTest, WhereThereIsNoDatabaseNothingIsShown) {
  std::string text;
  EXPECT_TRUE(DumpLog(*h_.fs, "/nothing", 0, Into(&text)).IsNotFound());
  EXPECT_TRUE(DumpManifest(*h_.fs, "/nothing", Into(&text)).IsNotFound());
  EXPECT_TRUE(DumpTable(*h_.fs, "/db", 99, Into(&text)).IsNotFound());
}

}  // namespace
}  // namespace nokv::engine
