// Passwords: what is kept of them, how they are compared, and new ones.
//
// Only SHA-256 hashes are kept, as in Redis: 64 lower-case hexadecimal digits.
//
// Thread safety: thread-safe.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace nokv::redis::acl {

std::string HashPassword(std::string_view password);
bool IsPasswordHash(std::string_view text);
// In a time that does not depend on where they differ.
bool SameHash(std::string_view a, std::string_view b);

// `bits`, rounded up to whole digits, from the operating system's generator for keys.
std::string NewPassword(size_t bits);

}  // namespace nokv::redis::acl
