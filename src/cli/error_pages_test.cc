#include "cli/error_pages.h"

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>
#include <string>

#include "testing/data_driven.h"

namespace nokv::cli {
namespace {

TEST(ErrorPagesTest, AreSortedAndComplete) {
  uint16_t last = 0;
  for (const ErrorPage& page : ErrorPages()) {
    EXPECT_GT(page.number, last);
    last = page.number;
    EXPECT_FALSE(page.title.empty() || page.cause.empty() || page.way_out.empty()) << page.number;
    EXPECT_EQ(FindErrorPage(page.number), &page);
  }
  EXPECT_EQ(FindErrorPage(9999), nullptr);
}

TEST(ErrorPagesTest, FitATerminal) {
  for (const ErrorPage& page : ErrorPages()) {
    std::istringstream lines(RenderErrorPage(page));
    for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), 80U) << line;
  }
}

// docs/errors.md is these pages; --rewrite renews it.
TEST(ErrorPagesTest, AreWhatTheDocumentationSays) {
  std::string expected =
      "# Errors by number\n\nMessages that begin with `error[E…]` have a page here; `nokv help "
      "E1203` "
      "prints it\nin the terminal. 11xx: directories. 12xx: their lock. 13xx: damage and formats. "
      "14xx:\na running engine. 21xx: servers. 22xx: settings. 23xx: clusters.\n";
  for (const ErrorPage& page : ErrorPages()) {
    expected += "\n## E" + std::to_string(page.number) + ": " + std::string(page.title) +
                "\n\n**Cause.** " + std::string(page.cause) + "\n\n**Way out.** " +
                std::string(page.way_out) + "\n";
  }
  const std::string path = NOKV_SOURCE_DIR "/docs/errors.md";
  if (datadriven::RewriteRequested()) std::ofstream(path, std::ios::binary) << expected;
  std::ifstream in(path, std::ios::binary);
  std::ostringstream documented;
  documented << in.rdbuf();
  EXPECT_EQ(documented.str(), expected) << "--rewrite renews docs/errors.md";
}

}  // namespace
}  // namespace nokv::cli
