// TempDir: a directory of the real file system that goes with the object.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <string>

namespace nokv {

// For tests. Thread safety: thread-compatible.
class TempDir {
 public:
  TempDir() { EXPECT_NE(::mkdtemp(path_.data()), nullptr) << path_; }
  ~TempDir() { std::filesystem::remove_all(path_); }
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;

  const std::string& path() const { return path_; }

 private:
  std::string path_ = (std::filesystem::temp_directory_path() / "nokv_test_XXXXXX").string();
};

}  // namespace nokv
