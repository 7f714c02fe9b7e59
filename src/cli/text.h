// Text for terminals: quoting what a user or a file said, and filling lines.
//
// Thread safety: pure functions.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace nokv::cli {

// The length in bytes of the UTF-8 character that `text` begins with; 0 if it is none.
size_t Utf8Length(std::string_view text);
// True if `text` is UTF-8 without control characters.
bool IsPrintable(std::string_view text);

// `text` in double quotes for a message: control bytes and what is not UTF-8 as \xNN, cut after 64
// bytes.
std::string Quoted(std::string_view text);

// Breaks the paragraphs of `text` (one line each) at blanks into lines of at most `width` columns,
// each behind `indent`; lines that begin with a blank are kept as they are. Ends with a line break.
std::string Fill(std::string_view text, size_t width, const std::string& indent);

// How many columns `text` takes, a character counting as one.
size_t Columns(std::string_view text);

}  // namespace nokv::cli
