#include "wal/format.h"

#include <gtest/gtest.h>

namespace nokv::wal {
namespace {

std::string EncodedHeader() {
  SegmentHeader header{.segment = 9, .resume = {7, 128}, .synced_offset = 256, .salt = 42};
  std::string bytes(kSegmentHeaderBytes, '\xff');
  EncodeSegmentHeader(header, bytes.data());
  return bytes;
}

std::string EncodedRecord(const SegmentKey& key, std::string_view payload, LogPosition synced) {
  const auto bytes = static_cast<uint32_t>(payload.size());
  std::string record(RecordBytes(bytes), '\xff');
  payload.copy(record.data() + kRecordHeaderBytes, payload.size());
  SealRecord(key, RecordType::kRaftState, bytes, synced, record.data());
  return record;
}

TEST(WalFormatTest, SegmentHeaderKeepsItsFields) {
  const auto header = DecodeSegmentHeader(EncodedHeader());
  ASSERT_TRUE(header.ok()) << header.status();
  EXPECT_EQ(header->segment, 9U);
  EXPECT_EQ(header->resume, (LogPosition{7, 128}));
  EXPECT_EQ(header->synced_offset, 256U);
  EXPECT_EQ(header->salt, 42U);
}

TEST(WalFormatTest, AnyChangedOrMissingByteOfASegmentHeaderIsCorruption) {
  for (size_t i = 0; i < kSegmentHeaderBytes; ++i) {
    std::string bytes = EncodedHeader();
    bytes[i] ^= 0x10;
    if (i < kSyncedMarkOffset) {
      EXPECT_TRUE(DecodeSegmentHeader(bytes).status().IsCorruption()) << "byte " << i;
    } else {
      EXPECT_EQ(DecodeSegmentHeader(bytes).value().synced_mark, 0U)
          << "a damaged mark says nothing";
    }
    EXPECT_TRUE(DecodeSegmentHeader(EncodedHeader().substr(0, i)).status().IsCorruption());
  }
}

TEST(WalFormatTest, SyncedMarkIsKeptBesideTheHeaderAndIgnoredWhenTorn) {
  std::string bytes = EncodedHeader();
  EXPECT_EQ(DecodeSegmentHeader(bytes).value().synced_mark, 0U);
  EncodeSyncedMark({.segment = 9, .salt = 42}, 4096, bytes.data());
  EXPECT_EQ(DecodeSegmentHeader(bytes).value().synced_mark, 4096U);
  for (size_t i = kSyncedMarkOffset; i < kSegmentHeaderBytes; ++i) {
    std::string torn = bytes;
    torn[i] ^= 0x10;
    EXPECT_EQ(DecodeSegmentHeader(torn).value().synced_mark, 0U) << "byte " << i;
  }
}

TEST(WalFormatTest, RecordKeepsPayloadTypeAndMark) {
  const SegmentKey key{.segment = 3, .salt = 11};
  for (size_t length : {0, 1, 7, 8, 9, 100}) {
    const std::string payload(length, 'p');
    const std::string segment =
        std::string(kSegmentHeaderBytes, '\0') + EncodedRecord(key, payload, {2, 96});
    ParsedRecord record;
    ASSERT_TRUE(ParseRecord(key, segment, kSegmentHeaderBytes, &record)) << length;
    EXPECT_EQ(record.payload, payload);
    EXPECT_EQ(record.type, RecordType::kRaftState);
    EXPECT_EQ(record.synced, (LogPosition{2, 96}));
    EXPECT_EQ(record.size, segment.size() - kSegmentHeaderBytes);
  }
}

TEST(WalFormatTest, AnyChangedOrMissingByteMakesARecordUnreadable) {
  const SegmentKey key{.segment = 3, .salt = 11};
  const std::string good = EncodedRecord(key, "thirteen byte", {2, 96});
  ParsedRecord record;
  ASSERT_TRUE(ParseRecord(key, good, 0, &record));
  for (size_t i = 0; i < good.size(); ++i) {
    std::string bad = good;
    bad[i] ^= 0x01;
    EXPECT_FALSE(ParseRecord(key, bad, 0, &record)) << "byte " << i;
    EXPECT_FALSE(ParseRecord(key, good.substr(0, i), 0, &record)) << "cut at " << i;
  }
}

TEST(WalFormatTest, RecordOfAnotherSegmentOrSaltIsUnreadable) {
  const std::string bytes = EncodedRecord({.segment = 3, .salt = 11}, "payload", {});
  ParsedRecord record;
  EXPECT_TRUE(ParseRecord({.segment = 3, .salt = 11}, bytes, 0, &record));
  EXPECT_FALSE(ParseRecord({.segment = 4, .salt = 11}, bytes, 0, &record));
  EXPECT_FALSE(ParseRecord({.segment = 3, .salt = 12}, bytes, 0, &record));
}

TEST(WalFormatTest, RecordThatClaimsToBeSyncedBeforeItWasWrittenIsUnreadable) {
  const SegmentKey key{.segment = 3, .salt = 11};
  ParsedRecord record;
  EXPECT_FALSE(ParseRecord(key, EncodedRecord(key, "payload", {3, 8}), 0, &record));
}

TEST(WalFormatTest, SegmentIndexKeepsItsCounts) {
  SegmentIndex index;
  index.Add(RecordType::kBatch, 104, 10);
  index.Add(RecordType::kRaftEntries, 160, 20);
  index.Add(RecordType::kBatch, 240, 30);
  index.end_offset = 272;
  EXPECT_EQ(index.of(RecordType::kBatch), (TypeIndex{2, 40, 104, 240}));
  std::string bytes(kSegmentIndexBytes, '\xff');
  EncodeSegmentIndex(index, bytes.data());
  SegmentIndex decoded;
  ASSERT_TRUE(DecodeSegmentIndex(bytes, &decoded));
  EXPECT_EQ(decoded, index);
  for (size_t length = 0; length < bytes.size(); ++length) {
    EXPECT_FALSE(DecodeSegmentIndex(bytes.substr(0, length), &decoded)) << length;
  }
}

TEST(WalFormatTest, FileNamesAreReadBackExactly) {
  for (uint64_t segment : {uint64_t{1}, uint64_t{99999}, uint64_t{100000}, UINT64_MAX}) {
    uint64_t parsed = 0;
    EXPECT_TRUE(ParseSegmentFileName(SegmentFileName(segment), &parsed));
    EXPECT_EQ(parsed, segment);
    EXPECT_TRUE(ParseTemporaryFileName(TemporaryFileName(segment), &parsed));
    EXPECT_EQ(parsed, segment);
  }
  EXPECT_EQ(SegmentFileName(7), "00007.wal");
  for (const char* name : {"", ".wal", "7.wal", "00000.wal", "000007.wal", "-0007.wal", "+0007.wal",
                           "00007.wal.tmp", "00007.sst", "99999999999999999999999.wal"}) {
    uint64_t parsed = 0;
    EXPECT_FALSE(ParseSegmentFileName(name, &parsed)) << name;
  }
}

}  // namespace
}  // namespace nokv::wal
