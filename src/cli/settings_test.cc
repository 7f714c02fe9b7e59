#include "cli/settings.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include "cli/nokv_commands.h"

namespace nokv::cli {
namespace {

class SettingsTest : public testing::Test {
 protected:
  SettingsTest() {
    dir_ = testing::TempDir() + "/nokv_settings_" +
           testing::UnitTest::GetInstance()->current_test_info()->name();
    std::filesystem::remove_all(dir_);
    std::filesystem::create_directory(dir_);
  }
  ~SettingsTest() override { std::filesystem::remove_all(dir_); }

  std::string Write(const std::string& name, const std::string& text) {
    std::ofstream(dir_ + "/" + name) << text;
    return dir_ + "/" + name;
  }

  Result<Settings> Read(const std::vector<std::string>& paths, const std::string& required = "") {
    return Settings::Read(vfs::PosixFileSystem(), paths, required, KnownSettings());
  }

  // What reading a file with `text` says is wrong, without the names of files.
  std::string Mistakes(const std::string& text) {
    const std::string path = Write("bad.json", text);
    const Status status = Read({path}).status();
    EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
    EXPECT_EQ(status.error_number(), 2201);
    std::string message(status.message());
    for (size_t at = 0; (at = message.find(path + ":")) != std::string::npos;) {
      message.erase(at, path.size() + 1);
    }
    return message;
  }

  int Nokv(const Args& args, const std::map<std::string, std::string>& variables = {}) {
    std::ostringstream out;
    std::ostringstream err;
    const int code = RunProgram(
        NokvProgram(), args,
        {.out = out,
         .err = err,
         .inspect = [](const std::string& dir) -> Result<Inspection> {
           return Status::NotFound("looked into " + dir);
         },
         .variables = [&](const std::string& name) -> std::optional<std::string> {
           const auto it = variables.find(name);
           return it == variables.end() ? std::nullopt : std::optional(it->second);
         },
         .settings_files = {dir_ + "/here.json", dir_ + "/user.json", dir_ + "/machine.json"}});
    out_ = out.str();
    err_ = err.str();
    return code;
  }

  std::string dir_;
  std::string out_, err_;
};

TEST_F(SettingsTest, OneMistakeIsTheMessage) {
  EXPECT_EQ(Mistakes("{\n  \"snyc\": \"no\"\n}"),
            "2:3: unknown setting \"snyc\"; did you mean sync?");
  EXPECT_EQ(Mistakes("[1]"), "1:1: is no JSON object, but a list");
}

TEST_F(SettingsTest, EveryMistakeIsReportedInTheOrderOfTheFile) {
  EXPECT_EQ(Mistakes(R"({
  "sync": "alwyas",
  "tls_ca_cert_file": "ca.pem",
  "--addr": "x",
  "io-threads": "4",
  "workdir": 7,
  "limit": 3,
  "sync": "no",
  "io-threads": 65,
  "aclfile": null
})"),
            R"(9 mistakes in settings
  2:11: sync "alwyas" is not always, everysec or no; did you mean always?
  3:3: unknown setting "tls_ca_cert_file"; did you mean tls-ca-cert-file?
  4:3: unknown setting "--addr"; did you mean addr?
  5:17: io-threads must be a number, not text
  6:14: workdir must be text, not a number
  7:3: unknown setting "limit"
  8:3: "sync" is given twice, first in line 2
  9:3: "io-threads" is given twice, first in line 5
  10:3: "aclfile" is null, not text, a number, true or false)");
  EXPECT_EQ(Mistakes(R"({"io-threads": -0})"),
            "1:16: io-threads \"-0\" is not a number from 1 to 64");
}

TEST_F(SettingsTest, MistakesOfAllFilesAreReported) {
  const std::string a = Write("a", R"({"a": 1})");
  const std::string b = Write("b", R"({"b": 1})");
  const Status status = Read({a, b}).status();
  EXPECT_NE(status.message().find(a + ":1:2: unknown"), std::string::npos) << status;
  EXPECT_NE(status.message().find(b + ":1:2: unknown"), std::string::npos) << status;
}

TEST_F(SettingsTest, AnEmptyValueIsForTheCommandsThatTakeIt) {
  EXPECT_TRUE(Read({Write("a", R"({"addr": ""})")}).ok());
  EXPECT_EQ(Mistakes(R"({"workdir": ""})"), "1:13: workdir is empty: it needs DIR");
}

TEST_F(SettingsTest, WhatCannotBeReadIsNamed) {
  EXPECT_TRUE(Read({dir_ + "/none"}).ok());
  EXPECT_EQ(Read({dir_ + "/none"}, dir_ + "/none").status().error_number(), 2202);
  EXPECT_EQ(Read({dir_}).status().error_number(), 2202);
  EXPECT_EQ(Read({Write("large", std::string((1 << 20) + 1, ' '))}).status().error_number(), 2202);
}

TEST_F(SettingsTest, PathsAreRelativeToTheFileAndOthersAreNot) {
  const auto settings = Read(
      {Write("a", R"({"workdir": "db", "sync": "no"})"), Write("b", R"({"workdir": "/data"})")});
  ASSERT_TRUE(settings.ok()) << settings.status();
  const SettingsSchema schema = KnownSettings();
  const auto workdirs = settings->Find(*schema.Find("workdir")[0]);
  ASSERT_EQ(workdirs.size(), 2U);
  EXPECT_EQ(workdirs[0].text, dir_ + "/db");
  EXPECT_EQ(workdirs[0].place, dir_ + "/a:1:13");
  EXPECT_EQ(workdirs[1].text, "/data");
  EXPECT_EQ(settings->Find(*schema.Find("sync")[0])[0].text, "no");
}

TEST_F(SettingsTest, CommandsTakeTheFirstOfFlagVariableAndFiles) {
  const auto workdir = [&](const Args& args, const std::map<std::string, std::string>& variables) {
    Args all = {"manifest"};
    all.insert(all.end(), args.begin(), args.end());
    EXPECT_EQ(Nokv(all, variables), kExitNotFound) << err_;
    const size_t at = err_.find("looked into ") + 12;
    return err_.substr(at, err_.find('\n', at) - at);
  };
  Write("machine.json", R"({"workdir": "/machine"})");
  EXPECT_EQ(workdir({}, {}), "/machine");
  Write("user.json", R"({"workdir": "/user"})");
  EXPECT_EQ(workdir({}, {}), "/user");
  Write("here.json", R"({"workdir": "/here"})");
  EXPECT_EQ(workdir({}, {}), "/here");
  const std::string other = Write("other.json", R"({"sync": "no"})");
  EXPECT_EQ(workdir({"-C", other}, {}), "/user") << "--config takes the place of the first only";
  EXPECT_EQ(workdir({}, {{"NOKV_CONFIG", other}}), "/user");
  EXPECT_EQ(workdir({}, {{"NOKV_WORKDIR", "/variable"}}), "/variable");
  EXPECT_EQ(workdir({"--workdir", "/flag"}, {{"NOKV_WORKDIR", "/variable"}}), "/flag");
}

TEST_F(SettingsTest, DamagedSettingsStopCommandsButNotHelp) {
  Write("here.json", "{,}");
  EXPECT_EQ(Nokv({"manifest", "--workdir", "x"}), kExitUsage);
  EXPECT_TRUE(err_.starts_with("error[E2201]: " + dir_ + "/here.json:1:2: is not JSON")) << err_;
  EXPECT_NE(err_.find("\n  see nokv help E2201\n"), std::string::npos);
  for (const Args& args : {Args{"help", "E2201"}, Args{"manifest", "--help"}, Args{"version"},
                           Args{"completion", "bash"}}) {
    EXPECT_EQ(Nokv(args), kExitOk) << args[0] << err_;
  }
  EXPECT_EQ(Nokv({"config", "check"}), kExitUsage);
  EXPECT_EQ(Nokv({"config", "check", Write("good", "{}")}), kExitOk);
}

TEST_F(SettingsTest, ExplainShowsEverySourceTheFirstOfWhichCounts) {
  Write("here.json", R"({"sync": "no"})");
  Write("user.json", R"({"sync": "always"})");
  ASSERT_EQ(Nokv({"config", "explain", "sync", "-o", "csv"}, {{"NOKV_SYNC", "everysec"}}), kExitOk);
  EXPECT_EQ(out_, "setting,value,source\nsync,everysec,NOKV_SYNC\nsync,no," + dir_ +
                      "/here.json:1:10\nsync,always," + dir_ +
                      "/user.json:1:10\nsync,everysec,default\n");
  ASSERT_EQ(Nokv({"config", "explain", "-o", "raw"}), kExitOk);
  EXPECT_NE(out_.find("sync\tno\t" + dir_ + "/here.json:1:10\n"), std::string::npos) << out_;
  EXPECT_NE(out_.find("addr\t127.0.0.1:6380\tdefault\n"), std::string::npos) << out_;
  EXPECT_EQ(out_.find("config\t"), std::string::npos) << "the file cannot name another";
  EXPECT_EQ(Nokv({"config", "explain", "sycn"}), kExitUsage);
  EXPECT_NE(err_.find("did you mean sync?"), std::string::npos) << err_;
}

// One meaning for one name: what a file has for one command must do for the others.
TEST_F(SettingsTest, CommandsThatShareASettingAgreeOnItsValues) {
  const SettingsSchema schema = KnownSettings();
  for (const std::string& name : schema.names()) {
    for (const Flag* flag : schema.Find(name)) {
      const Flag* first = schema.Find(name)[0];
      EXPECT_EQ(flag->kind, first->kind) << name;
      EXPECT_EQ(flag->value, first->value) << name;
      EXPECT_EQ(flag->choices, first->choices) << name;
      EXPECT_EQ(flag->environment, first->environment) << name;
    }
  }
}

}  // namespace
}  // namespace nokv::cli
