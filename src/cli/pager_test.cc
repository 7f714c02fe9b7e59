#include "cli/pager.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <map>
#include <optional>
#include <string>

#include "vfs/vfs.h"

namespace nokv::cli {
namespace {

// The pager of these tests puts what it is shown into a file.
class PagerTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(vfs::PosixFileSystem().CreateDirs(folder_).ok());
    variables_["PAGER"] = "cat >" + seen_;
  }
  void TearDown() override {
    (void)unlink(seen_.c_str());
    (void)rmdir(folder_.c_str());
  }

  bool Show(const std::string& text, uint64_t rows) {
    const auto variable = [this](const std::string& name) {
      const auto found = variables_.find(name);
      return found == variables_.end() ? std::nullopt : std::optional<std::string>(found->second);
    };
    return ShowInPager(text, variable, rows);
  }
  std::string Seen() {
    const auto seen = vfs::PosixFileSystem().ReadFile(seen_, 1 << 20);
    return seen.ok() ? *seen : "nothing";
  }

  std::map<std::string, std::string> variables_;
  const std::string folder_ = testing::TempDir() + "pager_test." + std::to_string(getpid());
  const std::string seen_ = folder_ + "/seen";
};

TEST_F(PagerTest, ShowsWhatIsLongerThanTheScreen) {
  EXPECT_TRUE(Show("1\n2\n3\n", 3));
  EXPECT_EQ(Seen(), "1\n2\n3\n");
}

TEST_F(PagerTest, LeavesWhatFitsAndWhoWantsNone) {
  EXPECT_FALSE(Show("1\n2\n3\n", 4));
  EXPECT_FALSE(Show("1\n2\n3\n", UINT64_MAX));
  variables_["TERM"] = "dumb";
  EXPECT_FALSE(Show("1\n2\n3\n", 3));
  variables_ = {{"PAGER", ""}};
  EXPECT_FALSE(Show("1\n2\n3\n", 3));
  EXPECT_EQ(Seen(), "nothing");
}

TEST_F(PagerTest, LeavesTheTextToOthersIfThereIsNoSuchProgram) {
  variables_["PAGER"] = "/no/such/program 2>" + seen_;
  EXPECT_FALSE(Show("1\n2\n3\n", 3));
}

TEST_F(PagerTest, WhoLeavesItEarlyHasSeenEnough) {
  variables_["PAGER"] = "true";
  EXPECT_TRUE(Show(std::string(1 << 20, '\n'), 3));
}

}  // namespace
}  // namespace nokv::cli
