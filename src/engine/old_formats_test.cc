// Directories that earlier releases wrote, kept in testdata/, must stay readable and writable.
//
// Each holds key0000 to key0199, each with its own name, 20 times over, as value: in tables of more
// than one level and in log segments that must be replayed. format1: tables hold all values;
// format2: values lie in the log and in value files.
#include <gtest/gtest.h>

#include <sstream>
#include <string>

#include "base/log.h"
#include "engine/db.h"
#include "engine/engine_test_util.h"
#include "vfs/memory_fs.h"
#include "vfs/vfs.h"

namespace nokv::engine {
namespace {

constexpr int kKeys = 200;

std::string Key(int i) {
  const std::string digits = std::to_string(i);
  return "key" + std::string(4 - digits.size(), '0') + digits;
}
std::string Value(int i) {
  std::string value;
  for (int copy = 0; copy < 20; copy++) value += Key(i);
  return value;
}

class OldFormatsTest : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    ASSERT_TRUE(h_.disk->CreateDirs("/db").ok());
    ASSERT_TRUE(h_.disk->SyncDir("/").ok());
    // The lock of the writer that is gone.
    Write("LOCK", "pid 1\n");
    const auto text = vfs::PosixFileSystem().ReadFile(
        NOKV_SOURCE_DIR "/src/engine/testdata/" + GetParam() + ".txt", 1 << 20);
    ASSERT_TRUE(text.ok()) << text.status();
    std::istringstream in(*text);
    std::string name, content;
    for (std::string line; std::getline(in, line);) {
      if (line.starts_with('#')) continue;
      if (!line.starts_with("file ")) {
        content += Bytes(line);
        continue;
      }
      Write(name, content);
      name = line.substr(5);
      content.clear();
    }
    ASSERT_FALSE(name.empty());
    Write(name, content);
  }
  void Write(const std::string& name, const std::string& content) {
    if (name.empty()) return;
    ASSERT_TRUE(vfs::WriteFileAtomically(*h_.disk, "/db/" + name, content).ok());
  }
  static std::string Bytes(const std::string& hex) {
    std::string bytes;
    for (size_t i = 0; i + 1 < hex.size(); i += 2) {
      bytes.push_back(static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16)));
    }
    return bytes;
  }
  void ExpectAll() {
    for (int i = 0; i < kKeys; i++) ASSERT_EQ(h_.Get(Key(i)), Value(i));
    const auto it = h_.db->NewIterator();
    int keys = 0;
    for (it->SeekToFirst(); it->Valid(); it->Next()) EXPECT_EQ(it->key(), Key(keys++));
    EXPECT_EQ(keys, kKeys) << it->status();
  }

  EngineHarness h_;
};

INSTANTIATE_TEST_SUITE_P(Formats, OldFormatsTest, testing::Values("format1", "format2"),
                         [](const auto& format) { return format.param; });

TEST_P(OldFormatsTest, IsReadWithoutBeingChanged) {
  const auto before = *h_.disk->List("/db");
  Options options = SmallOptions();
  options.read_only = true;
  h_.Open(options);
  ExpectAll();
  ASSERT_TRUE(h_.db->Close().ok());
  EXPECT_EQ(*h_.disk->List("/db"), before);
}

TEST_P(OldFormatsTest, IsWrittenOnAndKeepsWhatItHeld) {
  h_.Open();
  ExpectAll();
  h_.Put(Key(7), "new");
  ASSERT_TRUE(h_.db->CompactRange({}, {}).ok());
  EXPECT_EQ(h_.Get(Key(7)), "new");
  h_.Put(Key(7), Value(7));
  h_.Open();
  ExpectAll();
}

TEST_P(OldFormatsTest, SurvivesPowerLossAfterItsFirstOpen) {
  h_.Open();
  h_.Crash(/*power_lost=*/true);
  h_.Open();
  ExpectAll();
}

}  // namespace
}  // namespace nokv::engine
