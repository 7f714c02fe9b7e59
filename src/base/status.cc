#include "nokv/status.h"

#include <cerrno>
#include <cstring>

#include "base/check.h"

namespace nokv {

std::string_view StatusCodeName(StatusCode code) {
  switch (code) {
    case StatusCode::kOk:
      return "OK";
    case StatusCode::kCancelled:
      return "cancelled";
    case StatusCode::kUnknown:
      return "unknown";
    case StatusCode::kInvalidArgument:
      return "invalid argument";
    case StatusCode::kDeadlineExceeded:
      return "deadline exceeded";
    case StatusCode::kNotFound:
      return "not found";
    case StatusCode::kAlreadyExists:
      return "already exists";
    case StatusCode::kPermissionDenied:
      return "permission denied";
    case StatusCode::kResourceExhausted:
      return "resource exhausted";
    case StatusCode::kFailedPrecondition:
      return "failed precondition";
    case StatusCode::kAborted:
      return "aborted";
    case StatusCode::kOutOfRange:
      return "out of range";
    case StatusCode::kUnimplemented:
      return "not implemented";
    case StatusCode::kInternal:
      return "internal error";
    case StatusCode::kUnavailable:
      return "unavailable";
    case StatusCode::kDataLoss:
      return "corruption";
  }
  return "unknown";
}

Status::Status(StatusCode code, std::string_view message) {
  if (code == StatusCode::kOk) return;
  rep_ = std::make_unique<Rep>();
  rep_->code = code;
  rep_->message = message;
}

Status::Status(const Status& other)
    : rep_(other.rep_ ? std::make_unique<Rep>(*other.rep_) : nullptr) {}

Status& Status::operator=(const Status& other) {
  if (this != &other) rep_ = other.rep_ ? std::make_unique<Rep>(*other.rep_) : nullptr;
  return *this;
}

Status Status::InvalidArgument(std::string_view m) {
  return {StatusCode::kInvalidArgument, m};
}
Status Status::NotFound(std::string_view m) {
  return {StatusCode::kNotFound, m};
}
Status Status::AlreadyExists(std::string_view m) {
  return {StatusCode::kAlreadyExists, m};
}
Status Status::PermissionDenied(std::string_view m) {
  return {StatusCode::kPermissionDenied, m};
}
Status Status::ResourceExhausted(std::string_view m) {
  return {StatusCode::kResourceExhausted, m};
}
Status Status::FailedPrecondition(std::string_view m) {
  return {StatusCode::kFailedPrecondition, m};
}
Status Status::Aborted(std::string_view m) {
  return {StatusCode::kAborted, m};
}
Status Status::Unimplemented(std::string_view m) {
  return {StatusCode::kUnimplemented, m};
}
Status Status::Internal(std::string_view m) {
  return {StatusCode::kInternal, m};
}
Status Status::Unavailable(std::string_view m) {
  return {StatusCode::kUnavailable, m};
}
Status Status::Corruption(std::string_view m) {
  return {StatusCode::kDataLoss, m};
}

Status Status::IoError(std::string_view context, int error_number) {
  std::string message(context);
  message += ": ";
  message += std::strerror(error_number);
  switch (error_number) {
    case ENOSPC:
    case EDQUOT:
      return ResourceExhausted(message).WithHint("free disk space");
    case EFBIG:
      return ResourceExhausted(message).WithHint("raise the limit of file size (ulimit -f)");
    case EMFILE:
    case ENFILE:
      return ResourceExhausted(message).WithHint("raise the limit of open files (ulimit -n)");
    case ENOENT:
      return NotFound(message);
    case EEXIST:
      return AlreadyExists(message);
    case ENOTDIR:
      return FailedPrecondition(message).WithHint("name a directory; this path leads to a file");
    case EACCES:
    case EPERM:
      return PermissionDenied(message).WithHint(
          "run as the owner of the files, or grant access to them");
    case EROFS:
      return PermissionDenied(message).WithHint("mount the file system for writing");
    default:
      return Unavailable(message);
  }
}

Status Status::Closed(std::string_view what) {
  return FailedPrecondition(std::string(what) + " is closed");
}

bool Status::retryable() const {
  switch (code()) {
    case StatusCode::kUnavailable:
    case StatusCode::kResourceExhausted:
    case StatusCode::kAborted:
    case StatusCode::kDeadlineExceeded:
      return true;
    default:
      return false;
  }
}

Status Status::Prefixed(std::string_view context) const {
  Status result = *this;
  if (result.rep_) result.rep_->message = std::string(context) + ": " + result.rep_->message;
  return result;
}

Status Status::WithHint(std::string_view hint) const {
  Status result = *this;
  if (result.rep_) result.rep_->hint = hint;
  return result;
}

Status Status::WithErrorNumber(uint16_t error_number) const {
  Status result = *this;
  if (result.rep_) result.rep_->error_number = error_number;
  return result;
}

std::string Status::ToString() const {
  if (ok()) return "OK";
  std::string text(StatusCodeName(code()));
  text += ": ";
  text += rep_->message;
  if (!rep_->hint.empty()) text += "; " + rep_->hint;
  if (rep_->error_number != 0) text += "; see nokv help E" + std::to_string(rep_->error_number);
  return text;
}

std::ostream& operator<<(std::ostream& out, const Status& status) {
  return out << status.ToString();
}

namespace internal {
void DieOnBadResultAccess(const Status& status) {
  NOKV_CHECK(false) << "value of a failed Result: " << status.ToString();
  std::abort();
}
}  // namespace internal

}  // namespace nokv
