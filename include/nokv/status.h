// Status and Result: how every nokv call reports that it could not do what was asked.
//
// A Status is 8 bytes; OK is a null pointer. A failed Status carries a canonical code (the sixteen
// that RPC systems share), a message that names the object and the position, an optional hint that
// says what to do about it, and an optional documented error number ("nokv help E1301"). Expected
// outcomes, such as a key that is not there, are values (std::optional), not errors.
//
//   Result<std::unique_ptr<DB>> db = DB::Open(options, path);
//   if (!db.ok()) std::cerr << db.status().ToString();
//
// Thread safety: immutable after construction; copying copies.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <ostream>
#include <string>
#include <string_view>
#include <utility>

namespace nokv {

enum class StatusCode : uint8_t {
  kOk = 0,
  kCancelled = 1,
  kUnknown = 2,
  kInvalidArgument = 3,
  kDeadlineExceeded = 4,
  kNotFound = 5,
  kAlreadyExists = 6,
  kPermissionDenied = 7,
  kResourceExhausted = 8,
  kFailedPrecondition = 9,
  kAborted = 10,
  kOutOfRange = 11,
  kUnimplemented = 12,
  kInternal = 13,
  kUnavailable = 14,
  kDataLoss = 15,
};

// "corruption" for kDataLoss, "invalid argument" for kInvalidArgument and so on.
std::string_view StatusCodeName(StatusCode code);

class [[nodiscard]] Status {
 public:
  Status() = default;
  Status(StatusCode code, std::string_view message);
  Status(const Status& other);
  Status& operator=(const Status& other);
  Status(Status&&) noexcept = default;
  Status& operator=(Status&&) noexcept = default;

  static Status Ok() { return {}; }
  static Status InvalidArgument(std::string_view message);
  static Status NotFound(std::string_view message);
  static Status AlreadyExists(std::string_view message);
  static Status PermissionDenied(std::string_view message);
  static Status ResourceExhausted(std::string_view message);
  static Status FailedPrecondition(std::string_view message);
  static Status Aborted(std::string_view message);
  static Status Unimplemented(std::string_view message);
  static Status Internal(std::string_view message);
  static Status Unavailable(std::string_view message);
  // Bytes on disk are not what was written. The message names file and offset.
  static Status Corruption(std::string_view message);
  // The operating system refused a file or socket operation; `error_number` is its errno.
  // ENOSPC, EDQUOT, EFBIG, EMFILE and ENFILE become kResourceExhausted, ENOENT kNotFound, EEXIST
  // kAlreadyExists, ENOTDIR kFailedPrecondition, EACCES, EPERM and EROFS kPermissionDenied,
  // everything else kUnavailable. Where errno tells the way out, it is the hint.
  static Status IoError(std::string_view context, int error_number);
  // What every call answers after Close.
  static Status Closed(std::string_view what);

  bool ok() const { return rep_ == nullptr; }
  StatusCode code() const { return rep_ ? rep_->code : StatusCode::kOk; }
  bool IsNotFound() const { return code() == StatusCode::kNotFound; }
  bool IsCorruption() const { return code() == StatusCode::kDataLoss; }
  // True if the same call may succeed later without anything being changed by hand.
  bool retryable() const;
  std::string_view message() const { return rep_ ? std::string_view(rep_->message) : ""; }
  std::string_view hint() const { return rep_ ? std::string_view(rep_->hint) : ""; }
  // The documented number ("nokv help E1301"), 0 if there is none.
  uint16_t error_number() const { return rep_ ? rep_->error_number : 0; }

  // Returns this status with context in front of the message ("open wal: …"); OK stays OK.
  Status Prefixed(std::string_view context) const;
  // Returns this status with the way out; OK stays OK.
  Status WithHint(std::string_view hint) const;
  // Returns this status with its documented number; OK stays OK.
  Status WithErrorNumber(uint16_t error_number) const;

  // "OK", or "corruption: MESSAGE; HINT; see nokv help E1301".
  std::string ToString() const;

 private:
  struct Rep {
    StatusCode code;
    uint16_t error_number = 0;
    std::string message;
    std::string hint;
  };
  std::unique_ptr<Rep> rep_;
};

std::ostream& operator<<(std::ostream& out, const Status& status);

// A value or the Status that says why there is none. Accessing the value of a failed Result stops
// the process.
template <typename T>
class [[nodiscard]] Result {
 public:
  // Implicit from both, so that `return value;` and `return status;` read as they should.
  Result(T value) : value_(std::move(value)) {}         // NOLINT(google-explicit-constructor)
  Result(Status status) : status_(std::move(status)) {  // NOLINT(google-explicit-constructor)
    if (status_.ok()) status_ = Status::Internal("Result made from an OK status");
  }

  bool ok() const { return value_.has_value(); }
  const Status& status() const { return status_; }
  T& value() & { return Checked(), *value_; }
  const T& value() const& { return Checked(), *value_; }
  // By value, so that `for (auto& x : *List())` does not look into a dead temporary.
  T value() && { return Checked(), std::move(*value_); }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T operator*() && { return std::move(*this).value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }

 private:
  void Checked() const;

  Status status_;
  std::optional<T> value_;
};

namespace internal {
[[noreturn]] void DieOnBadResultAccess(const Status& status);
}  // namespace internal

template <typename T>
void Result<T>::Checked() const {
  if (!value_.has_value()) internal::DieOnBadResultAccess(status_);
}

}  // namespace nokv
