// What every file system answers in the same words.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "nokv/status.h"

namespace nokv::vfs {

// An owner text is quoted up to this length.
constexpr size_t kMaxOwnerBytes = 256;

// kUnavailable, "/db/LOCK is held by OWNER". `owner` is what the lock file holds; trailing line
// ends are dropped, and an empty one reads "another process".
Status LockConflict(const std::string& path, std::string_view owner);

// Why a file got no second name: kUnimplemented if it cannot have one there.
Status LinkFailure(const std::string& from, const std::string& to, int error_number);

// kResourceExhausted: the whole file was asked for and is longer than `limit` bytes.
Status LongerThan(const std::string& path, uint64_t limit);

}  // namespace nokv::vfs
