#include "cli/pager.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>

namespace nokv::cli {

namespace {

// Colours stay, and what fits after all is left on the screen. Nothing is said if there is no less.
constexpr const char* kDefault = "command -v less >/dev/null || exit 127; exec less -FRX";
// What the shell says of a program that is not there.
constexpr int kNoSuchProgram = 127;

}  // namespace

bool ShowInPager(const std::string& text, const Variables& variables, uint64_t rows) {
  if (static_cast<uint64_t>(std::count(text.begin(), text.end(), '\n')) < rows) return false;
  if (variables("TERM") == "dumb") return false;
  const std::string pager = variables("PAGER").value_or(kDefault);
  if (pager.empty()) return false;
  std::FILE* const pipe = popen(pager.c_str(), "w");
  if (pipe == nullptr) return false;
  // Who leaves the pager early has seen enough.
  const auto before = std::signal(SIGPIPE, SIG_IGN);
  (void)std::fwrite(text.data(), 1, text.size(), pipe);
  const int status = pclose(pipe);
  std::signal(SIGPIPE, before);
  return !WIFEXITED(status) || WEXITSTATUS(status) != kNoSuchProgram;
}

uint64_t TerminalRows() {
  winsize size{};
  const bool known = ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row > 0;
  return known ? size.ws_row : UINT64_MAX;
}

}  // namespace nokv::cli
