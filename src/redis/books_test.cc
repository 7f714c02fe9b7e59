// The books (key counts, expiry index) against a model, through time, restarts and foreign writes.
#include "redis/books.h"

#include <gtest/gtest.h>

#include <array>
#include <map>
#include <set>
#include <string>

#include "base/random.h"
#include "keys/keys.h"
#include "redis/layout.h"
#include "redis/test_gateway.h"

namespace nokv::redis {
namespace {

// What one database should hold: key → expiry, 0 for none.
using Model = std::map<std::string, uint64_t>;

class World {
 public:
  explicit World(uint64_t seed) : random_(seed), client_(std::make_unique<TestClient>(gateway_)) {}

  void Step() {
    db_ = static_cast<int>(random_.Uniform(2));
    client_->Run("SELECT " + std::to_string(db_));
    const std::string key = "k" + std::to_string(random_.Uniform(12));
    const std::string other = "k" + std::to_string(random_.Uniform(12));
    const uint64_t lifetime = 1 + random_.Uniform(40);
    const uint64_t expiry = now() + lifetime;
    switch (random_.Uniform(12)) {
      case 0:
        client_->Run("SET " + key + " v");
        model()[key] = 0;
        break;
      case 1:
        client_->Run("SET " + key + " v PX " + std::to_string(lifetime));
        model()[key] = expiry;
        break;
      case 2:
        client_->Run("DEL " + key + " " + other + " " + key);
        model().erase(key);
        model().erase(other);
        break;
      case 3:
        if (client_->Run("PEXPIRE " + key + " " + std::to_string(lifetime)) == ":1") {
          model()[key] = expiry;
        }
        break;
      case 4:
        client_->Run("PERSIST " + key);
        if (Has(key)) model()[key] = 0;
        break;
      case 5:
        client_->Run("APPEND " + key + " x");
        if (!Has(key)) model()[key] = 0;
        break;
      case 6:
        client_->Run("RENAME " + key + " " + other);
        if (Has(key) && key != other) {
          model()[other] = model()[key];
          model().erase(key);
        }
        break;
      case 7:
        client_->Run("MSET " + key + " 1 " + other + " 2 " + key + " 3");
        model()[key] = 0;
        model()[other] = 0;
        break;
      case 8:
        gateway_.clock().Advance(static_cast<int64_t>(random_.Uniform(25)));
        break;
      case 9:
        (void)*gateway_.gateway().executor().Reap(random_.Uniform(4));
        break;
      case 10:
        if (random_.OneIn(10)) {
          client_->Run("FLUSHDB");
          model().clear();
        }
        break;
      default:
        if (random_.OneIn(10)) Restart(1 + random_.Uniform(2));
        break;
    }
  }

  void Restart(uint64_t generations) {
    client_.reset();
    gateway_.Restart(generations);
    client_ = std::make_unique<TestClient>(gateway_);
  }

  void Check() {
    for (int db = 0; db < 2; ++db) {
      client_->Run("SELECT " + std::to_string(db));
      std::erase_if(models_[db],
                    [&](const auto& entry) { return entry.second != 0 && entry.second <= now(); });
      ASSERT_EQ(client_->Run("DBSIZE"), ":" + std::to_string(models_[db].size()));
      uint64_t expires = 0;
      for (const auto& [key, expiry] : models_[db]) {
        ASSERT_EQ(client_->Run("PEXPIRETIME " + key),
                  ":" + (expiry == 0 ? "-1" : std::to_string(expiry)));
        expires += expiry != 0 ? 1 : 0;
      }
      CheckIndex(db, expires);
    }
  }

 private:
  Model& model() { return models_[db_]; }
  uint64_t now() { return gateway_.clock().WallMillis(); }
  bool Has(const std::string& key) {
    const auto found = model().find(key);
    return found != model().end() && (found->second == 0 || found->second > now());
  }

  // One index entry for each live key that expires; the others are due.
  void CheckIndex(int db, uint64_t expires) {
    const KeyRange range = ExpiryIndexRange(db);
    const auto cursor = gateway_.backend().Scan(range.begin, range.end);
    uint64_t entries = 0;
    uint64_t live = 0;
    for (; cursor->Valid(); cursor->Next(), ++entries) {
      const auto entry = ParseExpiryIndexKey(cursor->key());
      ASSERT_TRUE(entry.has_value());
      if (entry->expiry_ms <= now()) continue;
      ++live;
      ASSERT_EQ(models_[db][std::string(entry->key)], entry->expiry_ms);
    }
    ASSERT_EQ(live, expires);
    ASSERT_EQ(entries, gateway_.gateway().executor().counts()[db].expires);
  }

  base::Random random_;
  TestGateway gateway_;
  std::unique_ptr<TestClient> client_;
  std::array<Model, 2> models_;
  int db_ = 0;
};

TEST(BooksTest, AgreeWithAModelThroughTimeAndRestarts) {
  for (uint64_t seed = 1; seed <= 40; ++seed) {
    World world(seed);
    for (int step = 0; step < 400; ++step) {
      world.Step();
      world.Check();
      if (testing::Test::HasFatalFailure()) {
        FAIL() << "seed " << seed << ", step " << step;
      }
    }
  }
}

TEST(BooksTest, SurviveAWallClockThatGoesBack) {
  TestGateway gateway;
  TestClient client(gateway);
  client.Run("SET k v PX 100");
  const std::string expiry = client.Run("PEXPIRETIME k").substr(1);
  gateway.clock().Advance(101);
  EXPECT_EQ(client.Run("SET k w"), "+OK") << "over the expired key, whose index entry stays";
  EXPECT_EQ(client.Run("DBSIZE"), ":1");
  gateway.clock().Advance(-50);
  client.Disconnect();
  gateway.Restart();
  TestClient later(gateway);
  EXPECT_EQ(later.Run("SET k x PXAT " + expiry), "+OK") << "onto the index entry that stayed";
  EXPECT_EQ(later.Run("DBSIZE"), ":1");
  gateway.clock().Advance(100);
  EXPECT_EQ(later.Run("DBSIZE"), ":0");
  EXPECT_EQ(*gateway.gateway().executor().Reap(10), 1U);
  EXPECT_EQ(later.Run("DBSIZE"), ":0");
}

TEST(BooksTest, AreTrustedAfterARestartAndCountedAfterAForeignWrite) {
  TestGateway gateway;
  {
    TestClient client(gateway);
    client.Run("MSET a 1 b 2 c 3");
    client.Run("SELECT 3");
    client.Run("SET d 4 PX 500");
  }
  auto& entries = gateway.backend().entries();
  // A wrong count that only a recount would notice shows which of the two happened.
  entries[CountsKey(0)].value[0] = 77;
  gateway.Restart();
  EXPECT_EQ(TestClient(gateway).Run("DBSIZE"), ":77") << "nobody else wrote: no scan at start";
  entries["foreign"] = {"by DB::Put", gateway.clock().WallMillis() + 1000, 0};
  entries[keys::EncodePlainKey("\xff odd")] = {"by DB::Put", 0, 0};
  gateway.Restart(2);
  TestClient client(gateway);
  EXPECT_EQ(client.Run("DBSIZE"), ":5");
  EXPECT_EQ(client.Run("GET foreign"), "\"by DB::Put\"");
  EXPECT_EQ(client.Run("GET \"\\xff odd\""), "\"by DB::Put\"");
  client.Run("SELECT 3");
  EXPECT_EQ(client.Run("DBSIZE"), ":1");
  gateway.clock().Advance(2000);
  EXPECT_EQ(*gateway.gateway().executor().Reap(10), 2U) << "the index was built anew";
  EXPECT_EQ(client.Run("DBSIZE"), ":0");
}

TEST(BooksTest, ReapFreesWhatExpiredAndKeepsWhatTookItsName) {
  TestGateway gateway;
  TestClient client(gateway);
  client.Run("SET gone v PX 10");
  client.Run("SET taken v PX 10");
  gateway.clock().Advance(10);
  client.Run("SET taken w");
  EXPECT_EQ(*gateway.gateway().executor().Reap(100), 2U);
  EXPECT_FALSE(gateway.backend().entries().contains("gone"));
  EXPECT_EQ(client.Run("GET taken"), "\"w\"");
  EXPECT_EQ(client.Run("DBSIZE"), ":1");
}

TEST(BooksTest, ProgramsKeysOfAnotherTypeAreRefused) {
  TestGateway gateway;
  gateway.backend().entries()["h"] = {"…", 0, 9};
  gateway.Restart(2);
  TestClient client(gateway);
  const std::string wrong = "-WRONGTYPE Operation against a key holding the wrong kind of value";
  for (const char* command :
       {"GET h", "APPEND h x", "INCR h", "INCRBYFLOAT h 1", "GETSET h x", "GETDEL h", "GETEX h",
        "STRLEN h", "GETRANGE h 0 1", "SETRANGE h 0 x", "SET h x GET"}) {
    EXPECT_EQ(client.Run(command), wrong) << command;
  }
  EXPECT_EQ(client.Run("MGET h"), "[(nil)]");
  EXPECT_EQ(client.Run("SET h x"), "+OK");
}

}  // namespace
}  // namespace nokv::redis
