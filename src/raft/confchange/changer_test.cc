#include "raft/confchange/changer.h"

#include <gtest/gtest.h>

#include "base/random.h"

namespace nokv::raft {
namespace {

Membership Members(const ConfState& state) {
  Result<Membership> members = RestoreMembers(Tracker(10, kNoLimit), 5, state);
  EXPECT_TRUE(members.ok()) << members.status();
  return std::move(members).value();
}

std::string After(const ConfState& before, const ConfChange& change) {
  Tracker tracker(10, kNoLimit);
  tracker.SetMembers(Members(before));
  const Result<Membership> after = Changer(tracker, 5).Apply(change);
  return after.ok() ? ToString(after->config) : std::string(after.status().message());
}

std::vector<ConfChangeStep> Steps(std::string_view text) {
  return *ParseConfChangeSteps(text);
}

TEST(ChangerTest, DoesWhatIsAskedOrSaysWhyNot) {
  const ConfState three{{1, 2, 3}, {4}, {}, {}, false};
  struct Case {
    Transition transition;
    const char* steps;
    const char* after;
  };
  const Case cases[] = {
      {Transition::kAuto, "v5", "voters=(1 2 3 5) learners=(4)"},
      {Transition::kAuto, "v4", "voters=(1 2 3 4)"},
      {Transition::kAuto, "l3", "voters=(1 2) learners=(3 4)"},
      {Transition::kAuto, "u2", "voters=(1 2 3) learners=(4)"},
      {Transition::kAuto, "", "can't leave a non-joint config"},
      {Transition::kAuto, "r1 v5", "voters=(2 3 5)&&(1 2 3) learners=(4) autoleave"},
      {Transition::kAuto, "r1 r2 r3", "removed all voters"},
      {Transition::kJointImplicit, "r1", "voters=(2 3)&&(1 2 3) learners=(4) autoleave"},
      {Transition::kJointExplicit, "l1", "voters=(2 3)&&(1 2 3) learners=(4) learners_next=(1)"},
  };
  for (const Case& test : cases) {
    EXPECT_EQ(After(three, {test.transition, Steps(test.steps), ""}), test.after) << test.steps;
  }
}

TEST(ChangerTest, AJointConfigurationIsOnlyLeft) {
  const ConfState joint{{1, 2}, {}, {2, 3}, {3}, true};
  EXPECT_EQ(After(joint, {}), "voters=(1 2) learners=(3)");
  EXPECT_EQ(After(joint, {Transition::kAuto, Steps("v4"), ""}),
            "can't apply simple config change in joint config");
  EXPECT_EQ(After(joint, {Transition::kAuto, Steps("v4 r1"), ""}), "config is already joint");
}

TEST(ChangerTest, SimpleChangesTouchOneVoter) {
  Tracker tracker(10, kNoLimit);
  tracker.SetMembers(Members({{1, 2, 3}, {}, {}, {}, false}));
  EXPECT_EQ(Changer(tracker, 5).Simple(Steps("r1 r2")).status().message(),
            "more than one voter changed without entering joint config");
  EXPECT_TRUE(Changer(tracker, 5).Simple(Steps("l4 l5 r3")).ok());
}

// Random changes from random configurations: whatever results can be written down and restored.
TEST(ChangerTest, EveryConfigurationSurvivesItsConfState) {
  const uint64_t seed = 7;
  SCOPED_TRACE("seed " + std::to_string(seed));
  base::Random random(seed);
  Tracker tracker(10, kNoLimit);
  tracker.SetMembers(Members({{1}, {}, {}, {}, false}));
  int changed = 0;
  for (int i = 0; i < 5000; i++) {
    ConfChange change;
    change.transition = static_cast<Transition>(random.Uniform(3));
    for (uint64_t n = random.Uniform(4); n > 0; n--) {
      change.steps.push_back({static_cast<ConfChangeType>(random.Uniform(4)), random.Uniform(8)});
    }
    Result<Membership> after = Changer(tracker, 5).Apply(change);
    if (!after.ok()) continue;
    changed++;
    const ConfState state = after->config.ToConfState();
    const Membership restored = Members(state);
    ASSERT_EQ(restored.config.ToConfState(), state) << ToString(after->config);
    ASSERT_EQ(restored.progress.size(), after->progress.size());
    tracker.SetMembers(std::move(after).value());
  }
  EXPECT_GT(changed, 500);
}

TEST(ConfChangeTest, BytesComeBack) {
  const ConfChange change{Transition::kJointExplicit, Steps("v1 l200 r3 u70000"), "why"};
  const Result<ConfChange> decoded = DecodeConfChange(EncodeConfChange(change));
  ASSERT_TRUE(decoded.ok()) << decoded.status();
  EXPECT_EQ(decoded->transition, change.transition);
  EXPECT_EQ(decoded->steps, change.steps);
  EXPECT_EQ(decoded->context, change.context);

  const Result<ConfChange> v1 = DecodeConfChange(EncodeConfChange({{}, Steps("r9"), "x"}, true));
  ASSERT_TRUE(v1.ok()) << v1.status();
  EXPECT_EQ(v1->steps, Steps("r9"));
  EXPECT_EQ(v1->context, "x");
}

TEST(ConfChangeTest, DamagedBytesAreRefused) {
  const Entry whole = EncodeConfChange({Transition::kAuto, Steps("v1 l2"), "context"});
  for (size_t cut = 1; cut < whole.data.size(); cut++) {
    Entry entry = whole;
    entry.data = Payload(std::string(whole.data.view().substr(0, cut)));
    const Result<ConfChange> change = DecodeConfChange(entry);
    EXPECT_TRUE(!change.ok() || change->context.empty()) << "cut at " << cut;
  }
  for (const char* bytes : {"\x08\x07", "\x12\x02\x08\x09", "\x12\x7f", "\x0b", "\xff"}) {
    Entry entry = whole;
    entry.data = Payload(bytes);
    EXPECT_EQ(DecodeConfChange(entry).status().code(), StatusCode::kInvalidArgument);
  }
}

}  // namespace
}  // namespace nokv::raft
