// The documented error numbers: what each means, what causes it and the way out. The one list that
// `nokv help E1203` prints and docs/errors.md must agree with (a test compares them).
//
// 11xx directories, 12xx their lock, 13xx damage and formats, 14xx a running engine, 21xx servers,
// 22xx settings.
//
// Thread safety: pure functions over constants.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace nokv::cli {

struct ErrorPage {
  uint16_t number;
  std::string_view title;
  std::string_view cause;
  std::string_view way_out;
};

// Sorted by number.
std::span<const ErrorPage> ErrorPages();

// Null if there is no such number.
const ErrorPage* FindErrorPage(uint16_t number);

// The page as text for a terminal, lines of at most 80 columns.
std::string RenderErrorPage(const ErrorPage& page);

}  // namespace nokv::cli
