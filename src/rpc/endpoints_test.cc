// Handlers run at once, in whatever calls them: nothing may be called with a lock held.
#include "rpc/endpoints.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "rpc/in_process.h"
#include "runtime/sim_runtime.h"

namespace nokv::rpc {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class EndpointsTest : public testing::Test {
 protected:
  struct Till {
    int asked = 0;
    bool mute = false;
    Status fails;
    std::unique_ptr<Server> server;
  };

  EndpointsTest() {
    for (const std::string address : {"a", "b", "c"}) Listen(address);
    endpoints_ = Endpoints::Make(*runtime_,
                                 {.service = "shop.v1.Till",
                                  .one = "till",
                                  .addresses = {"a", "b", "c"},
                                  .attempt_ms = 100,
                                  .pause_ms = 10,
                                  .max_answer_bytes = 10},
                                 [this](const std::string& address) {
                                   dialled_.push_back(address);
                                   return network_.NewChannel("client", address, AtOnce());
                                 });
  }
  ~EndpointsTest() override {
    endpoints_->Close();
    tills_.clear();
    runtime_->Advance(1'000'000);
  }

  void Listen(const std::string& address) {
    Till& till = tills_[address];
    Service service{"shop.v1.Till", {}, AtOnce()};
    service.methods.push_back(
        UnaryMethod("Pay", [&till](const std::string& request, Answer answer) {
          till.asked++;
          if (!till.mute) answer(till.fails.ok() ? Result<std::string>(request) : till.fails);
        }));
    auto server = network_.Listen(address, {service});
    ASSERT_TRUE(server.ok()) << server.status();
    till.server = std::move(*server);
  }
  // Asks until there is an answer; anybody else is tried after a failure.
  void Ask(uint64_t deadline_ms, std::optional<size_t> only = {},
           const std::string& bill = "bill") {
    Question question = {.method = "Pay", .request = bill, .only = only};
    question.deadline_us = endpoints_->now_us() + deadline_ms * 1000;
    question.judge = [this](size_t index, const Answers& answers, const AskOn& on) {
      const Result<std::string> answer = OneAnswer(answers);
      if (!answer.ok()) return on(endpoints_->After(index), answer.status());
      said_.push_back(*answer + " from " + endpoints_->AddressOf(index));
    };
    question.give_up = [this](const Status& why) { said_.push_back(why.ToString()); };
    endpoints_->Ask(std::move(question));
  }
  void Run(uint64_t ms = 1) { runtime_->Advance(ms * 1000); }

  std::unique_ptr<runtime::SimRuntime> runtime_ = runtime::NewSimRuntime(1);
  InProcessNetwork network_{*runtime_};
  std::map<std::string, Till> tills_;
  std::vector<std::string> dialled_;
  std::shared_ptr<Endpoints> endpoints_;
  std::vector<std::string> said_;
};

TEST_F(EndpointsTest, TheNextIsAskedAndTheOneThatAnsweredIsTheFirstFromThenOn) {
  tills_["a"].server.reset();
  Ask(1'000);
  Run();
  Ask(1'000);
  Run();
  EXPECT_THAT(said_, ElementsAre("bill from b", "bill from b"));
  EXPECT_THAT(dialled_, ElementsAre("a", "b"));
  EXPECT_EQ(tills_["c"].asked, 0);
}

TEST_F(EndpointsTest, OneThatFailsIsNotTheFirstTheNextTimeWhateverIsMadeOfIt) {
  tills_["a"].fails = Status::InvalidArgument("no bill");
  Question question = {.method = "Pay", .deadline_us = endpoints_->now_us() + 1'000'000};
  question.judge = [this](size_t, const Answers& answers, const AskOn&) {
    said_.push_back(std::string(answers.status().message()));
  };
  endpoints_->Ask(std::move(question));
  Run();
  EXPECT_THAT(said_, ElementsAre("no bill"));
  EXPECT_EQ(endpoints_->preferred(), 1U);
}

TEST_F(EndpointsTest, OneThatSaysNothingCostsAnAttempt) {
  tills_["a"].mute = true;
  Ask(1'000);
  Run(99);
  EXPECT_EQ(tills_["b"].asked, 0);
  Run(2);
  EXPECT_THAT(said_, ElementsAre("bill from b"));
}

TEST_F(EndpointsTest, PausesGrowWhenNoneHasAnAnswerAndEndAtTheDeadline) {
  for (auto& [address, till] : tills_)
    till.fails = Status::Unavailable("no change").WithHint("wait");
  Ask(200);
  Run();
  EXPECT_EQ(tills_["a"].asked, 1);
  Run(9);  // 10
  EXPECT_EQ(tills_["a"].asked, 2);
  Run(19);
  EXPECT_EQ(tills_["a"].asked, 2);
  Run(1);  // and 20
  EXPECT_EQ(tills_["a"].asked, 3);
  Run(39);
  EXPECT_EQ(tills_["a"].asked, 3);
  Run(41);  // 40, and no more from then on
  EXPECT_EQ(tills_["a"].asked, 5);
  Run(88);
  EXPECT_TRUE(said_.empty());
  Run(3);
  ASSERT_EQ(said_.size(), 1U);
  EXPECT_THAT(said_[0], HasSubstr("no till answered in time; the last one, c: no change"));
}

TEST_F(EndpointsTest, OnlyOneIsAskedWhoMaySayNothingUntilTheDeadline) {
  tills_["b"].mute = true;
  Ask(500, 1);
  Run(499);
  EXPECT_TRUE(said_.empty());
  Run(2);
  ASSERT_EQ(said_.size(), 1U);
  EXPECT_EQ(tills_["b"].asked, 1);
  EXPECT_EQ(tills_["a"].asked + tills_["c"].asked, 0);
  EXPECT_EQ(endpoints_->preferred(), 0U) << "says nothing of where others begin";
}

TEST_F(EndpointsTest, AnAnswerThatIsTooLongIsNone) {
  Ask(50, 0, "a very long bill");
  Run(100);
  ASSERT_EQ(said_.size(), 1U);
  EXPECT_THAT(said_[0], HasSubstr("too long"));
}

TEST_F(EndpointsTest, CloseEndsWhatIsUnderWayPausesAndComes) {
  tills_["a"].mute = true;
  Ask(1'000);  // under way
  for (auto& [address, till] : tills_) till.fails = Status::Unavailable("closed");
  Ask(1'000, 1);  // pauses
  Run();
  EXPECT_TRUE(said_.empty());
  endpoints_->Close();
  Run();
  Ask(1'000);
  EXPECT_THAT(said_, testing::SizeIs(3));
  for (const std::string& said : said_) EXPECT_THAT(said, HasSubstr("asks a till"));
  bool went_on = true;
  endpoints_->Pause(1'000, [&](bool go) { went_on = go; });
  EXPECT_FALSE(went_on);
  Run(2'000);
  EXPECT_THAT(said_, testing::SizeIs(3));
}

TEST_F(EndpointsTest, AddressesThatOthersNameAreAddedUpToALimit) {
  EXPECT_EQ(endpoints_->IndexOf("b"), 1U);
  EXPECT_EQ(endpoints_->IndexOf("d"), 3U);
  EXPECT_EQ(endpoints_->IndexOf("d"), 3U);
  EXPECT_EQ(endpoints_->AddressOf(3), "d");
  EXPECT_EQ(endpoints_->After(3), 0U);
  for (int i = 0; i < 100; i++) endpoints_->IndexOf("x" + std::to_string(i));
  EXPECT_EQ(endpoints_->IndexOf("one too many"), 0U);
}

}  // namespace
}  // namespace nokv::rpc
