#include "lsm/sst/read_ahead.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace nokv::lsm::internal {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr uint64_t kBlock = 4096;

// A file that remembers what it was asked to prefetch, as "begin+length" in KiB.
class AskedFile : public vfs::RandomFile {
 public:
  Status Read(uint64_t, size_t, char*, std::string_view*) const override {
    return Status::Internal("nobody reads here");
  }
  uint64_t Size() const override { return uint64_t{4} << 20; }
  void Prefetch(uint64_t offset, uint64_t length) const override {
    asked.push_back(std::to_string(offset >> 10) + "+" + std::to_string(length >> 10));
  }

  mutable std::vector<std::string> asked;
};

class ReadAheadTest : public testing::Test {
 protected:
  void Read(ReadAhead& ahead, uint64_t block) {
    ahead.Note(file_, block * kBlock, (block + 1) * kBlock);
  }
  AskedFile file_;
};

TEST_F(ReadAheadTest, AScanForwardAsksForMoreAndMore) {
  ReadAhead ahead(/*certain=*/false);
  for (uint64_t block = 100; block < 130; block++) Read(ahead, block);
  EXPECT_THAT(file_.asked, ElementsAre("412+32", "444+64", "508+128", "636+256"));
}

TEST_F(ReadAheadTest, AScanBackwardAsksForWhatLiesBefore) {
  ReadAhead ahead(/*certain=*/false);
  for (uint64_t block = 20; block > 0; block--) Read(ahead, block);
  EXPECT_THAT(file_.asked, ElementsAre("40+32", "0+40"));
}

TEST_F(ReadAheadTest, ReadsHereAndThereAskForNothing) {
  ReadAhead ahead(/*certain=*/false);
  for (const uint64_t block : {900, 100, 101, 500, 499, 200, 300}) Read(ahead, block);
  EXPECT_THAT(file_.asked, IsEmpty());
}

TEST_F(ReadAheadTest, WhoeverReadsTheWholeFileDoesNotWait) {
  ReadAhead ahead(/*certain=*/true);
  Read(ahead, 0);
  EXPECT_THAT(file_.asked, ElementsAre("4+512"));
}

TEST_F(ReadAheadTest, NothingMoreIsAskedForOnceTheEndIs) {
  ReadAhead ahead(/*certain=*/true);
  for (uint64_t block = 1000; block < 1024; block++) Read(ahead, block);
  EXPECT_THAT(file_.asked, ElementsAre("4008+512"));
}

}  // namespace
}  // namespace nokv::lsm::internal
