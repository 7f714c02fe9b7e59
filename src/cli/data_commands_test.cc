// nokv get, put, delete and scan over a memory disk.
#include <gtest/gtest.h>

#include <memory>
#include <sstream>
#include <string>

#include "cli/command.h"
#include "cli/nokv_commands.h"
#include "cli/store.h"
#include "redis/layout.h"
#include "vfs/memory_fs.h"

namespace nokv::cli {
namespace {

struct Outcome {
  int code;
  std::string out, err;
};

class DataCommandsTest : public testing::Test {
 protected:
  Outcome Nokv(Args args, const std::string& input = "") {
    args.insert(args.end(), {"--workdir", "/db"});
    std::istringstream in(input);
    std::ostringstream out, err;
    Environment environment{.out = out, .err = err, .inspect = nullptr, .fs = *fs_};
    environment.in = &in;
    const int code = RunProgram(NokvProgram(), args, environment);
    return {code, out.str(), err.str()};
  }
  void Put(const std::string& key, const std::string& value, const std::string& db = "0") {
    const Outcome outcome = Nokv({"put", key, value, "--redis-db", db});
    ASSERT_EQ(outcome.code, kExitOk) << outcome.err;
  }

  const std::unique_ptr<vfs::MemoryFileSystem> fs_ = vfs::NewMemoryFileSystem();
};

TEST_F(DataCommandsTest, PutsGetsAndDeletes) {
  EXPECT_EQ(Nokv({"put", "hello", "world"}).out, "");
  EXPECT_EQ(Nokv({"get", "hello"}).out, "world\n");
  EXPECT_EQ(Nokv({"get", "hex:68656c6c6f", "-o", "raw"}).out, "world");
  EXPECT_EQ(Nokv({"get", "hello", "--json"}).out,
            "[\n  {\"key\":{\"utf8\":\"hello\"},\"value\":{\"utf8\":\"world\"},"
            "\"expiry_ms\":null}\n]\n");
  EXPECT_EQ(Nokv({"-v", "put", "hello", "again"}).err, "replaced \"hello\", 5 bytes\n");
  EXPECT_EQ(Nokv({"-v", "delete", "hello"}).err, "deleted \"hello\"\n");
  EXPECT_EQ(Nokv({"get", "hello"}).code, kExitNotFound);
}

TEST_F(DataCommandsTest, SaysWhatIsNotFoundAndWhereToLook) {
  Put("hello", "world");
  const Outcome outcome = Nokv({"get", "nosuch", "--redis-db", "3"});
  EXPECT_EQ(outcome.code, kExitNotFound);
  EXPECT_EQ(outcome.out, "");
  EXPECT_EQ(outcome.err,
            "not found: \"nosuch\"\n  the keys that there are: nokv scan --keys-only --limit 20 "
            "--workdir /db --redis-db 3\n");
  EXPECT_EQ(Nokv({"-q", "delete", "nosuch"}).err, "not found: \"nosuch\"\n");
  EXPECT_EQ(Nokv({"delete", "nosuch"}).code, kExitNotFound);
}

TEST_F(DataCommandsTest, ReadsStandardInputAndPrintsBytesThatAreNoText) {
  EXPECT_EQ(Nokv({"put", "k", "-"}, "two\nlines\n").code, kExitOk);
  EXPECT_EQ(Nokv({"get", "k"}).out, "two\nlines\n\n");
  EXPECT_EQ(Nokv({"put", "-", "hex:00ff"}, "from input").code, kExitOk);
  EXPECT_EQ(Nokv({"get", "from input"}).out, "hex:00ff\n");
  EXPECT_EQ(Nokv({"put", "--", "-x", "hex:6865783a"}).code, kExitUsage);  // --workdir comes behind
  EXPECT_EQ(Nokv({"put", "-", "-"}).code, kExitUsage);
  EXPECT_EQ(Nokv({"put", "k", "hex:0"}).err,
            "error: VALUE: \"hex:0\" is not an even number of hexadecimal digits\n"
            "see nokv put --help\n");
}

TEST_F(DataCommandsTest, ExpiresKeys) {
  EXPECT_EQ(Nokv({"put", "gone", "x", "--expiry", "1000"}).code, kExitOk);
  EXPECT_EQ(Nokv({"get", "gone"}).code, kExitNotFound);
  EXPECT_EQ(Nokv({"put", "kept", "x", "--ttl", "1000d"}).code, kExitOk);
  EXPECT_EQ(Nokv({"get", "kept", "-o", "csv", "--columns", "value", "--no-header"}).out, "x\n");
  EXPECT_NE(Nokv({"get", "kept", "-o", "raw", "--columns", "expiry_ms"}).out, "\n");
  EXPECT_EQ(Nokv({"put", "k", "v", "--ttl", "1s", "--expiry", "5"}).err,
            "error: --ttl and --expiry contradict each other\nsee nokv put --help\n");
}

TEST_F(DataCommandsTest, ScansInBothDirectionsWithinBounds) {
  for (const char* key : {"a", "b:1", "b:2", "c", "hex:ff00", "hex:ffff"}) Put(key, "v");
  const auto keys = [&](Args args) {
    args.insert(args.begin(), {"scan", "--keys-only"});
    return Nokv(args).out;
  };
  EXPECT_EQ(keys({}), "a\nb:1\nb:2\nc\nhex:ff00\nhex:ffff\n");
  EXPECT_EQ(keys({"--reverse"}), "hex:ffff\nhex:ff00\nc\nb:2\nb:1\na\n");
  EXPECT_EQ(keys({"--prefix", "b:"}), "b:1\nb:2\n");
  EXPECT_EQ(keys({"--prefix", "hex:ff"}), "hex:ff00\nhex:ffff\n");
  EXPECT_EQ(keys({"--prefix", "b:", "--from", "b:2", "--to", "z"}), "b:2\n");
  EXPECT_EQ(keys({"--from", "b:1", "--to", "c"}), "b:1\nb:2\n");
  EXPECT_EQ(keys({"--from", "c", "--to", "a"}), "");
  EXPECT_EQ(keys({"--to", "b:2", "--reverse", "--limit", "1"}), "b:1\n");
  EXPECT_EQ(Nokv({"scan", "-n", "1"}).out, "KEY  VALUE  EXPIRY_MS\na    v\n");
}

TEST_F(DataCommandsTest, KeepsTheDatabasesOfTheGatewayApart) {
  Put("k", "zero");
  Put("k", "three", "3");
  Put("only3", "x", "3");
  EXPECT_EQ(Nokv({"get", "k"}).out, "zero\n");
  EXPECT_EQ(Nokv({"get", "k", "--redis-db", "3"}).out, "three\n");
  EXPECT_EQ(Nokv({"scan", "--redis-db", "3", "--keys-only"}).out, "k\nonly3\n");
  EXPECT_EQ(Nokv({"scan", "--keys-only"}).out, "k\n");
  EXPECT_EQ(Nokv({"delete", "k", "--redis-db", "3"}).code, kExitOk);
  EXPECT_EQ(Nokv({"get", "k"}).out, "zero\n");
  EXPECT_EQ(Nokv({"get", "k", "--redis-db", "16"}).err,
            "error: --redis-db \"16\" is not a number from 0 to 15\nsee nokv get --help\n");
}

TEST_F(DataCommandsTest, ReadBesideAWriterAndRefuseToWriteBesideIt) {
  Put("k", "v");
  auto writer = Store::Open(*fs_, "/db", Store::Mode::kWrite);
  ASSERT_TRUE(writer.ok()) << writer.status();
  EXPECT_EQ(Nokv({"get", "k"}).out, "v\n");
  for (const Args& args : {Args{"put", "k", "w"}, Args{"delete", "k"}}) {
    const Outcome outcome = Nokv(args);
    EXPECT_EQ(outcome.code, kExitUnavailable);
    EXPECT_TRUE(outcome.err.starts_with("error[E1203]: /db/LOCK is held by pid ")) << outcome.err;
    EXPECT_NE(outcome.err.find("redis-cli"), std::string::npos);
  }
  EXPECT_TRUE((*writer)->Close().ok());
}

TEST_F(DataCommandsTest, DoNotCreateADirectoryToReadIt) {
  EXPECT_EQ(Nokv({"get", "k"}).code, kExitNotFound);
  EXPECT_EQ(Nokv({"scan"}).code, kExitNotFound);
  EXPECT_FALSE(*fs_->Exists("/db"));
}

}  // namespace
}  // namespace nokv::cli
