// ShowInPager: a text that is longer than the screen, in the program with which the user reads long
// texts: PAGER, or less.
//
// Thread safety: none; ignores SIGPIPE meanwhile.
#pragma once

#include <cstdint>
#include <string>

#include "cli/flags.h"

namespace nokv::cli {

// Runs the pager until the user leaves it. False, and nothing has been shown, if `rows` lines are
// enough for `text`, PAGER is set to nothing, TERM is "dumb", or there is no such program.
bool ShowInPager(const std::string& text, const Variables& variables, uint64_t rows);

// Lines of the terminal that is standard output; UINT64_MAX if it does not say.
uint64_t TerminalRows();

}  // namespace nokv::cli
