#include "cli/doctor.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <sstream>
#include <string>

#include "cli/inspect_directory.h"
#include "cli/nokv_commands.h"
#include "nokv/db.h"

namespace nokv::cli {
namespace {

Machine Healthy() {
  return {.kernel = "6.1.0",
          .open_files = 1 << 20,
          .memory_bytes = uint64_t{16} << 30,
          .cgroup_bytes = 0,
          .huge_pages = "madvise",
          .wall_ms = 1'795'000'000'000};
}

Finding Find(const Machine& machine, const std::string& check) {
  for (const Finding& finding : CheckMachine(machine)) {
    if (finding.check == check) return finding;
  }
  ADD_FAILURE() << "no check " << check;
  return {};
}

TEST(DoctorTest, FindsNothingWrongWithAHealthyMachine) {
  for (const Finding& finding : CheckMachine(Healthy())) {
    EXPECT_EQ(finding.verdict, Verdict::kOk) << finding.check;
    EXPECT_EQ(finding.fix, "");
  }
}

TEST(DoctorTest, SaysWhatAMachineLacksAndHowToFixIt) {
  Machine machine = Healthy();
  machine.open_files = 1024;
  EXPECT_EQ(Find(machine, "open files").verdict, Verdict::kWarning);
  EXPECT_EQ(Find(machine, "open files").fix.substr(0, 15), "ulimit -n 10240");
  machine.open_files = 100;
  EXPECT_EQ(Find(machine, "open files").verdict, Verdict::kProblem);
  machine.cgroup_bytes = uint64_t{256} << 20;
  EXPECT_EQ(Find(machine, "memory").verdict, Verdict::kProblem);
  EXPECT_EQ(Find(machine, "memory").detail,
            "256 MiB in this container; caches and memtables take up to 320 MiB");
  machine.cgroup_bytes = uint64_t{512} << 20;
  EXPECT_EQ(Find(machine, "memory").verdict, Verdict::kWarning);
  machine.cgroup_bytes = uint64_t{64} << 30;  // more than there is
  EXPECT_EQ(Find(machine, "memory").verdict, Verdict::kOk);
  machine.huge_pages = "never";
  EXPECT_EQ(Find(machine, "huge pages").verdict, Verdict::kWarning);
  EXPECT_EQ(Find(machine, "clock").detail, "2026-11-18");
  machine.wall_ms = 1000;
  EXPECT_EQ(Find(machine, "clock").verdict, Verdict::kProblem);
}

TEST(DoctorTest, JudgesSyncsByTheSlowestOfAHundred) {
  std::vector<uint64_t> micros(200, 400);
  EXPECT_EQ(JudgeSyncs(micros).verdict, Verdict::kOk);
  EXPECT_EQ(JudgeSyncs(micros).detail, "median 0.40 ms, p99 0.40 ms over 200 syncs");
  micros[0] = 50'000;  // one of two hundred
  EXPECT_EQ(JudgeSyncs(micros).verdict, Verdict::kOk);
  micros[1] = micros[2] = 50'000;
  EXPECT_EQ(JudgeSyncs(micros).verdict, Verdict::kWarning);
  EXPECT_EQ(JudgeSyncs({2'000'000}).verdict, Verdict::kProblem);
}

TEST(DoctorTest, JudgesFreeSpace) {
  EXPECT_EQ(JudgeFreeSpace(uint64_t{2} << 30).verdict, Verdict::kOk);
  EXPECT_EQ(JudgeFreeSpace(uint64_t{500} << 20).verdict, Verdict::kWarning);
  EXPECT_EQ(JudgeFreeSpace(1 << 20).verdict, Verdict::kProblem);
}

TEST(DoctorTest, JudgesCertificatesByTheDaysThatAreLeft) {
  EXPECT_EQ(JudgeCertificate("c.pem", 31.5).verdict, Verdict::kOk);
  EXPECT_EQ(JudgeCertificate("c.pem", 31.5).detail, "c.pem expires in 31 days");
  EXPECT_EQ(JudgeCertificate("c.pem", 29.9).verdict, Verdict::kWarning);
  const Finding expired =
      JudgeCertificate("c.pem", Status::InvalidArgument("c.pem expired").WithHint("renew it"));
  EXPECT_EQ(expired.verdict, Verdict::kProblem);
  EXPECT_EQ(expired.detail, "c.pem expired");
  EXPECT_EQ(expired.fix, "renew it");
}

TEST(DoctorTest, NamesSecretsThatOthersMayUse) {
  EXPECT_EQ(JudgeSecrets({"a", "b"}, {}).verdict, Verdict::kOk);
  const Finding exposed = JudgeSecrets({"a", "b", "c"}, {"a", "c"});
  EXPECT_EQ(exposed.verdict, Verdict::kProblem);
  EXPECT_EQ(exposed.fix, "chmod 600 a c");
}

TEST(DoctorTest, JudgesWhatAGatewayAnswers) {
  const std::string at = "127.0.0.1:6380";
  EXPECT_EQ(JudgeGateway(at, std::string("+PONG"), true).verdict, Verdict::kOk);
  EXPECT_EQ(JudgeGateway(at, std::string("-NOAUTH Authentication required."), true).verdict,
            Verdict::kOk);
  EXPECT_EQ(JudgeGateway(at, std::string("-LOADING keys"), true).verdict, Verdict::kWarning);
  EXPECT_EQ(JudgeGateway(at, std::string("HTTP/1.1 400"), true).verdict, Verdict::kProblem);
  EXPECT_EQ(JudgeGateway(at, std::string("HTTP/1.1 400"), false).verdict, Verdict::kWarning);
  EXPECT_EQ(JudgeGateway(at, Status::Unavailable("refused"), false).verdict, Verdict::kOk);
  const Finding down = JudgeGateway(at, Status::Unavailable("refused"), true);
  EXPECT_EQ(down.verdict, Verdict::kProblem);
  EXPECT_EQ(down.exit_code, kExitUnavailable);
  EXPECT_TRUE(down.fix.starts_with("start it: nokv-redis --addr 127.0.0.1:6380")) << down.fix;
}

class DoctorCommandTest : public testing::Test {
 protected:
  DoctorCommandTest() {
    dir_ = testing::TempDir() + "/nokv_doctor_" +
           testing::UnitTest::GetInstance()->current_test_info()->name();
    std::filesystem::remove_all(dir_);
  }
  ~DoctorCommandTest() override { std::filesystem::remove_all(dir_); }

  int Doctor(Args args) {
    args.insert(args.begin(), "doctor");
    std::ostringstream out;
    std::ostringstream err;
    const int code =
        RunProgram(NokvProgram(), args, {.out = out, .err = err, .inspect = InspectDirectory});
    printed_ = out.str() + err.str();
    return code;
  }

  std::string dir_;
  std::string printed_;
};

TEST_F(DoctorCommandTest, LooksAtADirectoryAndLeavesNothingBehind) {
  auto db = DB::Open({}, dir_);
  ASSERT_TRUE(db.ok() && (*db)->Put({}, "k", "v").ok() && (*db)->Close().ok());
  Doctor({"--workdir", dir_, "-o", "csv"});
  EXPECT_NE(printed_.find("\ndirectory,ok,"), std::string::npos) << printed_;
  EXPECT_NE(printed_.find("\ndisk sync,"), std::string::npos) << printed_;
  EXPECT_NE(printed_.find(" syncs"), std::string::npos) << printed_;
  for (const auto& file : std::filesystem::directory_iterator(dir_)) {
    EXPECT_EQ(file.path().filename().string().find("doctor"), std::string::npos);
  }
}

TEST_F(DoctorCommandTest, ExitsWithTheCodeOfTheWorstProblem) {
  EXPECT_EQ(Doctor({"--workdir", dir_ + "/none", "-o", "json"}), kExitNotFound);
  EXPECT_NE(printed_.find("\"check\":\"directory\",\"verdict\":\"problem\""), std::string::npos);
  EXPECT_EQ(Doctor({"--workdir", dir_ + "/none", "--addr", "127.0.0.1:1"}), kExitUnavailable);
  EXPECT_NE(printed_.find("problem  gateway"), std::string::npos) << printed_;
}

}  // namespace
}  // namespace nokv::cli
