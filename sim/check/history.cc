#include "sim/check/history.h"

namespace nokv::sim {
namespace {

std::string Text(const RegisterValue& value) {
  return value ? std::to_string(*value) : std::string("nothing");
}

std::string What(const HistoryOperation& operation) {
  const std::string argument = std::to_string(operation.argument);
  switch (operation.kind) {
    case OperationKind::kRead:
      return "read";
    case OperationKind::kWrite:
      return "write " + argument;
    case OperationKind::kCas:
      return "cas " + Text(operation.expected) + " to " + argument;
    case OperationKind::kDelete:
      return "delete";
    case OperationKind::kAdd:
      return "add " + argument;
  }
  return "?";
}

}  // namespace

RegisterValue Apply(const HistoryOperation& operation, const RegisterValue& before) {
  switch (operation.kind) {
    case OperationKind::kRead:
      return before;
    case OperationKind::kWrite:
      return operation.argument;
    case OperationKind::kCas:
      return before == operation.expected ? RegisterValue(operation.argument) : before;
    case OperationKind::kDelete:
      return std::nullopt;
    case OperationKind::kAdd:
      // Wraps: a sum is compared, not used.
      return static_cast<int64_t>(static_cast<uint64_t>(before.value_or(0)) +
                                  static_cast<uint64_t>(operation.argument));
  }
  return before;
}

std::string ToString(const HistoryOperation& operation) {
  std::string text = "client " + std::to_string(operation.client) + ", key " +
                     std::to_string(operation.key) + ": " + What(operation);
  if (operation.observes()) text += ", was " + Text(operation.before);
  return text + " [" + std::to_string(operation.invoked_us) + ", " +
         (operation.known() ? std::to_string(operation.returned_us) : "?") + "]";
}

}  // namespace nokv::sim
