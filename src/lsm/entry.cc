#include "lsm/entry.h"

#include "base/coding.h"

namespace nokv::lsm {

namespace {
constexpr uint8_t kHasExpiry = 1;
constexpr uint8_t kHasUserMeta = 2;
constexpr uint8_t kHasOrigin = 4;
constexpr uint8_t kHasPointer = 8;
constexpr uint8_t kKnownFlags = kHasExpiry | kHasUserMeta | kHasOrigin | kHasPointer;
}  // namespace

size_t StoreEntryHeader(char* out, const EntryAttributes& attributes,
                        const vlog::ValuePointer* pointer) {
  uint8_t flags = 0;
  char* p = out + 1;
  if (attributes.expiry_ms != 0) {
    flags |= kHasExpiry;
    p = base::StoreVarint64(p, attributes.expiry_ms);
  }
  if (attributes.user_meta != 0) {
    flags |= kHasUserMeta;
    *p++ = static_cast<char>(attributes.user_meta);
  }
  if (attributes.origin.has_value()) {
    flags |= kHasOrigin;
    base::StoreFixed64(p, *attributes.origin);
    p += sizeof(uint64_t);
  }
  if (pointer != nullptr) {
    flags |= kHasPointer;
    p = vlog::StorePointer(p, *pointer);
  }
  out[0] = static_cast<char>(flags);
  return static_cast<size_t>(p - out);
}

void AppendEntryPayload(const EntryAttributes& attributes, std::string_view value,
                        std::string* out) {
  char header[kMaxEntryHeaderBytes];
  out->append(header, StoreEntryHeader(header, attributes));
  out->append(value);
}

void AppendApartPayload(const EntryAttributes& attributes, const vlog::ValuePointer& pointer,
                        std::string* out) {
  char header[kMaxEntryHeaderBytes];
  out->append(header, StoreEntryHeader(header, attributes, &pointer));
}

bool ParseEntryPayload(std::string_view payload, ParsedPayload* parsed) {
  if (payload.empty()) return false;
  const auto flags = static_cast<uint8_t>(payload[0]);
  if ((flags & ~kKnownFlags) != 0) return false;
  payload.remove_prefix(1);
  EntryAttributes* attributes = &parsed->attributes;
  *attributes = {};
  parsed->pointer.reset();
  if ((flags & kHasExpiry) != 0 && !base::GetVarint64(&payload, &attributes->expiry_ms)) {
    return false;
  }
  if ((flags & kHasUserMeta) != 0) {
    if (payload.empty()) return false;
    attributes->user_meta = static_cast<uint8_t>(payload[0]);
    payload.remove_prefix(1);
  }
  if ((flags & kHasOrigin) != 0) {
    uint64_t origin = 0;
    if (!base::GetFixed64(&payload, &origin)) return false;
    attributes->origin = origin;
  }
  parsed->value = payload;
  if ((flags & kHasPointer) == 0) return true;
  if (!vlog::GetPointer(&parsed->value, &parsed->pointer.emplace())) return false;
  // All of the value, or nothing.
  return parsed->value.empty() || parsed->value.size() == parsed->pointer->length;
}

}  // namespace nokv::lsm
