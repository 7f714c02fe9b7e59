#include "redis/parameters.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

#include "redis/test_gateway.h"

namespace nokv::redis {
namespace {

TEST(ParametersTest, EveryParameterAcceptsWhatItShows) {
  Config config;
  std::set<std::string_view> names;
  for (const Parameter& parameter : Parameters()) {
    EXPECT_TRUE(names.insert(parameter.name).second) << parameter.name;
    if (parameter.set == nullptr) continue;
    const std::string shown = parameter.get(config);
    std::string text = shown;
    EXPECT_EQ(parameter.check(&text), "") << parameter.name;
    EXPECT_EQ(text, shown) << parameter.name;
    parameter.set(config, text);
    EXPECT_EQ(parameter.get(config), shown) << parameter.name;
  }
}

TEST(ParametersTest, WhatActsChangesTheConfig) {
  TestGateway gateway;
  TestClient client(gateway);
  EXPECT_EQ(client.Run("CONFIG SET timeout 17 appendfsync ALWAYS protected-mode no"), "+OK");
  EXPECT_EQ(gateway.gateway().config().timeout_seconds, 17U);
  EXPECT_EQ(gateway.gateway().config().sync, SyncPolicy::kAlways);
  EXPECT_FALSE(gateway.gateway().config().protected_mode);
}

TEST(ParametersTest, AllAreSetOrNone) {
  TestGateway gateway;
  TestClient client(gateway);
  const std::string before = client.Run("CONFIG GET *");
  EXPECT_EQ(client.Run("CONFIG SET timeout 5 hz-of-nothing 1")[0], '-');
  EXPECT_EQ(client.Run("CONFIG SET timeout 5 maxclients 0")[0], '-');
  EXPECT_EQ(client.Run("CONFIG SET timeout 5 databases 3")[0], '-');
  EXPECT_EQ(client.Run("CONFIG SET timeout 5 timeout 6")[0], '-');
  EXPECT_EQ(client.Run("CONFIG SET timeout 5 maxmemory 100mb")[0], '-');
  EXPECT_EQ(client.Run("CONFIG GET *"), before);
}

TEST(ParametersTest, OldNamesAreTheSameParameter) {
  TestGateway gateway;
  TestClient client(gateway);
  EXPECT_EQ(client.Run("CONFIG SET hash-max-ziplist-value 1kb"), "+OK");
  EXPECT_EQ(client.Run("CONFIG GET hash-max-*-value"),
            R"(["hash-max-listpack-value", "1024", "hash-max-ziplist-value", "1024"])");
  EXPECT_EQ(client.Run("CONFIG SET hash-max-ziplist-value 1 hash-max-listpack-value 2"),
            "-ERR CONFIG SET failed (possibly related to argument 'hash-max-listpack-value') - "
            "duplicate parameter");
}

}  // namespace
}  // namespace nokv::redis
