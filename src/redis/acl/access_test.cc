// Users, passwords and limits, as clients of a whole gateway meet them.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "redis/acl/access_control.h"
#include "redis/acl/password.h"
#include "redis/test_gateway.h"

namespace nokv::redis {
namespace {

constexpr std::string_view kPath = "/users.acl";

class AccessTest : public testing::Test {
 protected:
  // A gateway whose default user has the password "pw".
  static Config WithPassword() {
    Config config;
    config.requirepass_hash = acl::HashPassword("pw");
    return config;
  }
  static Config WithFile() {
    Config config;
    config.acl_file = kPath;
    return config;
  }
  void Write(TestGateway& gateway, std::string_view text) {
    ASSERT_TRUE(vfs::WriteFileAtomically(gateway.files(), std::string(kPath), text).ok());
  }
};

TEST_F(AccessTest, NothingIsAnsweredBeforeAuthentication) {
  TestGateway gateway(WithPassword());
  TestClient client(gateway);
  for (const CommandSpec* spec : gateway.gateway().commands().all()) {
    if ((spec->flags & kNoAuthFlag) != 0) continue;
    std::vector<std::string> words(
        static_cast<size_t>(spec->arity < 0 ? -spec->arity : spec->arity), "help");
    words[0] = spec->name;
    const std::string reply = client.Send(EncodeRequest(words));
    EXPECT_TRUE(reply.find("NOAUTH ") != std::string::npos ||
                reply.starts_with("-ERR unknown subcommand") ||
                reply.starts_with("-ERR wrong number"))
        << spec->name << ": " << reply;
  }
  EXPECT_EQ(client.Run("AUTH pw"), "+OK");
  EXPECT_EQ(client.Run("PING"), "+PONG");
}

TEST_F(AccessTest, ClientsThatWereThereBeforeAPasswordStay) {
  TestGateway gateway;
  TestClient before(gateway);
  EXPECT_EQ(before.Run("CONFIG SET requirepass pw"), "+OK");
  TestClient after(gateway);
  EXPECT_EQ(before.Run("PING"), "+PONG");
  EXPECT_EQ(after.Run("PING"), "-NOAUTH Authentication required.");
}

TEST_F(AccessTest, AFailedAuthIsAnsweredLateAndHoldsUpNobodyElse) {
  TestGateway gateway(WithPassword());
  TestClient guesser(gateway);
  TestClient other(gateway);
  EXPECT_EQ(guesser.Send("AUTH x\r\nAUTH pw\r\n"), "");
  gateway.gateway().SendLate();
  EXPECT_EQ(guesser.Received(), "");
  EXPECT_EQ(other.Run("AUTH pw"), "+OK");
  gateway.clock().Advance(100);
  gateway.gateway().SendLate();
  const std::string received = guesser.Received();
  EXPECT_TRUE(received.starts_with("-WRONGPASS ")) << received;
  EXPECT_TRUE(guesser.connection().TakeRedeliver());
  EXPECT_EQ(guesser.Send(""), "+OK\r\n");
}

TEST_F(AccessTest, FailuresOfOneClientAreAnsweredLaterAndLater) {
  TestGateway gateway(WithPassword());
  TestClient guesser(gateway);
  for (int i = 0; i < 4; ++i) guesser.Run("AUTH x");
  guesser.Send("AUTH x\r\n");
  gateway.clock().Advance(1500);
  gateway.gateway().SendLate();
  auto* session = static_cast<Session*>(guesser.handler());
  EXPECT_TRUE(session->holds_late_reply());
}

TEST_F(AccessTest, UnauthenticatedRequestsAreSmall) {
  TestGateway gateway(WithPassword());
  const auto answer = [&](std::string_view bytes) {
    TestClient client(gateway);
    return client.Send(bytes);
  };
  EXPECT_EQ(answer("*10\r\n$16384\r\n"), "");
  EXPECT_EQ(answer("*11\r\n"), "-ERR Protocol error: unauthenticated multibulk length\r\n");
  EXPECT_EQ(answer("*1\r\n$16385\r\n"), "-ERR Protocol error: unauthenticated bulk length\r\n");
  EXPECT_EQ(answer("*3000000000\r\n"), "-ERR Protocol error: invalid multibulk length\r\n");
  TestClient client(gateway);
  EXPECT_EQ(client.Send("AUTH pw\r\n*11\r\n"), "+OK\r\n");
  EXPECT_FALSE(client.connection().closed());
}

TEST_F(AccessTest, LimitsFollowTheConfiguration) {
  TestGateway gateway;
  TestClient client(gateway);
  EXPECT_EQ(client.Run("CONFIG SET proto-max-bulk-len 1mb client-query-buffer-limit 2mb"), "+OK");
  EXPECT_EQ(client.Send("*1\r\n$1048577\r\n"), "-ERR Protocol error: invalid bulk length\r\n");
  TestClient second(gateway);
  const std::string half = "$1048576\r\n" + std::string(1 << 20, 'x') + "\r\n";
  EXPECT_EQ(second.Send("*3\r\n" + half + half), "-ERR Protocol error: too big request\r\n");
}

TEST_F(AccessTest, RepliesWaitForAnUnauthenticatedReaderEarly) {
  TestGateway gateway(WithPassword());
  TestClient client(gateway);
  client.connection().set_stalled(true);
  std::string pings;
  for (int i = 0; i < 10000; ++i) pings += "PING\r\n";
  client.Send(pings);
  EXPECT_FALSE(client.connection().reading());
  EXPECT_LT(client.connection().pending_bytes(), 20000U);
}

TEST_F(AccessTest, WhoDoesNotAuthenticateInTimeIsDisconnected) {
  TestGateway gateway(WithPassword());
  TestClient silent(gateway);
  TestClient guesser(gateway);
  TestClient known(gateway);
  TestClient again(gateway);
  known.Run("AUTH pw");
  again.Run("AUTH pw");
  const uint64_t begin = gateway.clock().WallMillis();
  const auto sweep = [&](uint64_t seconds) {
    for (TestClient* client : {&silent, &guesser, &known, &again}) {
      if (client->connection().closed()) continue;
      static_cast<Session*>(client->handler())->Sweep(begin + seconds * 1000);
    }
  };
  sweep(0);
  guesser.Run("AUTH x");  // to ask is not enough
  guesser.Run("PING");
  sweep(30);
  EXPECT_EQ(again.Run("RESET"), "+RESET");
  sweep(59);
  EXPECT_FALSE(silent.connection().closed());
  sweep(60);
  EXPECT_TRUE(silent.connection().closed());
  EXPECT_TRUE(guesser.connection().closed());
  EXPECT_FALSE(again.connection().closed()) << "its time began with RESET";
  sweep(119);
  EXPECT_TRUE(again.connection().closed());
  EXPECT_FALSE(known.connection().closed());
}

TEST_F(AccessTest, TheTimeForAuthenticationCanBeWithoutLimit) {
  TestGateway gateway(WithPassword());
  TestClient silent(gateway);
  TestClient admin(gateway);
  admin.Run("AUTH pw");
  EXPECT_EQ(admin.Run("CONFIG SET authentication-timeout 0"), "+OK");
  auto* session = static_cast<Session*>(silent.handler());
  session->Sweep(gateway.clock().WallMillis());
  session->Sweep(gateway.clock().WallMillis() + 1'000'000);
  EXPECT_FALSE(silent.connection().closed());
}

TEST_F(AccessTest, TheLargestClientGoesWhenAllTogetherHoldTooMuch) {
  Config config;
  config.max_buffered_bytes = 1 << 20;
  TestGateway gateway(config);
  TestClient small(gateway);
  TestClient large(gateway);
  TestClient spared(gateway);
  EXPECT_EQ(spared.Run("CLIENT NO-EVICT ON"), "+OK");
  spared.Send("*2\r\n$4\r\nECHO\r\n$900000\r\n" + std::string(450000, 'x'));
  large.Send("*2\r\n$4\r\nECHO\r\n$900000\r\n" + std::string(400000, 'x'));
  small.Send("*2\r\n$4\r\nECHO\r\n$900000\r\n" + std::string(150000, 'x'));
  EXPECT_FALSE(large.connection().closed());
  small.Send(std::string(100000, 'x'));
  EXPECT_TRUE(large.connection().closed());
  EXPECT_FALSE(small.connection().closed());
  EXPECT_FALSE(spared.connection().closed());
  EXPECT_EQ(gateway.gateway().stats().connections_evicted, 1U);
  // What it held is no longer counted.
  small.Send(std::string(300000, 'x'));
  EXPECT_FALSE(small.connection().closed());
}

TEST_F(AccessTest, OtherMachinesAreServedOnceThereIsAPassword) {
  const auto greet = [](const Config& config) {
    TestGateway gateway(config);
    FakeConnection connection;
    connection.set_loopback(false);
    const auto handler = gateway.gateway().Accept(connection);
    if (handler != nullptr) handler->OnClosed();
    return connection.TakeReceived().substr(0, 42);
  };
  EXPECT_EQ(greet({}), "-DENIED Redis is running in protected mode");
  EXPECT_EQ(greet(WithPassword()), "");
}

TEST_F(AccessTest, ADeletedUserIsDisconnectedAndMayDoNothing) {
  TestGateway gateway;
  TestClient admin(gateway);
  TestClient client(gateway);
  admin.Run("ACL SETUSER u on nopass allcommands allkeys");
  EXPECT_EQ(client.Run("AUTH u x"), "+OK");
  EXPECT_EQ(admin.Run("ACL DELUSER u"), ":1");
  EXPECT_TRUE(client.connection().closed());
  // Its own user: the reply still comes.
  admin.Run("ACL SETUSER v on nopass allcommands allkeys");
  EXPECT_EQ(admin.Run("AUTH v x"), "+OK");
  EXPECT_EQ(admin.Run("ACL DELUSER v"), ":1");
  EXPECT_TRUE(admin.connection().closed());
}

TEST_F(AccessTest, AChangeOfRulesIsSeenByClientsThatAreThere) {
  TestGateway gateway;
  TestClient admin(gateway);
  TestClient client(gateway);
  admin.Run("ACL SETUSER u on nopass allcommands allkeys");
  client.Run("AUTH u x");
  EXPECT_EQ(client.Run("SET a b"), "+OK");
  admin.Run("ACL SETUSER u -set");
  EXPECT_EQ(client.Run("SET a b"), "-NOPERM this user has no permissions to run the 'set' command");
}

TEST_F(AccessTest, AUserListensAndPublishesToItsChannelsOnly) {
  constexpr std::string_view kNo =
      "-NOPERM this user has no permissions to access one of the channels used as arguments";
  TestGateway gateway;
  TestClient admin(gateway);
  TestClient client(gateway);
  TestClient other(gateway);
  admin.Run("ACL SETUSER u on nopass allcommands &news.* &p*");
  client.Run("AUTH u x");
  other.Run("AUTH u x");
  EXPECT_EQ(client.Run("PUBLISH weather x"), kNo);
  EXPECT_EQ(client.Run("PUBLISH news.a x"), ":0");
  EXPECT_EQ(client.Run("SUBSCRIBE news.a weather"), kNo);
  EXPECT_EQ(client.Run("SSUBSCRIBE weather"), kNo);
  EXPECT_EQ(client.Run("PSUBSCRIBE pq*"), kNo);
  EXPECT_TRUE(client.Run("PSUBSCRIBE p*").starts_with("["));
  other.Run("SUBSCRIBE news.a");
  EXPECT_EQ(admin.Run("ACL SETUSER u resetchannels &news.*"), "+OK");
  EXPECT_TRUE(client.connection().closed());
  EXPECT_FALSE(other.connection().closed());
}

TEST_F(AccessTest, QueuedCommandsAreCheckedAgainWhenTheyRun) {
  constexpr std::string_view kChanged =
      "-NOPERM ACLs rules changed between the moment the transaction was accumulated and the EXEC "
      "call. This command is no longer allowed for the following reason: no permission to ";
  TestGateway gateway;
  TestClient admin(gateway);
  TestClient client(gateway);
  admin.Run("ACL SETUSER u on nopass allcommands ~a");
  client.Run("AUTH u x");
  client.Run("MULTI");
  EXPECT_EQ(client.Run("SET a 1"), "+QUEUED");
  EXPECT_EQ(client.Run("GET a"), "+QUEUED");
  admin.Run("ACL SETUSER u -set");
  EXPECT_EQ(client.Run("EXEC"),
            "[" + std::string(kChanged) + "execute the command or subcommand, (nil)]");
  client.Run("MULTI");
  client.Run("GET a");
  admin.Run("ACL SETUSER u resetkeys");
  EXPECT_EQ(client.Run("EXEC"), "[" + std::string(kChanged) + "touch the specified keys]");
  client.Run("MULTI");
  EXPECT_TRUE(client.Run("GET a").starts_with("-NOPERM "));
  EXPECT_EQ(client.Run("EXEC"), "-EXECABORT Transaction discarded because of previous errors.");
}

TEST_F(AccessTest, AScriptIsToldWhatItsUserMayNotDo) {
  TestGateway gateway;
  TestClient admin(gateway);
  TestClient client(gateway);
  admin.Run("ACL SETUSER u on nopass +eval +eval_ro +get +publish ~a &news");
  client.Run("AUTH u x");
  const std::string may_not = "-ERR The user executing the script can't ";
  const auto denial = [&](std::string_view call, std::string_view command = "EVAL") {
    const std::string reply =
        client.Run(std::string(command) + " \"return " + std::string(call) + "\" 0");
    return reply.substr(0, reply.find(" script: "));
  };
  EXPECT_EQ(denial("redis.call('set', 'a', 1)"), may_not + "run this command or subcommand");
  EXPECT_EQ(denial("redis.call('set', 'a', 1)", "EVAL_RO"),
            may_not + "run this command or subcommand");
  EXPECT_EQ(denial("redis.pcall('get', 'b')"),
            may_not + "access at least one of the keys mentioned in the command arguments");
  EXPECT_EQ(denial("redis.call('publish', 'weather', 1)"),
            may_not + "publish to the channel mentioned in the command");
  EXPECT_EQ(denial("redis.call('get', 'a')"), "(nil)");
}

TEST_F(AccessTest, WhatIsRefusedIsLoggedAndCounted) {
  TestGateway gateway;
  TestClient admin(gateway);
  TestClient client(gateway);
  admin.Run("ACL SETUSER u on >secret +get ~a");
  client.Run("AUTH u wrong");
  client.Run("AUTH u secret");
  client.Run("GET b");
  client.Run("GET b");
  client.Run("SET a x");
  gateway.clock().Advance(1500);
  const std::string log = admin.Run("ACL LOG");
  const auto entry = [&](std::string_view count, std::string_view reason, std::string_view object) {
    return log.find("[\"count\", " + std::string(count) + ", \"reason\", \"" + std::string(reason) +
                    "\", \"context\", \"toplevel\", \"object\", \"" + std::string(object) +
                    "\", \"username\", \"u\", \"age-seconds\", \"");
  };
  // The newest first.
  EXPECT_LT(entry(":1", "command", "set"), entry(":2", "key", "b")) << log;
  EXPECT_LT(entry(":2", "key", "b"), entry(":1", "auth", "AUTH")) << log;
  EXPECT_NE(entry(":1", "auth", "AUTH"), std::string::npos) << log;
  EXPECT_NE(log.find("\"age-seconds\", \"1.5\", \"client-info\", \"id=2 "), std::string::npos)
      << log;
  EXPECT_EQ(log.find("secret"), std::string::npos);
  EXPECT_EQ(log.find("wrong"), std::string::npos);
  EXPECT_NE(admin.Run("ACL LOG 1").find("\"set\""), std::string::npos);
  const std::string info = admin.Run("INFO stats");
  EXPECT_NE(info.find("acl_access_denied_auth:1\\x0d\\x0aacl_access_denied_cmd:1\\x0d\\x0a"
                      "acl_access_denied_key:2"),
            std::string::npos)
      << info;
  EXPECT_EQ(admin.Run("ACL LOG RESET"), "+OK");
  EXPECT_EQ(admin.Run("ACL LOG"), "[]");
}

TEST_F(AccessTest, ACertificateSaysWhoAClientIsIfThatIsWanted) {
  TestGateway gateway(WithPassword());
  TestClient admin(gateway);
  admin.Run("AUTH pw");
  admin.Run("ACL SETUSER alice on >other allcommands ~alice:*");
  EXPECT_EQ(admin.Run("CONFIG GET tls-auth-clients-user"), "[\"tls-auth-clients-user\", \"off\"]");
  EXPECT_EQ(TestClient(gateway, "alice").Run("PING"), "-NOAUTH Authentication required.");
  EXPECT_EQ(admin.Run("CONFIG SET tls-auth-clients-user cn"), "+OK");
  EXPECT_EQ(admin.Run("CONFIG GET tls-auth-clients-user"), "[\"tls-auth-clients-user\", \"CN\"]");
  TestClient alice(gateway, "alice");
  EXPECT_EQ(alice.Run("ACL WHOAMI"), "\"alice\"");
  EXPECT_EQ(alice.Run("SET alice:1 x"), "+OK");
  EXPECT_EQ(alice.Run("SET bob:1 x").substr(0, 7), "-NOPERM");
  EXPECT_EQ(TestClient(gateway).Run("PING"), "-NOAUTH Authentication required.");
  // As after AUTH: the user's end is the client's, and RESET makes it nobody.
  EXPECT_EQ(alice.Run("RESET"), "+RESET");
  EXPECT_EQ(alice.Run("PING"), "-NOAUTH Authentication required.");
  TestClient again(gateway, "alice");
  admin.Run("ACL DELUSER alice");
  EXPECT_TRUE(again.connection().closed());
}

TEST_F(AccessTest, ACertificateForNobodyIsLoggedAndCounted) {
  Config config;
  config.user_from_certificate = true;
  TestGateway gateway(config);
  TestClient admin(gateway);
  admin.Run("ACL SETUSER bob off >secret allcommands allkeys");
  TestClient alice(gateway, "alice");
  TestClient bob(gateway, "bob");
  EXPECT_EQ(alice.Run("ACL WHOAMI"), "\"default\"");
  EXPECT_EQ(bob.Run("ACL WHOAMI"), "\"default\"");
  const std::string log = admin.Run("ACL LOG");
  for (const char* name : {"alice", "bob"}) {
    const std::string entry =
        "[\"count\", :1, \"reason\", \"tls-cert\", \"context\", \"toplevel\", \"object\", \"\", "
        "\"username\", \"" +
        std::string(name) + "\"";
    EXPECT_NE(log.find(entry), std::string::npos) << log;
  }
  EXPECT_NE(admin.Run("INFO stats").find("acl_access_denied_tls_cert:2"), std::string::npos);
  admin.Run("ACL SETUSER bob on");
  EXPECT_EQ(alice.Run("AUTH bob secret"), "+OK");
}

TEST_F(AccessTest, TheLogIsBounded) {
  TestGateway gateway;
  TestClient client(gateway);
  client.Run("ACL SETUSER default resetkeys");
  for (int i = 0; i < 1000; ++i) client.Run("GET k" + std::to_string(i));
  EXPECT_EQ(gateway.gateway().access().log().entries().size(), acl::AccessLog::kMaxEntries);
  client.Run("GET " + std::string(100000, 'x'));
  EXPECT_EQ(gateway.gateway().access().log().entries().front().object.size(),
            acl::AccessLog::kObjectBytes);
}

TEST_F(AccessTest, UsersAreSavedAndLoaded) {
  TestGateway gateway(WithFile());
  TestClient admin(gateway);
  TestClient kept(gateway);
  TestClient gone(gateway);
  admin.Run("ACL SETUSER kept on >pw +get ~a %R~b &c (+set ~d)");
  EXPECT_EQ(admin.Run("ACL SAVE"), "+OK");
  const std::string before = admin.Run("ACL LIST");
  admin.Run("ACL SETUSER gone on nopass");
  admin.Run("ACL SETUSER kept nopass allcommands");
  kept.Run("AUTH kept x");
  gone.Run("AUTH gone x");
  EXPECT_EQ(admin.Run("ACL LOAD"), "+OK");
  EXPECT_EQ(admin.Run("ACL LIST"), before);
  EXPECT_TRUE(gone.connection().closed());
  EXPECT_EQ(kept.Run("DEL a"), "-NOPERM this user has no permissions to run the 'del' command");
  EXPECT_EQ(kept.Run("GET a"), "(nil)");
}

TEST_F(AccessTest, ABadFileChangesNothingAndEveryBadLineIsNamed) {
  TestGateway gateway(WithFile());
  TestClient admin(gateway);
  admin.Run("ACL SETUSER u on");
  const std::string before = admin.Run("ACL LIST");
  Write(gateway,
        "# users\n"
        "user a on +nosuch foo >ok\n"
        "usr b on\n"
        "\n"
        "user\n"
        "user a off\r\n"
        "  user c on (+get\n"
        "user d on <secret\n"
        "user e on ~ok nopass\n");
  EXPECT_EQ(admin.Run("ACL LOAD"),
            "-ERR the users were not loaded, nothing was changed: "
            "/users.acl:2: Error in applying operation '+nosuch': Unknown command or category "
            "name in ACL /users.acl:2: Error in applying operation 'foo': Syntax error "
            "/users.acl:3: should start with user keyword followed by the username "
            "/users.acl:5: should start with user keyword followed by the username "
            "/users.acl:6: Duplicate user 'a' found "
            "/users.acl:7: Unmatched parenthesis in selector definition "
            "/users.acl:8: Error in applying operation '(redacted)': The password you are trying "
            "to remove from the user does not exist");
  EXPECT_EQ(admin.Run("ACL LIST"), before);
}

TEST_F(AccessTest, AFileThatOthersMayReadIsRefusedAndTheWayOutIsNamed) {
  TestGateway gateway(WithFile());
  TestClient admin(gateway);
  Write(gateway, "user a on nopass\n");
  ASSERT_TRUE(gateway.files().SetMode(std::string(kPath), {.permissions = 0640}).ok());
  EXPECT_EQ(admin.Run("ACL LOAD"),
            "-ERR the secret in /users.acl is open to the group of its owner; "
            "chmod 600 /users.acl");
  EXPECT_EQ(admin.Run("ACL USERS"), "[\"default\"]");
  EXPECT_EQ(admin.Run("ACL SAVE"), "+OK");
  EXPECT_EQ(admin.Run("ACL LOAD"), "+OK") << "what is saved is for its owner";
}

TEST_F(AccessTest, WithoutAFileThereIsNothingToSaveOrLoad) {
  TestGateway gateway;
  TestClient client(gateway);
  EXPECT_TRUE(client.Run("ACL SAVE").starts_with("-ERR This Redis instance is not configured"));
  EXPECT_TRUE(client.Run("ACL LOAD").starts_with("-ERR This Redis instance is not configured"));
}

TEST_F(AccessTest, NewPasswordsAreAsLongAsWasAsked) {
  TestGateway gateway;
  TestClient client(gateway);
  EXPECT_EQ(client.Run("ACL GENPASS").size(), 64U + 2);
  EXPECT_EQ(client.Run("ACL GENPASS 5").size(), 2U + 2);
  EXPECT_EQ(client.Run("ACL GENPASS 4096").size(), 1024U + 2);
  EXPECT_NE(client.Run("ACL GENPASS"), client.Run("ACL GENPASS"));
}

}  // namespace
}  // namespace nokv::redis
