#include "sim/check/linearizability.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>

#include "base/random.h"

namespace nokv::sim {
namespace {

constexpr uint64_t kSteps = 1'000'000;
constexpr uint64_t kUnknown = HistoryOperation::kNever;

HistoryOperation Read(uint64_t from, uint64_t to, RegisterValue was) {
  return {.kind = OperationKind::kRead, .invoked_us = from, .returned_us = to, .before = was};
}
HistoryOperation Write(uint64_t from, uint64_t to, int64_t value) {
  return {.kind = OperationKind::kWrite, .argument = value, .invoked_us = from, .returned_us = to};
}
HistoryOperation Cas(uint64_t from, uint64_t to, RegisterValue expected, int64_t value,
                     RegisterValue was) {
  return {.kind = OperationKind::kCas,
          .argument = value,
          .expected = expected,
          .invoked_us = from,
          .returned_us = to,
          .before = was};
}
HistoryOperation Add(uint64_t from, uint64_t to, int64_t value, RegisterValue was) {
  return {.kind = OperationKind::kAdd,
          .argument = value,
          .invoked_us = from,
          .returned_us = to,
          .before = was};
}
HistoryOperation Delete(uint64_t from, uint64_t to, RegisterValue was) {
  return {.kind = OperationKind::kDelete, .invoked_us = from, .returned_us = to, .before = was};
}
HistoryOperation Of(uint64_t key, HistoryOperation operation) {
  operation.key = key;
  return operation;
}

bool Good(const History& history) {
  const LinearizabilityResult result = CheckRegister(history, kSteps);
  EXPECT_NE(result.verdict, Verdict::kTooMuchWork);
  EXPECT_EQ(result.explanation.empty(), result.verdict == Verdict::kLinearizable);
  return result.verdict == Verdict::kLinearizable;
}

TEST(LinearizabilityTest, OneAfterTheOther) {
  EXPECT_TRUE(Good({}));
  EXPECT_TRUE(Good({Read(0, 1, {}), Write(2, 3, 7), Read(4, 5, 7)}));
  EXPECT_FALSE(Good({Write(0, 1, 7), Read(2, 3, {})}));                 // stale
  EXPECT_FALSE(Good({Write(0, 1, 7), Read(2, 3, 8)}));                  // from nowhere
  EXPECT_FALSE(Good({Read(0, 1, 7), Write(2, 3, 7)}));                  // from the future
  EXPECT_FALSE(Good({Write(0, 1, 7), Write(2, 3, 8), Read(4, 5, 7)}));  // lost
}

TEST(LinearizabilityTest, ConcurrentOperationsTakeAnyOrder) {
  EXPECT_TRUE(Good({Write(0, 10, 7), Read(1, 2, {}), Read(3, 4, 7)}));
  EXPECT_TRUE(Good({Write(0, 10, 7), Write(0, 10, 8), Read(11, 12, 7)}));
  // Two readers must agree on the order that they saw.
  EXPECT_FALSE(Good({Write(0, 10, 7), Read(1, 2, 7), Read(3, 4, {})}));
  EXPECT_FALSE(Good({Write(0, 1, 1), Write(2, 20, 2), Write(2, 20, 3), Read(3, 4, 2), Read(5, 6, 3),
                     Read(7, 8, 2)}));
}

TEST(LinearizabilityTest, AConditionalWriteHappensOnce) {
  EXPECT_TRUE(Good({Cas(0, 1, {}, 7, {}), Cas(2, 3, {}, 8, 7), Read(4, 5, 7)}));
  EXPECT_FALSE(Good({Cas(0, 5, {}, 7, {}), Cas(0, 5, {}, 8, {})}));  // both succeeded
  EXPECT_FALSE(Good({Cas(0, 1, {}, 7, {}), Cas(2, 3, {}, 8, {}), Read(4, 5, 8)}));
  // One that failed changed nothing.
  EXPECT_FALSE(Good({Write(0, 1, 1), Cas(2, 3, 5, 7, 1), Read(4, 5, 7)}));
}

TEST(LinearizabilityTest, AnAdditionAppliedTwiceIsFound) {
  EXPECT_TRUE(Good({Add(0, 1, 2, {}), Add(2, 3, 5, 2), Read(4, 5, 7)}));
  EXPECT_FALSE(Good({Add(0, 1, 2, {}), Read(4, 5, 4)}));
  EXPECT_TRUE(Good({Add(0, kUnknown, 2, {}), Read(4, 5, 2)}));
  EXPECT_FALSE(Good({Add(0, kUnknown, 2, {}), Read(4, 5, 4)}));
}

TEST(LinearizabilityTest, ADeletionLeavesNothing) {
  EXPECT_TRUE(Good({Write(0, 1, 7), Delete(2, 3, 7), Read(4, 5, {})}));
  EXPECT_FALSE(Good({Write(0, 1, 7), Delete(2, 3, 7), Read(4, 5, 7)}));
  EXPECT_FALSE(Good({Write(0, 1, 7), Delete(2, 3, {}), Read(4, 5, {})}));
}

TEST(LinearizabilityTest, AnUnknownOutcomeMayBeEither) {
  EXPECT_TRUE(Good({Write(0, kUnknown, 7), Read(1, 2, {})}));
  EXPECT_TRUE(Good({Write(0, kUnknown, 7), Read(1, 2, {}), Read(3, 4, 7)}));  // late
  // Not twice, not undone, not before its call.
  EXPECT_FALSE(Good({Write(0, kUnknown, 7), Read(1, 2, 7), Read(3, 4, {})}));
  EXPECT_FALSE(Good({Read(0, 1, 7), Write(2, kUnknown, 7)}));
  EXPECT_FALSE(
      Good({Write(0, 1, 1), Write(2, kUnknown, 7), Read(3, 4, 7), Write(5, 6, 8), Read(7, 8, 7)}));
  // Nobody saw the value itself, only what an addition of unknown outcome made of it.
  EXPECT_TRUE(Good({Write(0, kUnknown, 5), Add(1, kUnknown, 3, {}), Read(4, 5, 8)}));
}

TEST(LinearizabilityTest, AnUnknownComparisonMayHaveSeenAnUnknownWrite) {
  EXPECT_TRUE(Good({Write(0, kUnknown, 7), Cas(1, kUnknown, 7, 8, {}), Read(3, 4, 8)}));
  EXPECT_FALSE(Good({Write(0, kUnknown, 6), Cas(1, kUnknown, 7, 8, {}), Read(3, 4, 8)}));
  EXPECT_FALSE(Good({Cas(1, kUnknown, 7, 8, {}), Read(3, 4, 8), Write(5, kUnknown, 7)}));
}

TEST(LinearizabilityTest, KeysAreIndependent) {
  EXPECT_EQ(CheckMap({Of(1, Write(0, 1, 7)), Of(2, Read(2, 3, {})), Of(1, Read(2, 3, 7))}, kSteps)
                .verdict,
            Verdict::kLinearizable);
  const LinearizabilityResult bad =
      CheckMap({Of(1, Write(0, 1, 7)), Of(2, Write(0, 1, 8)), Of(2, Read(2, 3, 7))}, kSteps);
  EXPECT_EQ(bad.verdict, Verdict::kViolation);
  EXPECT_THAT(bad.explanation,
              testing::HasSubstr("nothing explains client 0, key 2: read, was 7 [2, 3]"));
}

TEST(LinearizabilityTest, TheWorkIsBounded) {
  // Many concurrent additions whose answers cannot all be true: every order of them is tried.
  History history;
  for (int i = 0; i < 24; i++) history.push_back(Add(0, kUnknown, int64_t{1} << i, {}));
  history.push_back(Read(1, 2, -5));
  const LinearizabilityResult result = CheckRegister(history, 1000);
  EXPECT_EQ(result.verdict, Verdict::kTooMuchWork);
  EXPECT_LE(result.steps, 1001U);
}

// Operations of several clients on a register that is one: each takes effect somewhere within its
// time, and some never tell.
History RandomHistory(base::Random* random, size_t size) {
  History history;
  std::vector<std::pair<uint64_t, size_t>> effects;
  std::array<uint64_t, 5> free_us = {};
  for (size_t i = 0; i < size; i++) {
    const uint64_t client = random->Uniform(free_us.size());
    HistoryOperation operation;
    operation.client = client;
    operation.kind = static_cast<OperationKind>(random->Uniform(5));
    operation.argument = static_cast<int64_t>(i + 1);
    if (random->OneIn(2)) operation.expected = static_cast<int64_t>(random->Uniform(i + 1));
    operation.invoked_us = free_us[client] + random->Uniform(20);
    operation.returned_us = operation.invoked_us + 1 + random->Uniform(100);
    free_us[client] = operation.returned_us + 1;
    effects.emplace_back(
        operation.invoked_us + random->Uniform(operation.returned_us - operation.invoked_us + 1),
        i);
    history.push_back(operation);
  }
  std::sort(effects.begin(), effects.end());
  RegisterValue value;
  for (const auto& [at, number] : effects) {
    history[number].before = value;
    value = Apply(history[number], value);
  }
  for (HistoryOperation& operation : history) {
    if (random->OneIn(20)) operation.returned_us = kUnknown;
  }
  return history;
}

TEST(LinearizabilityTest, RandomHistoriesOfOneRegisterPass) {
  for (uint64_t seed = 1; seed <= 200; seed++) {
    base::Random random(seed);
    const History history = RandomHistory(&random, 200);
    const LinearizabilityResult result = CheckRegister(history, kSteps);
    EXPECT_EQ(result.verdict, Verdict::kLinearizable) << "seed " << seed << "\n"
                                                      << result.explanation;
  }
}

TEST(LinearizabilityTest, AValueFromElsewhereIsFoundInAnyOfThem) {
  int found = 0;
  for (uint64_t seed = 1; seed <= 200; seed++) {
    base::Random random(seed);
    History history = RandomHistory(&random, 200);
    size_t changed = random.Uniform(history.size());
    while (!history[changed].observes()) changed = (changed + 1) % history.size();
    history[changed].before = -1;  // nobody wrote it
    const Verdict verdict = CheckRegister(history, kSteps).verdict;
    EXPECT_NE(verdict, Verdict::kLinearizable) << "seed " << seed;
    found += verdict == Verdict::kViolation;
  }
  EXPECT_GT(found, 190);  // the others are too much work
}

// All orders are tried: what the search must agree with on short histories.
bool AnyOrder(const History& history, std::vector<bool>* taken, const RegisterValue& value) {
  uint64_t first_return = kUnknown;
  bool known_left = false;
  for (size_t i = 0; i < history.size(); i++) {
    if ((*taken)[i] || !history[i].known()) continue;
    known_left = true;
    first_return = std::min(first_return, history[i].returned_us);
  }
  if (!known_left) return true;
  for (size_t i = 0; i < history.size(); i++) {
    if ((*taken)[i] || history[i].invoked_us > first_return) continue;
    if (history[i].observes() && history[i].before != value) continue;
    (*taken)[i] = true;
    const bool found = AnyOrder(history, taken, Apply(history[i], value));
    (*taken)[i] = false;
    if (found) return true;
  }
  return false;
}

TEST(LinearizabilityTest, AgreesWithTryingAllOrders) {
  int good = 0;
  int bad = 0;
  for (uint64_t seed = 1; seed <= 3000; seed++) {
    base::Random random(seed);
    History history = RandomHistory(&random, 8);
    for (HistoryOperation& operation : history) operation.argument %= 3;
    // What somebody saw is swapped with what somebody else did.
    std::swap(history[random.Uniform(8)].before, history[random.Uniform(8)].before);
    std::vector<bool> taken(history.size());
    const bool expected = AnyOrder(history, &taken, {});
    EXPECT_EQ(Good(history), expected) << "seed " << seed;
    (expected ? good : bad)++;
  }
  EXPECT_GT(good, 100);
  EXPECT_GT(bad, 300);
}

}  // namespace
}  // namespace nokv::sim
