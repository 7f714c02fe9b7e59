// Text scripts as tests: a file of cases, each a command, its input and the output expected of it,
// in the grammar of cockroachdb's "datadriven". For tests only: it opens files without vfs.
//
//   # A comment. Blank lines and comments stand between cases.
//   pick levels=(3,10,0) busy
//   input, until four dashes
//   ----
//   expected output, until a blank line
//
//   print
//   ----
//   ----
//   expected output that contains
//
//   blank lines, until the dashes come twice again
//   ----
//   ----
//
// A backslash at the end of a command line continues it on the next. In a test:
//
//   EXPECT_EQ(datadriven::Check(path, [&](const DataCase& c) { return Run(c); }), "");
//
// With NOKV_REWRITE=1 in the environment or --rewrite on the command line of the test, the file is
// rewritten with the actual output instead; the review is then of the difference.
//
// The namespace is not named after the folder, because googletest owns the name `testing`.
// Thread safety: stateless.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "nokv/status.h"

namespace nokv::datadriven {

// `key`, `key=value` or `key=(value, value)`.
struct DataArg {
  std::string key;
  std::vector<std::string> values;
};

struct DataCase {
  std::string position;  // "path:line" of the command, for messages
  std::string command;
  std::vector<DataArg> args;
  std::string input;     // lines, each with its line end
  std::string expected;  // likewise

  // Null if the argument is not there.
  const DataArg* Find(std::string_view key) const;
  bool Has(std::string_view key) const { return Find(key) != nullptr; }
  // The first value of `key`; `otherwise` if it is not there or has none.
  std::string Value(std::string_view key, std::string_view otherwise = "") const;
};

struct Mismatch {
  std::string position;
  std::string expected;
  std::string actual;
};

// Answers a case. A missing line end is added to what it returns.
using Handler = std::function<std::string(const DataCase&)>;

// Runs the cases of `path` in order and returns those that differ. With `rewrite`, puts the actual
// outputs into the file and returns nothing. kInvalidArgument with the line if the file cannot be
// parsed; then no case has run.
Result<std::vector<Mismatch>> RunDataFile(const std::string& path, bool rewrite,
                                          const Handler& handler);

// The cases of `path`, for callers who compare in their own way. Errors as RunDataFile.
Result<std::vector<DataCase>> ReadDataFile(const std::string& path);

// True if the environment or the command line of this process asks for a rewrite.
bool RewriteRequested();

// RunDataFile for a test: what is wrong, for people; empty if nothing is.
std::string Check(const std::string& path, const Handler& handler);

}  // namespace nokv::datadriven
