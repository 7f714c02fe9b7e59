#include <gtest/gtest.h>

#include <cerrno>
#include <cstring>
#include <set>
#include <thread>

#include "base/arena.h"
#include "base/atomic_max.h"
#include "base/bytes.h"
#include "base/coding.h"
#include "base/crc32c.h"
#include "base/framed.h"
#include "base/hash.h"
#include "base/macros.h"
#include "base/random.h"
#include "base/system_memory.h"
#include "nokv/status.h"

#if defined(__x86_64__)
#include <cpuid.h>
#include <immintrin.h>
#endif

namespace nokv::base {
namespace {

TEST(StatusTest, CarriesCodeMessageHintAndNumberThroughPrefixes) {
  const Status status = Status::Corruption("record 7").WithHint("restore it").WithErrorNumber(1301);
  const Status outer = status.Prefixed("manifest 12");
  EXPECT_EQ(outer.code(), StatusCode::kDataLoss);
  EXPECT_EQ(outer.ToString(), "corruption: manifest 12: record 7; restore it; see nokv help E1301");
  EXPECT_TRUE(Status::Ok().Prefixed("x").ok());
}

TEST(StatusTest, MapsErrnoToCanonicalCodes) {
  EXPECT_EQ(Status::IoError("write", ENOSPC).code(), StatusCode::kResourceExhausted);
  EXPECT_EQ(Status::IoError("open", ENOENT).code(), StatusCode::kNotFound);
  EXPECT_EQ(Status::IoError("fsync", EIO).code(), StatusCode::kUnavailable);
  EXPECT_EQ(Status::IoError("open", ENOTDIR).code(), StatusCode::kFailedPrecondition);
}

TEST(StatusTest, SaysTheWayOutWhereErrnoTellsIt) {
  for (const int error : {ENOSPC, EFBIG, EMFILE, ENOTDIR, EACCES, EROFS}) {
    EXPECT_FALSE(Status::IoError("open /db", error).hint().empty()) << std::strerror(error);
  }
  EXPECT_TRUE(Status::IoError("open /db", EIO).hint().empty());
}

Result<int> Half(int n) {
  if (n % 2 != 0) return Status::InvalidArgument("odd");
  return n / 2;
}
Result<int> Quarter(int n) {
  ASSIGN_OR_RETURN(const int half, Half(n));
  return Half(half);
}

TEST(ResultTest, AssignOrReturnPassesTheFirstErrorOn) {
  EXPECT_EQ(Quarter(8).value(), 2);
  EXPECT_EQ(Quarter(6).status().message(), "odd");
}

TEST(ResultDeathTest, ValueOfAFailedResultStopsTheProcess) {
  EXPECT_DEATH((void)Half(1).value(), "value of a failed Result");
}

TEST(CodingTest, VarintsRoundTripAtEveryPowerOfTwo) {
  for (int bit = 0; bit < 64; bit++) {
    for (const uint64_t value : {(uint64_t{1} << bit) - 1, uint64_t{1} << bit}) {
      std::string bytes;
      PutVarint64(&bytes, value);
      EXPECT_EQ(bytes.size(), VarintLength(value));
      std::string_view in = bytes;
      uint64_t decoded = 0;
      ASSERT_TRUE(GetVarint64(&in, &decoded));
      EXPECT_EQ(decoded, value);
      EXPECT_TRUE(in.empty());
    }
  }
}

TEST(CodingTest, RejectsTruncatedAndOverlongInput) {
  uint64_t value;
  std::string_view in = "\x80\x80";
  EXPECT_FALSE(GetVarint64(&in, &value));
  const std::string overlong(11, '\xff');
  in = overlong;
  EXPECT_FALSE(GetVarint64(&in, &value));
  std::string_view text;
  in = std::string_view(
      "\x05"
      "abc",
      4);
  EXPECT_FALSE(GetLengthPrefixed(&in, &text));
}

TEST(AtomicMaxTest, KeepsTheLargestValueOfAllThreads) {
  std::atomic<uint64_t> most{0};
  const auto count = [&most](uint64_t first) {
    for (uint64_t value = first; value < 10'000; value += 2) AtomicMax(&most, value);
    AtomicMax(&most, 1);
  };
  std::thread odd(count, 1);
  count(0);
  odd.join();
  EXPECT_EQ(most.load(), 9'999U);
}

TEST(Crc32cTest, MatchesThePublishedVectors) {
  // RFC 3720, appendix B.4.
  EXPECT_EQ(Crc32c(std::string(32, '\0')), 0x8a9136aaU);
  EXPECT_EQ(Crc32c(std::string(32, '\xff')), 0x62a8ab43U);
  EXPECT_EQ(Crc32c("123456789"), 0xe3069283U);
}

#if defined(__x86_64__)
// The upper halves of the 256-bit and of the 512-bit registers, as the processor numbers what it
// would have to save (XINUSE).
constexpr uint64_t kUpperHalves = 1 << 2 | 1 << 6;

[[gnu::target("avx,xsave")]] uint64_t UpperHalvesInUse() {
  return _xgetbv(1) & kUpperHalves;
}
[[gnu::target("avx")]] void ClearUpperHalves() {
  _mm256_zeroupper();
}
bool ProcessorTellsWhatIsInUse() {
  unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
  constexpr unsigned kTells = 1 << 2;
  return __builtin_cpu_supports("avx") != 0 && __get_cpuid_count(0xd, 1, &eax, &ebx, &ecx, &edx) &&
         (eax & kTells) != 0;
}

TEST(Crc32cTest, LeavesNoUpperHalvesOfVectorRegistersInUse) {
  if (!ProcessorTellsWhatIsInUse()) GTEST_SKIP() << "the processor does not tell";
  ClearUpperHalves();
  if (UpperHalvesInUse() != 0) GTEST_SKIP() << "the processor says they always are";
  const std::string data(1000, 'x');
  const uint32_t crc = Crc32c(data);
  EXPECT_EQ(UpperHalvesInUse(), 0U) << crc;
}
#endif

TEST(Crc32cTest, SeedContinuesAndMaskingIsReversible) {
  EXPECT_EQ(Crc32c("456789", Crc32c("123")), Crc32c("123456789"));
  EXPECT_EQ(UnmaskCrc(MaskCrc(0x12345678U)), 0x12345678U);
}

TEST(HashTest, IsStableAcrossVersions) {
  EXPECT_EQ(Hash64("nokv"), Hash64("nokv"));
  EXPECT_NE(Hash64("nokv"), Hash64("nokv", 1));
  EXPECT_EQ(Hash64(""), 0x2d06800538d394c2ULL);
}

TEST(RandomTest, SameSeedGivesTheSameSequence) {
  Random a(7), b(7), c(8);
  EXPECT_EQ(a.Next(), b.Next());
  EXPECT_NE(a.Next(), c.Next());
  for (int i = 0; i < 1000; i++) EXPECT_LT(a.Uniform(10), 10U);
}

TEST(ArenaTest, PiecesOfConcurrentAllocationsNeverOverlap) {
  Arena arena(4096);
  std::vector<std::thread> threads;
  std::vector<std::vector<char*>> pieces(4);
  for (int t = 0; t < 4; t++) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 2000; i++) {
        char* piece = arena.Allocate(24);
        std::memset(piece, 'a' + t, 24);
        pieces[t].push_back(piece);
      }
    });
  }
  for (auto& thread : threads) thread.join();
  std::set<char*> all;
  for (int t = 0; t < 4; t++) {
    for (char* piece : pieces[t]) {
      EXPECT_EQ(std::string_view(piece, 24), std::string(24, static_cast<char>('a' + t)));
      EXPECT_TRUE(all.insert(piece).second);
    }
  }
  EXPECT_GE(arena.MemoryUsage(), 8000U * 24);
}

TEST(ArenaTest, KeepsPiecesApartInBlocksOfEveryKind) {
  Arena arena;
  std::vector<char*> pieces;
  size_t bytes = 0;
  // Grows from blocks of the allocator to units of the system's, with pieces of blocks of their own
  // between.
  for (size_t size = 1000; bytes < 4 * SystemMemory::kUnitBytes; size += 1000) {
    char* piece = arena.Allocate(size);
    std::memset(piece, static_cast<char>(size / 1000), size);
    pieces.push_back(piece);
    bytes += size;
  }
  char* const whole = arena.Allocate(SystemMemory::kUnitBytes);
  std::memset(whole, 'w', SystemMemory::kUnitBytes);
  for (size_t i = 0; i < pieces.size(); i++) {
    const auto expected = static_cast<char>(i + 1);
    EXPECT_EQ(std::string_view(pieces[i], 1000 * (i + 1)), std::string(1000 * (i + 1), expected));
  }
  EXPECT_GE(arena.MemoryUsage(), bytes + SystemMemory::kUnitBytes);
}

TEST(MemoryUnitsTest, WhatAnArenaGivesBackIsTakenAgainUpToTheLimit) {
  const auto units = std::make_shared<MemoryUnits>(2);
  const auto fill = [&units](size_t blocks) {
    std::set<const char*> large;
    Arena arena(units);
    while (arena.MemoryUsage() < (blocks + 1) * SystemMemory::kUnitBytes) {
      char* const piece = arena.Allocate(SystemMemory::kUnitBytes / 4);
      std::memset(piece, 'x', SystemMemory::kUnitBytes / 4);
      if (reinterpret_cast<uintptr_t>(piece) % SystemMemory::kUnitBytes == 0) large.insert(piece);
    }
    return large;
  };
  const std::set<const char*> first = fill(3);
  EXPECT_GE(first.size(), 3U);
  const auto unit = units->Take();
  const auto other = units->Take();
  EXPECT_TRUE(first.contains(unit->data()));
  EXPECT_TRUE(first.contains(other->data()));
  EXPECT_EQ(unit->data()[0], 'x');
  EXPECT_EQ(units->Take()->data()[0], '\0') << "two were kept";
}

TEST(SystemMemoryTest, IsZeroedAndBeginsAtAUnit) {
  for (const size_t units : {1, 3}) {
    const SystemMemory memory(units * SystemMemory::kUnitBytes);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(memory.data()) % SystemMemory::kUnitBytes, 0U);
    for (size_t at = 0; at < units * SystemMemory::kUnitBytes; at += 4096) {
      EXPECT_EQ(memory.data()[at], 0);
    }
    memory.data()[units * SystemMemory::kUnitBytes - 1] = 'x';
  }
}

TEST(BytesTest, EscapesWhatIsNotPrintable) {
  EXPECT_EQ(EscapeBytes(std::string_view("a\"\\\0\xff", 5)), "a\\\"\\\\\\x00\\xff");
  EXPECT_EQ(HexBytes("\x01\xab"), "01ab");
}

TEST(FramedTest, GivesBackTheBodyAndRefusesEveryOtherBit) {
  const std::string bytes = EncodeFramed("nokvtest", 3, "body");
  const Result<std::string_view> body = DecodeFramed(bytes, "nokvtest", 3, "FILE");
  ASSERT_TRUE(body.ok());
  EXPECT_EQ(*body, "body");
  for (size_t i = 0; i < bytes.size() * 8; i++) {
    std::string damaged = bytes;
    damaged[i / 8] = static_cast<char>(damaged[i / 8] ^ (1 << i % 8));
    EXPECT_FALSE(DecodeFramed(damaged, "nokvtest", 3, "FILE").ok()) << "bit " << i;
  }
  for (size_t length = 0; length < bytes.size(); length++) {
    EXPECT_TRUE(
        DecodeFramed(bytes.substr(0, length), "nokvtest", 3, "FILE").status().IsCorruption());
  }
  EXPECT_EQ(DecodeFramed(bytes, "nokvtest", 4, "FILE").status().error_number(), 1305);
}

}  // namespace
}  // namespace nokv::base
