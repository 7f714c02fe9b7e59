#include "lsm/sst/properties.h"

#include <array>

#include "base/bytes.h"
#include "base/coding.h"

namespace nokv::lsm::internal {

namespace {

// A field is either a number (stored as varint64) or text.
struct Field {
  std::string_view name;
  uint64_t* number;
  std::string* text;
};
constexpr size_t kFields = 15;
// Those that need not be there.
constexpr std::string_view kComparator = "comparator";
constexpr std::string_view kRangeFilter = "range-filter";

std::array<Field, kFields> FieldsOf(Properties& p) {
  TableSummary& s = p.summary;
  return {{{"entries", &s.entries, nullptr},
           {"deletions", &s.deletions, nullptr},
           {"range-tombstones", &s.range_tombstones, nullptr},
           {"raw-key-bytes", &s.raw_key_bytes, nullptr},
           {"raw-value-bytes", &s.raw_value_bytes, nullptr},
           {"smallest", nullptr, &s.smallest},
           {"largest", nullptr, &s.largest},
           {"smallest-sequence", &s.smallest_sequence, nullptr},
           {"largest-sequence", &s.largest_sequence, nullptr},
           {"earliest-expiry-ms", &s.earliest_expiry_ms, nullptr},
           {"file-number", &p.file_number, nullptr},
           {"level", &p.level, nullptr},
           {"compression", nullptr, &p.compression},
           {"filter", nullptr, &p.filter},
           {"engine-version", nullptr, &p.engine_version}}};
}

}  // namespace

std::string EncodeProperties(const Properties& properties) {
  Properties copy = properties;
  std::string out;
  if (!properties.comparator.empty()) {
    base::PutLengthPrefixed(&out, kComparator);
    base::PutLengthPrefixed(&out, properties.comparator);
  }
  if (!properties.range_filter.empty()) {
    base::PutLengthPrefixed(&out, kRangeFilter);
    base::PutLengthPrefixed(&out, properties.range_filter);
  }
  for (const Field& field : FieldsOf(copy)) {
    base::PutLengthPrefixed(&out, field.name);
    if (field.text != nullptr) {
      base::PutLengthPrefixed(&out, *field.text);
    } else {
      std::string number;
      base::PutVarint64(&number, *field.number);
      base::PutLengthPrefixed(&out, number);
    }
  }
  return out;
}

bool DecodeProperties(std::string_view contents, Properties* properties) {
  const std::array<Field, kFields> fields = FieldsOf(*properties);
  std::array<bool, kFields> found{};
  while (!contents.empty()) {
    std::string_view name, value;
    if (!base::GetLengthPrefixed(&contents, &name) || !base::GetLengthPrefixed(&contents, &value)) {
      return false;
    }
    if (name == kComparator) properties->comparator.assign(value);
    if (name == kRangeFilter) properties->range_filter.assign(value);
    for (size_t i = 0; i < kFields; i++) {
      if (fields[i].name != name) continue;
      if (fields[i].text != nullptr) {
        fields[i].text->assign(value);
      } else if (!base::GetVarint64(&value, fields[i].number) || !value.empty()) {
        return false;
      }
      found[i] = true;
    }
  }
  for (const bool present : found) {
    if (!present) return false;
  }
  return true;
}

std::vector<std::pair<std::string, std::string>> ListProperties(const Properties& properties) {
  Properties copy = properties;
  std::vector<std::pair<std::string, std::string>> list;
  for (const Field& field : FieldsOf(copy)) {
    list.emplace_back(field.name, field.text != nullptr ? base::EscapeBytes(*field.text)
                                                        : std::to_string(*field.number));
  }
  if (!properties.comparator.empty()) {
    list.emplace_back(kComparator, base::EscapeBytes(properties.comparator));
  }
  if (!properties.range_filter.empty()) {
    list.emplace_back(kRangeFilter, base::EscapeBytes(properties.range_filter));
  }
  return list;
}

}  // namespace nokv::lsm::internal
