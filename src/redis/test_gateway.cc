#include "redis/test_gateway.h"

#include "redis/resp/request_parser.h"

namespace nokv::redis {

std::string TestClient::SendAndWait(std::string_view bytes) {
  std::string received = Send(bytes);
  auto* session = static_cast<Session*>(handler_.get());
  if (session != nullptr && session->holds_late_reply()) {
    gateway_.clock().Advance(2000);
    gateway_.gateway().SendLate();
    received += Received();
  }
  return received;
}

std::string TestClient::Run(std::string_view line) {
  std::vector<std::string> words;
  EXPECT_TRUE(SplitWords(line, &words)) << line;
  const std::string reply = SendAndWait(EncodeRequest(words));
  std::string_view rest = reply;
  std::string rendered = RenderReply(&rest);
  EXPECT_EQ(rest, "") << "after the reply to " << line;
  return rendered;
}

}  // namespace nokv::redis
