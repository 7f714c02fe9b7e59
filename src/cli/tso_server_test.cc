#include "cli/tso_server.h"

#include <gtest/gtest.h>

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "runtime/thread.h"

namespace nokv::cli {
namespace {

class TsoServerTest : public testing::Test {
 protected:
  rpc::HttpResponse Get(const std::string& batch = "") {
    rpc::HttpRequest request{.path = "/tso", .query = {}};
    if (!batch.empty()) request.query.emplace("batch", batch);
    return pages_.at("/tso")(request);
  }

  rpc::HttpHandlers pages_ = TsoHandlers(100);
};

TEST_F(TsoServerTest, GivesOutNumbersFromTheStartOn) {
  const rpc::HttpResponse first = Get();
  EXPECT_EQ(first.status, 200);
  EXPECT_EQ(first.content_type, "application/json");
  EXPECT_EQ(first.body, "{\"timestamp\":100,\"count\":1}\n");
  EXPECT_EQ(Get("5").body, "{\"timestamp\":101,\"count\":5}\n");
  EXPECT_EQ(Get().body, "{\"timestamp\":106,\"count\":1}\n");
  EXPECT_EQ(pages_.at("/healthz")({}).body, "ok\n");
}

TEST_F(TsoServerTest, RefusesABatchThatIsNoNumberAndTakesNothingForIt) {
  for (const char* bad : {"0", "-1", "1e3", " 1", "1000000001", "18446744073709551616"}) {
    const rpc::HttpResponse refused = Get(bad);
    EXPECT_EQ(refused.status, 400) << bad;
    EXPECT_NE(refused.body.find("is not a number from 1 to 1000000000"), std::string::npos);
  }
  EXPECT_EQ(Get().body, "{\"timestamp\":100,\"count\":1}\n");
}

TEST_F(TsoServerTest, StopsBeforeItWouldBeginAgain) {
  pages_ = TsoHandlers(UINT64_MAX - 3);
  EXPECT_EQ(Get("4").status, 503);
  EXPECT_EQ(Get("3").body, "{\"timestamp\":18446744073709551612,\"count\":3}\n");
  EXPECT_EQ(Get().status, 503);
}

TEST_F(TsoServerTest, GivesEveryNumberOutOnceToManyThreads) {
  constexpr int kThreads = 4;
  constexpr int kEach = 500;
  std::vector<std::vector<std::string>> got(kThreads);
  {
    std::vector<std::unique_ptr<runtime::Thread>> threads;
    for (auto& mine : got) {
      threads.push_back(runtime::StartThread("tso", [this, &mine] {
        for (int i = 0; i < kEach; ++i) mine.push_back(Get().body);
      }));
    }
  }
  std::set<std::string> all;
  for (const auto& mine : got) all.insert(mine.begin(), mine.end());
  EXPECT_EQ(all.size(), size_t{kThreads} * kEach);
  EXPECT_EQ(Get().body,
            "{\"timestamp\":" + std::to_string(100 + kThreads * kEach) + ",\"count\":1}\n");
}

}  // namespace
}  // namespace nokv::cli
