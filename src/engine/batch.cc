#include "engine/batch.h"

#include "base/coding.h"
#include "base/crc32c.h"

namespace nokv::engine {

Batch::Batch() : rep_(kBatchHeaderBytes, '\0') {}

size_t Batch::Put(std::string_view engine_key, std::string_view value,
                  const lsm::EntryAttributes& attributes) {
  rep_.push_back(static_cast<char>(keys::Kind::kPut));
  base::PutLengthPrefixed(&rep_, engine_key);
  const size_t key_offset = rep_.size() - engine_key.size();
  char header[lsm::kMaxEntryHeaderBytes];
  const size_t header_bytes = lsm::StoreEntryHeader(header, attributes);
  rep_.push_back(static_cast<char>(header_bytes));
  rep_.append(header, header_bytes);
  base::PutVarint64(&rep_, value.size());
  base::PutFixed32(&rep_, base::MaskCrc(base::Crc32c(value)));
  rep_.append(value);
  base::StoreFixed32(rep_.data() + 8, ++count_);
  return key_offset;
}

size_t Batch::Delete(std::string_view engine_key) {
  rep_.push_back(static_cast<char>(keys::Kind::kDelete));
  base::PutLengthPrefixed(&rep_, engine_key);
  base::StoreFixed32(rep_.data() + 8, ++count_);
  return rep_.size() - engine_key.size();
}

void Batch::DeleteRange(std::string_view start_prefix, std::string_view end_prefix) {
  rep_.push_back(static_cast<char>(keys::Kind::kRangeDelete));
  base::PutLengthPrefixed(&rep_, start_prefix);
  base::PutLengthPrefixed(&rep_, end_prefix);
  base::StoreFixed32(rep_.data() + 8, ++count_);
}

void Batch::Clear() {
  rep_.assign(kBatchHeaderBytes, '\0');
  count_ = 0;
}

BatchReader::BatchReader(std::string_view encoding) : encoding_(encoding) {
  if (encoding.size() < kBatchHeaderBytes) {
    Fail("header is cut short");
    return;
  }
  first_sequence_ = base::LoadFixed64(encoding.data());
  count_ = base::LoadFixed32(encoding.data() + 8);
  rest_ = encoding.substr(kBatchHeaderBytes);
}

bool BatchReader::Fail(std::string_view what) {
  status_ = Status::Corruption("batch entry " + std::to_string(read_) + ": " + std::string(what));
  return false;
}

bool BatchReader::Next(BatchEntry* entry, bool verify_values) {
  if (!status_.ok()) return false;
  if (read_ == count_) {
    return rest_.empty() ? false : Fail("bytes follow the last entry");
  }
  if (rest_.empty()) return Fail("entries are missing");
  entry->kind = static_cast<keys::Kind>(rest_[0]);
  rest_.remove_prefix(1);
  if (!base::GetLengthPrefixed(&rest_, &entry->key)) return Fail("key is cut short");
  entry->attributes = {};
  entry->value = {};
  switch (entry->kind) {
    case keys::Kind::kDelete:
      break;
    case keys::Kind::kRangeDelete:
      if (!base::GetLengthPrefixed(&rest_, &entry->value)) return Fail("range is cut short");
      break;
    case keys::Kind::kPut: {
      std::string_view header;
      uint64_t length;
      lsm::ParsedPayload parsed;
      if (!base::GetLengthPrefixed(&rest_, &header) || !lsm::ParseEntryPayload(header, &parsed) ||
          !parsed.value.empty() || parsed.pointer.has_value()) {
        return Fail("attributes are malformed");
      }
      entry->attributes = parsed.attributes;
      if (!base::GetVarint64(&rest_, &length) || !base::GetFixed32(&rest_, &entry->value_crc) ||
          length > rest_.size()) {
        return Fail("value is cut short");
      }
      entry->value_offset = static_cast<uint64_t>(rest_.data() - encoding_.data());
      entry->value = rest_.substr(0, length);
      rest_.remove_prefix(length);
      if (verify_values && base::MaskCrc(base::Crc32c(entry->value)) != entry->value_crc) {
        return Fail("value checksum mismatch");
      }
      break;
    }
    default:
      return Fail("kind " + std::to_string(static_cast<int>(entry->kind)) + " is unknown");
  }
  if (entry->kind != keys::Kind::kRangeDelete && !keys::IsEngineKey(entry->key)) {
    return Fail("key is malformed");
  }
  read_++;
  return true;
}

}  // namespace nokv::engine
