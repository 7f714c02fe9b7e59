#include "redis/resp/reply.h"

#include <charconv>

namespace nokv::redis {

namespace {
void AppendNumberLine(char type, int64_t value, std::string* out) {
  char buffer[24];
  buffer[0] = type;
  char* end = std::to_chars(buffer + 1, buffer + sizeof buffer - 2, value).ptr;
  *end++ = '\r';
  *end++ = '\n';
  out->append(buffer, static_cast<size_t>(end - buffer));
}
}  // namespace

void Reply::Simple(std::string_view text) {
  out_->push_back('+');
  out_->append(text);
  out_->append("\r\n");
}

void Reply::Error(std::string_view text) {
  out_->push_back('-');
  for (const char c : text) out_->push_back(c == '\r' || c == '\n' ? ' ' : c);
  out_->append("\r\n");
  failed_ = true;
}

void Reply::Integer(int64_t value) {
  AppendNumberLine(':', value, out_);
}

void Reply::Bulk(std::string_view bytes) {
  AppendNumberLine('$', static_cast<int64_t>(bytes.size()), out_);
  out_->append(bytes);
  out_->append("\r\n");
}

void Reply::Null() {
  out_->append(protocol_ >= 3 ? "_\r\n" : "$-1\r\n");
}

void Reply::NullArray() {
  out_->append(protocol_ >= 3 ? "_\r\n" : "*-1\r\n");
}

void Reply::Map(size_t pairs) {
  if (protocol_ >= 3) {
    Header('%', pairs);
  } else {
    Header('*', pairs * 2);
  }
}

void Reply::Verbatim(std::string_view text) {
  if (protocol_ < 3) return Bulk(text);
  AppendNumberLine('=', static_cast<int64_t>(text.size() + 4), out_);
  out_->append("txt:");
  out_->append(text);
  out_->append("\r\n");
}

void Reply::Header(char type, size_t count) {
  AppendNumberLine(type, static_cast<int64_t>(count), out_);
}

std::string_view Reply::error() const {
  if (!failed_) return {};
  const std::string_view text = std::string_view(*out_).substr(begin_ + 1);
  return text.substr(0, text.find('\r'));
}

void Reply::Rewind() {
  out_->resize(begin_);
  failed_ = false;
  has_pushes_ = false;
}

}  // namespace nokv::redis
