#include "coordinator/holder.h"

#include <algorithm>

namespace nokv::coordinator {

Status CheckCoordinatorId(std::string_view id) {
  const auto is_plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '.';
  };
  if (!id.empty() && id.size() <= kMaxCoordinatorIdBytes &&
      std::all_of(id.begin(), id.end(), is_plain)) {
    return Status::Ok();
  }
  return Status::InvalidArgument("\"" + std::string(id.substr(0, kMaxCoordinatorIdBytes)) +
                                 "\" is no id of a coordinator")
      .WithHint("give it up to 64 letters, digits, '-', '_' and '.', like coord-1");
}

std::string FormatHolder(const Holder& holder) {
  return holder.id + "@" + holder.addr + "#" + holder.incarnation;
}

Holder ParseHolder(std::string_view text) {
  const size_t at = text.find('@');
  const size_t number = text.rfind('#');
  if (at == std::string_view::npos || number == std::string_view::npos || number < at) {
    return {.id = std::string(text)};
  }
  return {.id = std::string(text.substr(0, at)),
          .addr = std::string(text.substr(at + 1, number - at - 1)),
          .incarnation = std::string(text.substr(number + 1))};
}

}  // namespace nokv::coordinator
