#include "redis/acl/password.h"

#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <openssl/sha.h>

#include <algorithm>

#include "base/check.h"

namespace nokv::redis::acl {

namespace {

constexpr size_t kHashDigits = size_t{2} * SHA256_DIGEST_LENGTH;

std::string Hex(std::string_view bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string out;
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    out.push_back(kDigits[byte >> 4]);
    out.push_back(kDigits[byte & 15]);
  }
  return out;
}

}  // namespace

std::string HashPassword(std::string_view password) {
  std::string digest(SHA256_DIGEST_LENGTH, '\0');
  SHA256(reinterpret_cast<const unsigned char*>(password.data()), password.size(),
         reinterpret_cast<unsigned char*>(digest.data()));
  return Hex(digest);
}

bool IsPasswordHash(std::string_view text) {
  return text.size() == kHashDigits && std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

bool SameHash(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

std::string NewPassword(size_t bits) {
  const size_t digits = (bits + 3) / 4;
  std::string bytes((digits + 1) / 2, '\0');
  // A seeded base::Random can be guessed from its output; a password must not be.
  const int made =
      RAND_bytes(reinterpret_cast<unsigned char*>(bytes.data()), static_cast<int>(bytes.size()));
  NOKV_CHECK(made == 1) << "the operating system gives no random bytes";
  return Hex(bytes).substr(0, digits);
}

}  // namespace nokv::redis::acl
