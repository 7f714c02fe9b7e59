#include "bench/stress/oracle.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstdio>

#include "base/random.h"

namespace nokv::bench {

namespace {

constexpr size_t kKeyDigits = 8;

uint64_t Pack(KeyState state) {
  return uint64_t{state.version} << 1 | (state.present ? 1 : 0);
}
KeyState Unpack(uint64_t packed) {
  return {static_cast<uint32_t>(packed >> 1), (packed & 1) != 0};
}

}  // namespace

Result<std::unique_ptr<Oracle>> Oracle::Open(const std::string& path, uint64_t keys) {
  const int fd = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) return Status::IoError("open " + path, errno);
  const size_t bytes = (keys + 1) * sizeof(Slot);
  // New pages are zero: no key is there.
  const bool sized = ftruncate(fd, static_cast<off_t>(bytes)) == 0;
  void* memory =
      sized ? mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) : MAP_FAILED;
  const int error = errno;
  close(fd);
  if (memory == MAP_FAILED) return Status::IoError("map " + path, error);
  return std::unique_ptr<Oracle>(new Oracle(memory, keys));
}

Oracle::~Oracle() {
  munmap(memory_, (keys_ + 1) * sizeof(Slot));
}

KeyState Oracle::Acknowledged(uint64_t key) const {
  return Unpack(slot(key).acknowledged.load());
}
KeyState Oracle::Pending(uint64_t key) const {
  return Unpack(slot(key).pending.load());
}

KeyState Oracle::Begin(uint64_t key, bool present) {
  const KeyState state{static_cast<uint32_t>(slot(key).latest.fetch_add(1) + 1), present};
  slot(key).pending.store(Pack(state));
  return state;
}

void Oracle::End(uint64_t key) {
  slot(key).acknowledged.store(slot(key).pending.load());
}

void Oracle::Settle(uint64_t key, KeyState state) {
  slot(key).acknowledged.store(Pack(state));
  slot(key).pending.store(Pack(state));
}

void Oracle::CountOperation() {
  slots()->acknowledged.fetch_add(1, std::memory_order_relaxed);
}
uint64_t Oracle::operations() const {
  return slots()->acknowledged.load();
}

std::string StressKey(uint64_t key) {
  char text[32];
  std::snprintf(text, sizeof text, "key%0*llu", static_cast<int>(kKeyDigits),
                static_cast<unsigned long long>(key));
  return text;
}

std::optional<uint64_t> StressKeyNumber(std::string_view key) {
  if (!key.starts_with("key") || key.size() < 3 + kKeyDigits) return std::nullopt;
  uint64_t number = 0;
  const auto [end, error] = std::from_chars(key.data() + 3, key.data() + key.size(), number);
  if (error != std::errc() || end != key.data() + key.size()) return std::nullopt;
  return number;
}

std::string StressValue(uint64_t key, uint32_t version) {
  base::Random random(base::MixSeed(key) + version);
  // Most are small, some are of a page, few are large.
  uint64_t bytes = random.Uniform(200);
  if (random.OneIn(8)) bytes = random.Uniform(4096);
  if (random.OneIn(200)) bytes = random.Uniform(65'536);
  std::string value = std::to_string(key) + "." + std::to_string(version) + ".";
  while (value.size() < bytes) value.push_back(static_cast<char>('a' + random.Uniform(26)));
  return value;
}

}  // namespace nokv::bench
