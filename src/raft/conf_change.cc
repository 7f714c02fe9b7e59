#include "raft/conf_change.h"

#include <charconv>
#include <optional>

#include "base/macros.h"

namespace nokv::raft {
namespace {

// The two wire types that the messages use.
constexpr uint64_t kVarint = 0;
constexpr uint64_t kBytes = 2;

void PutVarint(std::string* out, uint64_t value) {
  for (; value >= 0x80; value >>= 7) out->push_back(static_cast<char>(value | 0x80));
  out->push_back(static_cast<char>(value));
}

void PutNumber(std::string* out, uint64_t field, uint64_t value) {
  PutVarint(out, field << 3 | kVarint);
  PutVarint(out, value);
}

void PutBytes(std::string* out, uint64_t field, std::string_view bytes) {
  PutVarint(out, field << 3 | kBytes);
  PutVarint(out, bytes.size());
  out->append(bytes);
}

std::optional<uint64_t> TakeVarint(std::string_view* in) {
  uint64_t value = 0;
  for (int shift = 0; shift < 64 && !in->empty(); shift += 7) {
    const auto byte = static_cast<uint8_t>(in->front());
    in->remove_prefix(1);
    value |= static_cast<uint64_t>(byte & 0x7f) << shift;
    if (byte < 0x80) return value;
  }
  return std::nullopt;
}

struct Field {
  uint64_t number = 0;
  uint64_t value = 0;      // of a varint
  std::string_view bytes;  // of a byte field
};

// The next field of a message, in which only the two wire types occur.
std::optional<Field> TakeField(std::string_view* in) {
  const auto tag = TakeVarint(in);
  const auto value = TakeVarint(in);
  if (!tag || !value) return std::nullopt;
  Field field{*tag >> 3, *value, {}};
  if ((*tag & 7) == kVarint) return field;
  if ((*tag & 7) != kBytes || *value > in->size()) return std::nullopt;
  field.bytes = in->substr(0, *value);
  in->remove_prefix(*value);
  return field;
}

Status Malformed(const Entry& entry, std::string_view what) {
  return Status::InvalidArgument("configuration change at index " + std::to_string(entry.index) +
                                 ": " + std::string(what));
}

// Field numbers: V2 holds transition 1, changes 2 (type 1, node 2) and context 3.
std::string EncodeV2(const ConfChange& change) {
  std::string out;
  PutNumber(&out, 1, static_cast<uint64_t>(change.transition));
  for (const ConfChangeStep& step : change.steps) {
    std::string inner;
    PutNumber(&inner, 1, static_cast<uint64_t>(step.type));
    PutNumber(&inner, 2, step.node);
    PutBytes(&out, 2, inner);
  }
  if (!change.context.empty()) PutBytes(&out, 3, change.context);
  return out;
}

// The first form holds id 1, type 2, node 3 and context 4.
std::string EncodeV1(const ConfChange& change) {
  std::string out;
  PutNumber(&out, 1, 0);
  PutNumber(&out, 2, static_cast<uint64_t>(change.steps[0].type));
  PutNumber(&out, 3, change.steps[0].node);
  if (!change.context.empty()) PutBytes(&out, 4, change.context);
  return out;
}

// Reads type and node, which stand in the fields `first` and `first` + 1; other fields are given to
// `other`.
template <typename Other>
Status DecodeStep(const Entry& entry, std::string_view in, uint64_t first, ConfChangeStep* step,
                  Other other) {
  while (!in.empty()) {
    const auto field = TakeField(&in);
    if (!field) return Malformed(entry, "the bytes end inside a field");
    if (field->number == first) {
      if (field->value > 3) return Malformed(entry, "unknown kind of change");
      step->type = static_cast<ConfChangeType>(field->value);
    } else if (field->number == first + 1) {
      step->node = field->value;
    } else {
      other(*field);
    }
  }
  return Status::Ok();
}

Status DecodeV2(const Entry& entry, ConfChange* change) {
  std::string_view in = entry.data.view();
  while (!in.empty()) {
    const auto field = TakeField(&in);
    if (!field) return Malformed(entry, "the bytes end inside a field");
    if (field->number == 1) {
      if (field->value > 2) return Malformed(entry, "unknown transition");
      change->transition = static_cast<Transition>(field->value);
    } else if (field->number == 2) {
      ConfChangeStep& step = change->steps.emplace_back();
      RETURN_IF_ERROR(DecodeStep(entry, field->bytes, 1, &step, [](const Field&) {}));
    } else if (field->number == 3) {
      change->context = field->bytes;
    }
  }
  return Status::Ok();
}

}  // namespace

Entry EncodeConfChange(const ConfChange& change, bool v1) {
  Entry entry;
  entry.type = v1 ? EntryType::kConfChange : EntryType::kConfChangeV2;
  entry.data = v1 ? EncodeV1(change) : EncodeV2(change);
  return entry;
}

Result<ConfChange> DecodeConfChange(const Entry& entry) {
  ConfChange change;
  if (entry.type == EntryType::kConfChange) {
    ConfChangeStep& step = change.steps.emplace_back();
    RETURN_IF_ERROR(DecodeStep(entry, entry.data.view(), 2, &step, [&](const Field& field) {
      if (field.number == 4) change.context = field.bytes;
    }));
    return change;
  }
  if (entry.type != EntryType::kConfChangeV2) return Malformed(entry, "an ordinary entry");
  RETURN_IF_ERROR(DecodeV2(entry, &change));
  return change;
}

Result<std::vector<ConfChangeStep>> ParseConfChangeSteps(std::string_view text) {
  std::vector<ConfChangeStep> steps;
  while (true) {
    const size_t start = text.find_first_not_of(" \n");
    if (start == std::string_view::npos) return steps;
    text.remove_prefix(start);
    const std::string_view token = text.substr(0, text.find_first_of(" \n"));
    text.remove_prefix(token.size());
    ConfChangeStep& step = steps.emplace_back();
    switch (token[0]) {
      case 'v':
        step.type = ConfChangeType::kAddVoter;
        break;
      case 'l':
        step.type = ConfChangeType::kAddLearner;
        break;
      case 'r':
        step.type = ConfChangeType::kRemove;
        break;
      case 'u':
        step.type = ConfChangeType::kUpdate;
        break;
      default:
        return Status::InvalidArgument("unknown input: " + std::string(token));
    }
    const char* end = token.data() + token.size();
    const auto [stop, error] = std::from_chars(token.data() + 1, end, step.node);
    if (token.size() < 2 || error != std::errc() || stop != end) {
      return Status::InvalidArgument("unknown token " + std::string(token));
    }
  }
}

std::string ToString(const std::vector<ConfChangeStep>& steps) {
  std::string text;
  for (const ConfChangeStep& step : steps) {
    if (!text.empty()) text += ' ';
    text += "vrul"[static_cast<size_t>(step.type)] + std::to_string(step.node);
  }
  return text;
}

}  // namespace nokv::raft
