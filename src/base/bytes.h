// Bytes for people: keys printed so that they are unambiguous.
#pragma once

#include <string>
#include <string_view>

namespace nokv::base {

// Printable ASCII stays; backslash and quotes are escaped; everything else becomes \xNN.
std::string EscapeBytes(std::string_view bytes);

// "00ff41".
std::string HexBytes(std::string_view bytes);

}  // namespace nokv::base
