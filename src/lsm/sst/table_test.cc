#include "lsm/sst/table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <map>

#include "base/crc32c.h"
#include "base/random.h"
#include "lsm/entry.h"
#include "lsm/sst/filter.h"
#include "lsm/sst/format.h"
#include "lsm/sst/string_file.h"

namespace nokv::lsm {
namespace {

using internal::StringAppendFile;
using internal::StringRandomFile;
using keys::EncodeEngineKey;
using keys::Keyspace;
using keys::Kind;
using ::testing::HasSubstr;

constexpr uint64_t kNumber = 12;

struct InternalLess {
  bool operator()(const std::string& a, const std::string& b) const {
    return keys::CompareInternalKeys(a, b) < 0;
  }
};
using Model = std::map<std::string, std::string, InternalLess>;

std::string Payload(std::string_view value, uint64_t expiry_ms = 0) {
  std::string payload;
  AppendEntryPayload({.expiry_ms = expiry_ms, .user_meta = 0, .origin = {}}, value, &payload);
  return payload;
}

std::string Key(const std::string& key, keys::SequenceNumber sequence, uint64_t version = 0) {
  return keys::EncodeInternalKey(EncodeEngineKey(Keyspace::kData, key, version),
                                 keys::PackTrailer(sequence, Kind::kPut));
}

std::string Build(const Model& model, const TableOptions& options,
                  const std::vector<RangeTombstone>& tombstones = {},
                  TableSummary* summary = nullptr) {
  std::string file;
  bool synced = false;
  const uint64_t number = options.external_comparator.empty() ? kNumber : 0;
  TableBuilder builder(options, std::make_unique<StringAppendFile>(&file, &synced), number, 1);
  for (const RangeTombstone& t : tombstones) builder.AddRangeTombstone(t);
  for (const auto& [key, payload] : model) EXPECT_TRUE(builder.Add(key, payload).ok());
  Result<TableSummary> result = builder.Finish();
  EXPECT_TRUE(result.ok()) << result.status();
  EXPECT_TRUE(synced);
  EXPECT_EQ(result->file_bytes, file.size());
  EXPECT_EQ(builder.file_bytes(), file.size());
  if (summary != nullptr) *summary = *result;
  return file;
}

Result<std::shared_ptr<const Table>> Open(std::string file, BlockCache& cache,
                                          keys::SequenceNumber sequence = 0,
                                          TableReadCounters* counters = nullptr) {
  return Table::Open(std::make_unique<StringRandomFile>(std::move(file)), "00012.sst", kNumber,
                     cache, sequence, counters);
}

std::string RandomUserKey(base::Random& random, uint64_t spread) {
  std::string key;
  for (uint64_t n = random.Uniform(spread); n > 0; n--) {
    key += static_cast<char>(random.OneIn(3) ? 0xff : 'a' + random.Uniform(2));
  }
  return key;
}

Model RandomModel(uint64_t seed, int count, uint64_t max_value) {
  base::Random random(seed);
  Model model;
  for (int i = 1; i <= count; i++) {
    const std::string value(random.Uniform(max_value + 1), static_cast<char>(random.Uniform(256)));
    model[Key(RandomUserKey(random, 12), static_cast<uint64_t>(i), random.Uniform(3))] =
        Payload(value);
  }
  return model;
}

void ExpectAt(const InternalIterator& it, const Model& model, Model::const_iterator expected) {
  ASSERT_TRUE(it.status().ok()) << it.status();
  ASSERT_EQ(it.Valid(), expected != model.end());
  if (!it.Valid()) return;
  ASSERT_EQ(it.key(), expected->first);
  ASSERT_EQ(it.value(), expected->second);
}

void ExpectSame(const Table& table, const Model& model, uint64_t seed) {
  ASSERT_TRUE(table.Verify().ok()) << table.Verify();
  const auto it = table.NewIterator(true);
  auto at = model.begin();
  for (it->SeekToFirst(); it->Valid(); it->Next()) ExpectAt(*it, model, at++);
  ExpectAt(*it, model, at);
  for (it->SeekToLast(); it->Valid(); it->Prev()) ExpectAt(*it, model, --at);
  ASSERT_EQ(at, model.begin());

  base::Random random(seed);
  for (int i = 0; i < 300; i++) {
    const std::string engine_key =
        EncodeEngineKey(Keyspace::kData, RandomUserKey(random, 12), random.Uniform(3));
    const keys::SequenceNumber snapshot = random.Uniform(3000);
    const std::string target = keys::EncodeInternalKey(engine_key, keys::SeekTrailer(snapshot));
    at = model.lower_bound(target);
    TableEntry entry;
    const Result<bool> found = table.Get({engine_key, snapshot}, &entry);
    ASSERT_TRUE(found.ok()) << found.status();
    ASSERT_EQ(*found, at != model.end() && keys::EngineKeyOf(at->first) == engine_key);
    if (*found) {
      ASSERT_EQ(entry.trailer, keys::TrailerOf(at->first));
      ASSERT_EQ(entry.payload, at->second);
    }
    // A few steps both ways from both kinds of seek.
    it->Seek(target);
    ExpectAt(*it, model, at);
    for (uint64_t n = random.Uniform(4); it->Valid() && at != model.begin() && n > 0; n--) {
      it->Prev();
      ExpectAt(*it, model, --at);
    }
    at = model.upper_bound(target);
    at = at == model.begin() ? model.end() : std::prev(at);
    it->SeekForPrev(target);
    ExpectAt(*it, model, at);
    for (uint64_t n = random.Uniform(4); it->Valid() && n > 0; n--) {
      it->Next();
      ExpectAt(*it, model, ++at);
    }
  }
}

TEST(TableTest, GivesBackWhatWasAddedForEveryCompressionAndBlockSize) {
  for (const Compression compression :
       {Compression::kNone, Compression::kLz4, Compression::kZstd}) {
    for (const size_t block_bytes : {size_t{1}, size_t{200}, size_t{8 << 10}}) {
      for (const int count : {1, 17, 2000}) {
        const Model model = RandomModel(static_cast<uint64_t>(count), count, 60);
        TableOptions options{.block_bytes = block_bytes,
                             .restart_interval = block_bytes == 200 ? 3 : 16,
                             .filter_bits_per_key = count == 17 ? 0 : 10,
                             .compression = compression};
        for (const bool key_index : {true, false}) {
          options.key_index = key_index;
          BlockCache cache(1 << 20);
          const auto table = Open(Build(model, options), cache);
          ASSERT_TRUE(table.ok()) << table.status();
          ExpectSame(**table, model, 7);
        }
      }
    }
  }
}

TEST(TableTest, FindsKeysThatBeginAlikeAndWhatLiesAroundThem) {
  Model model;
  for (int i = 100; i < 400; i += 2) {
    // Some blocks differ within 8 bytes of what all have in common, some only behind.
    model[Key("tenant/" + std::string(i % 3 == 0 ? "" : "0000000000") + std::to_string(i), 1)] =
        Payload(std::to_string(i));
  }
  TableOptions options;
  options.block_bytes = 64;
  options.key_index = false;
  BlockCache cache(1 << 20);
  const auto table = Open(Build(model, options), cache);
  ASSERT_TRUE(table.ok()) << table.status();
  TableEntry entry;
  for (const auto& [key, payload] : model) {
    const Result<bool> found = (*table)->Get({keys::EngineKeyOf(key), 5}, &entry);
    ASSERT_TRUE(found.ok() && *found) << keys::EngineKeyOf(key);
    ASSERT_EQ(entry.payload, payload);
  }
  const auto it = (*table)->NewIterator(true);
  for (const char* key : {"", "a", "tenant", "tenant/", "tenant/00000", "tenant/0000000000171",
                          "tenant/171", "tenant/9", "tenant0", "z"}) {
    const std::string target = Key(key, keys::kMaxSequence);
    it->Seek(target);
    ExpectAt(*it, model, model.lower_bound(target));
  }
}

// Two names whose hashes a small key index does not tell apart.
std::pair<std::string, std::string> NamesOfOneHash() {
  std::map<uint32_t, std::string> seen;
  for (int i = 0;; i++) {
    const std::string name = "name" + std::to_string(i);
    const auto hash =
        static_cast<uint32_t>(internal::Filter::HashOf(keys::EncodePrefix(Keyspace::kData, name)));
    const auto [other, fresh] = seen.emplace(hash, name);
    if (!fresh) return {other->second, name};
  }
}

TEST(TableTest, TheKeyIndexKeepsKeysOfOneHashApart) {
  const auto [a, b] = NamesOfOneHash();
  const auto value_of = [](const Model& model, const std::string& name) -> std::string {
    BlockCache cache(1 << 20);
    const auto table = Open(Build(model, {}), cache);
    EXPECT_TRUE(table.ok() && (*table)->Verify().ok());
    TableEntry entry;
    const Result<bool> found = (*table)->Get({EncodeEngineKey(Keyspace::kData, name), 9}, &entry);
    EXPECT_TRUE(found.ok()) << found.status();
    return *found ? std::string(entry.payload) : "";
  };
  const Model first{{Key(a, 1), Payload("a")}};
  const Model second{{Key(b, 1), Payload("b")}};
  const Model both{{Key(a, 1), Payload("a")}, {Key(b, 1), Payload("b")}};
  EXPECT_EQ(value_of(first, a), Payload("a"));
  EXPECT_EQ(value_of(first, b), "");
  EXPECT_EQ(value_of(second, a), "");
  EXPECT_EQ(value_of(second, b), Payload("b"));
  EXPECT_EQ(value_of(both, a), Payload("a"));
  EXPECT_EQ(value_of(both, b), Payload("b"));
}

TEST(TableTest, BlocksStayBelowTheirTargetUnlessOneEntryAloneIsLonger) {
  Model model;
  for (int i = 100; i < 400; ++i) {
    model[Key("k" + std::to_string(i), 1)] = Payload(std::string(static_cast<size_t>(i % 50), 'v'));
  }
  model[Key("long", 1)] = Payload(std::string(5000, 'v'));
  BlockCache cache(1 << 20);
  const auto table =
      Open(Build(model, {.block_bytes = 1024, .compression = Compression::kNone}), cache);
  ASSERT_TRUE(table.ok()) << table.status();
  uint64_t bytes = 0;
  const std::vector<TableBlock> blocks = (*table)->Blocks();
  for (const TableBlock& block : blocks) {
    if (block.stored_bytes > 5000) continue;
    EXPECT_LT(block.stored_bytes, 1024U) << block.last_key;
    bytes += block.stored_bytes;
  }
  EXPECT_GT(bytes, (blocks.size() - 2) * 900);
}

TEST(TableTest, TheKeyIndexFindsEveryEntryOfAKeyThatFillsSeveralBlocks) {
  Model model{{Key("a", 1), Payload("before")}, {Key("z", 1), Payload("behind")}};
  for (keys::SequenceNumber sequence = 2; sequence < 200; sequence += 2) {
    for (const uint64_t version : {0, 7}) {
      model[Key("m", sequence, version)] = Payload(std::to_string(sequence + version));
    }
  }
  BlockCache cache(1 << 20);
  const auto table = Open(Build(model, {.block_bytes = 300, .restart_interval = 4}), cache);
  ASSERT_TRUE(table.ok()) << table.status();
  ASSERT_GT((*table)->Blocks().size(), 10U);
  for (const uint64_t version : {0, 7, 8}) {
    for (keys::SequenceNumber snapshot = 0; snapshot < 210; snapshot++) {
      TableEntry entry;
      const auto found =
          (*table)->Get({EncodeEngineKey(Keyspace::kData, "m", version), snapshot}, &entry);
      ASSERT_TRUE(found.ok()) << found.status();
      ASSERT_EQ(*found, version != 8 && snapshot >= 2) << version << " " << snapshot;
      if (!*found) continue;
      const keys::SequenceNumber newest = std::min<uint64_t>(snapshot / 2 * 2, 198);
      ASSERT_EQ(entry.payload, Payload(std::to_string(newest + version)));
    }
  }
}

TEST(TableTest, AKeyIndexThatLeadsAstrayIsNamed) {
  Model model;
  for (int i = 100; i < 200; i++) model[Key(std::to_string(i), 1)] = Payload("v");
  std::string file = Build(model, {.block_bytes = 200, .compression = Compression::kNone});
  // The key index is the one block whose length is a number of lines and two bytes.
  BlockCache cache(1 << 20);
  const auto sound = Open(file, cache);
  ASSERT_TRUE(sound.ok());
  const TableBlock last = (*sound)->Blocks().back();
  const size_t at = last.offset + last.stored_bytes + internal::kBlockTrailerBytes;
  constexpr size_t kLength = 100 * 10 / 102 * 64 + 64 + 2;
  // The last byte of the first slot has the high bits of its block.
  file[at + 4] = static_cast<char>(file[at + 4] ^ 0x40);
  const auto covered = std::string_view(file).substr(at, kLength + 1);
  base::StoreFixed32(file.data() + at + kLength + 1, base::MaskCrc(base::Crc32c(covered)));
  const auto astray = Open(file, cache);
  ASSERT_TRUE(astray.ok()) << astray.status();
  EXPECT_THAT((*astray)->Verify().message(), HasSubstr("a key that filter or key index deny"));
}

TEST(TableTest, TheFirstLookupReadsTheKeyIndexAndNamesItsDamage) {
  Model model;
  for (int i = 100; i < 200; i++) model[Key(std::to_string(i), 1)] = Payload("v");
  std::string file = Build(model, {.block_bytes = 200});
  const auto get = [](const Table& table) {
    TableEntry entry;
    return table.Get({EncodeEngineKey(Keyspace::kData, "150"), 9}, &entry);
  };
  BlockCache cache(1 << 20);
  const auto sound = Open(file, cache);
  ASSERT_TRUE(sound.ok());
  const size_t opened = (*sound)->metadata_bytes();
  ASSERT_TRUE(get(**sound).ok());
  EXPECT_GT((*sound)->metadata_bytes(), opened + size_t{100} * 5);

  const TableBlock last = (*sound)->Blocks().back();
  const size_t at = last.offset + last.stored_bytes + internal::kBlockTrailerBytes;
  file[at + 4] = static_cast<char>(file[at + 4] ^ 0x40);
  const auto damaged = Open(file, cache);
  ASSERT_TRUE(damaged.ok()) << damaged.status();
  for (int round = 0; round < 2; round++) {
    EXPECT_TRUE(get(**damaged).status().IsCorruption());
    EXPECT_THAT(get(**damaged).status().message(), HasSubstr("at offset " + std::to_string(at)));
  }
  EXPECT_TRUE((*damaged)->Verify().IsCorruption());
}

TEST(TableTest, AnExternalTableReadsAsIfWrittenWithItsSequenceNumber) {
  constexpr keys::SequenceNumber kSequence = 1500;
  Model in_file, model;
  for (const auto& [key, payload] : RandomModel(1, 800, 60)) {
    const std::string engine_key(keys::EngineKeyOf(key));
    in_file[keys::EncodeInternalKey(engine_key, keys::PackTrailer(0, Kind::kPut))] = payload;
  }
  for (const auto& [key, payload] : in_file) {
    model[keys::EncodeInternalKey(keys::EngineKeyOf(key),
                                  keys::PackTrailer(kSequence, Kind::kPut))] = payload;
  }
  const std::string file =
      Build(in_file, {.block_bytes = 300, .external_comparator = "order"}, {{"a", "b", 0}});
  BlockCache cache(1 << 20);
  const auto table = Open(file, cache, kSequence);
  ASSERT_TRUE(table.ok()) << table.status();
  EXPECT_EQ((*table)->external_comparator(), "order");
  ExpectSame(**table, model, 7);
  EXPECT_EQ((*table)->range_tombstones()->MaxCovering("a", keys::kMaxSequence), kSequence);
  EXPECT_EQ((*table)->range_tombstones()->MaxCovering("a", kSequence - 1), 0U);
}

TEST(TableTest, AnExternalTableHasOnePutOrDeletionOfAKeyAndNoSequenceNumbers) {
  const auto verify = [](const Model& model) {
    BlockCache cache(1 << 20);
    const auto table = Open(Build(model, {.external_comparator = "order"}), cache);
    return table.ok() ? (*table)->Verify() : table.status();
  };
  const std::string deletion = keys::EncodeInternalKey(EncodeEngineKey(Keyspace::kData, "k"),
                                                       keys::PackTrailer(0, Kind::kDelete));
  EXPECT_TRUE(verify({{Key("k", 0), Payload("v")}}).ok());
  for (const Model& model : {Model{{Key("k", 1), Payload("v")}},
                             Model{{Key("k", 0), Payload("v")}, {deletion, Payload("")}}}) {
    EXPECT_THAT(verify(model).message(), HasSubstr("an entry that no external table has"));
  }
}

TEST(TableTest, LongKeysAndValuesAndEmptyOnesComeBack) {
  Model model;
  model[Key("", 1)] = Payload("");
  model[Key(std::string(1 << 20, 'k'), 2)] = Payload("");
  model[Key(std::string(1 << 20, 'k') + "2", 3)] = Payload(std::string(5 << 20, 'v'));
  base::Random random(1);
  std::string noise;
  while (noise.size() < 300000) noise += static_cast<char>(random.Next());
  model[Key("noise", 4)] = Payload(noise);
  for (const Compression compression :
       {Compression::kNone, Compression::kLz4, Compression::kZstd}) {
    BlockCache cache(64 << 20);
    const std::string file = Build(model, {.compression = compression});
    if (compression != Compression::kNone) {
      EXPECT_LT(file.size(), 4U << 20);
    }
    const auto table = Open(file, cache);
    ASSERT_TRUE(table.ok()) << table.status();
    ExpectSame(**table, model, 3);
  }
}

TEST(TableTest, SummaryCoversEntriesAndTombstonesAndSurvivesReopening) {
  Model model;
  model[Key("b", 5)] = Payload("v", 7000);
  model[Key("c", 9)] = Payload("w", 6000);
  const std::string deleted = keys::EncodeInternalKey(EncodeEngineKey(Keyspace::kData, "d"),
                                                      keys::PackTrailer(4, Kind::kDelete));
  model[deleted] = Payload("");
  const std::string a = keys::EncodePrefix(Keyspace::kData, "a");
  const std::string d = keys::EncodePrefix(Keyspace::kData, "d");
  const std::string x = keys::EncodePrefix(Keyspace::kData, "x");
  TableSummary written;
  std::string file = Build(model, {}, {{a, d, 3}}, &written);
  EXPECT_EQ(written.entries, 3U);
  EXPECT_EQ(written.deletions, 1U);
  EXPECT_EQ(written.range_tombstones, 1U);
  EXPECT_EQ(written.smallest_sequence, 3U);
  EXPECT_EQ(written.largest_sequence, 9U);
  EXPECT_EQ(written.earliest_expiry_ms, 6000U);
  EXPECT_EQ(keys::InternalPrefixOf(written.smallest), a);
  EXPECT_EQ(written.largest, deleted) << "the exclusive end sorts before the entry of its prefix";

  BlockCache cache(1 << 20);
  auto table = Open(file, cache);
  ASSERT_TRUE(table.ok()) << table.status();
  const TableSummary& read = (*table)->summary();
  EXPECT_EQ(read.file_bytes, file.size());
  EXPECT_EQ(read.entries, written.entries);
  EXPECT_EQ(read.smallest, written.smallest);
  EXPECT_EQ(read.largest, written.largest);
  EXPECT_EQ(read.earliest_expiry_ms, 6000U);
  EXPECT_EQ((*table)->range_tombstones()->MaxCovering(a, keys::kMaxSequence), 3U);
  EXPECT_EQ((*table)->range_tombstones()->MaxCovering(d, keys::kMaxSequence), 0U);

  // Tombstones alone: the bounds are theirs.
  Build({}, {}, {{a, d, 3}, {d, x, 8}}, &written);
  EXPECT_EQ(keys::InternalPrefixOf(written.smallest), a);
  EXPECT_EQ(keys::InternalPrefixOf(written.largest), x);
  EXPECT_LT(keys::CompareInternalKeys(written.largest, Key("x", keys::kMaxSequence, UINT64_MAX)),
            0);
}

TEST(TableTest, AnEmptyTableOpensAndHasNothing) {
  BlockCache cache(1 << 20);
  const auto table = Open(Build({}, {}), cache);
  ASSERT_TRUE(table.ok()) << table.status();
  ExpectSame(**table, {}, 1);
}

TEST(TableBuilderTest, RefusesKeysOutOfOrderAndMalformedOnes) {
  std::string file;
  TableBuilder builder({}, std::make_unique<StringAppendFile>(&file), kNumber, 0);
  ASSERT_TRUE(builder.Add(Key("b", 1), Payload("v")).ok());
  EXPECT_THAT(builder.Add(Key("a", 1), Payload("v")).ToString(), HasSubstr("out of order"));
  EXPECT_FALSE(builder.Finish().ok()) << "a failed builder never finishes a table";
  TableBuilder other({}, std::make_unique<StringAppendFile>(&file), kNumber, 0);
  EXPECT_FALSE(other.Add("short", Payload("v")).ok());
}

// Fails the nth Append, or Sync.
class FailingFile : public vfs::AppendFile {
 public:
  FailingFile(int good_appends, bool sync_fails) : good_(good_appends), sync_fails_(sync_fails) {}
  Status Append(std::string_view) override {
    return good_-- > 0 ? Status() : Status::IoError("append 00012.sst", ENOSPC);
  }
  Status Sync() override { return sync_fails_ ? Status::IoError("sync 00012.sst", EIO) : Status(); }
  Status Close() override { return {}; }

 private:
  int good_;
  const bool sync_fails_;
};

TEST(TableBuilderTest, AFailedWriteOrSyncFailsTheTableForGood) {
  for (const int good_appends : {0, 2, 1000}) {
    const TableOptions options{.compression = Compression::kNone};
    TableBuilder builder(options, std::make_unique<FailingFile>(good_appends, true), kNumber, 0);
    Status status;
    for (int i = 0; i < 10 && status.ok(); i++) {
      status = builder.Add(Key("k" + std::to_string(i), 1), Payload(std::string(200000, 'v')));
    }
    EXPECT_EQ(status.ok(), good_appends == 1000);
    const StatusCode expected =
        good_appends == 1000 ? StatusCode::kUnavailable : StatusCode::kResourceExhausted;
    EXPECT_EQ(builder.Finish().status().code(), expected);
    EXPECT_EQ(builder.Finish().status().code(), expected) << "a second try cannot succeed";
    EXPECT_EQ(builder.Add(Key("z", 1), Payload("v")).code(), expected);
  }
}

TEST(TableTest, AKeyIndexLongerThanWhatIsWrittenAtOnceIsABlockLikeAnyOther) {
  Model model;
  for (int i = 0; i < 60'000; i++) model[Key("key" + std::to_string(i), 1)] = Payload("v");
  BlockCache cache(8 << 20);
  const auto table = Open(Build(model, {}), cache).value();
  ASSERT_TRUE(table->Verify().ok()) << table->Verify();
  EXPECT_GT(table->metadata_bytes(), size_t{360} << 10);
  TableEntry entry;
  EXPECT_TRUE(table->Get({EncodeEngineKey(Keyspace::kData, "key31415"), 9}, &entry).value());
}

TEST(TableTest, FilterSparesReadsOfAbsentKeysAndIgnoresTheVersion) {
  Model model;
  for (int i = 0; i < 2000; i++) model[Key("key" + std::to_string(i), 1, 5)] = Payload("v");
  BlockCache cache(1 << 20);
  TableReadCounters counters;
  const auto table = Open(Build(model, {}), cache, 0, &counters).value();
  TableEntry entry;
  for (int i = 0; i < 1000; i++) {
    const std::string key = "absent" + std::to_string(i);
    EXPECT_FALSE(table->Get({EncodeEngineKey(Keyspace::kData, key), 9}, &entry).value());
  }
  EXPECT_EQ(counters.Sum().filter_checks, 1000U);
  EXPECT_GT(counters.Sum().filter_negatives, 970U);
  // Another version of a key that is there passes the filter, and is then not found.
  EXPECT_FALSE(table->Get({EncodeEngineKey(Keyspace::kData, "key7", 6), 9}, &entry).value());
  EXPECT_GT(table->metadata_bytes(), 2000U);
}

TEST(TableTest, CompactionReadsDoNotFillTheCache) {
  const Model model = RandomModel(1, 2000, 60);
  BlockCache cache(8 << 20);
  const auto table = Open(Build(model, {.block_bytes = 500}), cache).value();
  const auto compaction = table->NewIterator(false);
  for (compaction->SeekToFirst(); compaction->Valid(); compaction->Next()) {
  }
  EXPECT_EQ(cache.stats().charge_bytes, table->metadata_bytes());
  const auto reader = table->NewIterator(true);
  for (reader->SeekToFirst(); reader->Valid(); reader->Next()) {
  }
  EXPECT_GT(cache.stats().charge_bytes, table->metadata_bytes());
}

// Every entry and tombstone that can be read is one that was written; anything else is an error.
void ExpectDetectedOrHarmless(const std::string& file, const Model& model,
                              const RangeTombstone& tombstone, size_t position) {
  BlockCache cache(1 << 20);
  const auto table = Open(file, cache);
  if (!table.ok()) return;
  const auto it = (*table)->NewIterator(true);
  auto at = model.begin();
  for (it->SeekToFirst(); it->Valid(); it->Next(), ++at) {
    ASSERT_NE(at, model.end()) << position;
    ASSERT_EQ(it->key(), at->first) << position;
    ASSERT_EQ(it->value(), at->second) << position;
  }
  ASSERT_TRUE(at == model.end() || it->status().IsCorruption()) << position;
  ASSERT_TRUE(at == model.end() || (*table)->Verify().IsCorruption()) << position;
  for (const auto& [key, payload] : model) {
    TableEntry entry;
    const auto found = (*table)->Get({keys::EngineKeyOf(key), keys::SequenceOf(key)}, &entry);
    if (!found.ok()) continue;
    ASSERT_TRUE(*found) << position;
    ASSERT_EQ(entry.payload, payload) << position;
  }
  EXPECT_EQ((*table)->range_tombstones()->MaxCovering(tombstone.start, keys::kMaxSequence),
            tombstone.sequence)
      << position;
}

class TableDamageTest : public testing::TestWithParam<Compression> {
 protected:
  const Model model_ = RandomModel(9, 60, 20);
  const RangeTombstone tombstone_{keys::EncodePrefix(Keyspace::kData, "a"),
                                  keys::EncodePrefix(Keyspace::kData, "b"), 77};
  const std::string file_ =
      Build(model_, {.block_bytes = 400, .compression = GetParam()}, {tombstone_});
};

TEST_P(TableDamageTest, EveryFlippedBitIsFoundAndNeverGivesWrongData) {
  for (size_t i = 0; i < file_.size(); i++) {
    for (const int mask : {0x01, 0x80, 0xff}) {
      std::string damaged = file_;
      damaged[i] = static_cast<char>(damaged[i] ^ mask);
      ExpectDetectedOrHarmless(damaged, model_, tombstone_, i);
      BlockCache cache(0);
      const auto table = Open(damaged, cache);
      EXPECT_TRUE(!table.ok() || !(*table)->Verify().ok()) << "byte " << i << " went unnoticed";
    }
  }
}

TEST_P(TableDamageTest, EveryTruncationIsFoundWhenTheTableIsOpened) {
  for (size_t length = 0; length < file_.size(); length++) {
    BlockCache cache(0);
    const auto table = Open(file_.substr(0, length), cache);
    ASSERT_FALSE(table.ok()) << length;
    EXPECT_EQ(table.status().code(), StatusCode::kDataLoss);
    EXPECT_THAT(table.status().ToString(), HasSubstr("open sstable 00012.sst: "));
  }
}

INSTANTIATE_TEST_SUITE_P(AllCompressions, TableDamageTest,
                         testing::Values(Compression::kNone, Compression::kLz4,
                                         Compression::kZstd));

TEST(TableTest, DamageNamesFileAndOffsetAndTheWayOut) {
  std::string file = Build(RandomModel(1, 50, 10), {});
  file[3] ^= 1;
  BlockCache cache(0);
  const auto table = Open(file, cache).value();
  EXPECT_EQ(table->Verify().ToString(),
            "corruption: 00012.sst: block at offset 0: checksum mismatch; restore the file from a "
            "backup; nothing was changed; see nokv help E1303");
}

// `file` with another number or version in its footer, whose checksum is right.
std::string WithFooter(const std::string& file, uint64_t number, uint32_t version) {
  const size_t at = file.size() - internal::kFooterBytes;
  internal::Footer footer;
  footer.metaindex.offset = base::LoadFixed64(file.data() + at);
  footer.metaindex.size = base::LoadFixed64(file.data() + at + 8);
  footer.file_number = number;
  footer.format_version = version;
  return file.substr(0, at) + footer.Encode();
}

TEST(TableTest, ANewerFormatVersionIsRefusedByName) {
  const std::string file = Build(RandomModel(1, 50, 10), {});
  BlockCache cache(0);
  ASSERT_TRUE(Open(WithFooter(file, kNumber, 1), cache).ok());
  const auto table = Open(WithFooter(file, kNumber, 4), cache);
  ASSERT_FALSE(table.ok());
  EXPECT_EQ(table.status().code(), StatusCode::kUnimplemented);
  EXPECT_THAT(table.status().ToString(),
              HasSubstr("open sstable 00012.sst: format version 4 found, this program reads "
                        "versions up to 3"));
}

TEST(TableTest, AFileOfAnotherNumberIsRefused) {
  const std::string file = Build(RandomModel(1, 50, 10), {});
  BlockCache cache(0);
  const auto table = Open(WithFooter(file, 13, 1), cache);
  ASSERT_TRUE(table.status().IsCorruption());
  EXPECT_THAT(table.status().ToString(), HasSubstr("belongs to another file"));
}

}  // namespace
}  // namespace nokv::lsm
