#include "rpc/http/http.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>

namespace nokv::rpc {
namespace {

std::unique_ptr<HttpServer> StartOrDie(HttpHandlers handlers) {
  auto server = HttpServer::Start("127.0.0.1:0", std::move(handlers));
  EXPECT_TRUE(server.ok()) << server.status();
  return std::move(server).value();
}

HttpResponse Get(const HttpServer& server, const std::string& path) {
  auto answer = HttpGet("http://" + server.address() + path, 5000);
  EXPECT_TRUE(answer.ok()) << answer.status();
  return answer.ok() ? *answer : HttpResponse{.status = 0, .content_type = "", .body = ""};
}

TEST(HttpTest, ServesWhatTheHandlerReturns) {
  auto server = StartOrDie({{"/teapot", [](const HttpRequest& request) {
                               return HttpResponse{
                                   .status = 418,
                                   .content_type = "text/x-tea",
                                   .body = request.query.at("milk") + std::string(1 << 20, '.')};
                             }}});
  const HttpResponse answer = Get(*server, "/teapot?milk=a%20drop&milk=none");
  EXPECT_EQ(answer.status, 418);
  EXPECT_EQ(answer.content_type, "text/x-tea");
  EXPECT_EQ(answer.body, "a drop" + std::string(1 << 20, '.'));
}

TEST(HttpTest, ListsThePagesUnderAPathThatIsNone) {
  auto server = StartOrDie({{"/livez", [](const HttpRequest&) { return HttpResponse{}; }}});
  const HttpResponse answer = Get(*server, "/lives");
  EXPECT_EQ(answer.status, 404);
  EXPECT_NE(answer.body.find("/livez"), std::string::npos);
}

TEST(HttpTest, RefusesAPortInUseByName) {
  auto server = StartOrDie({});
  auto second = HttpServer::Start(server->address(), {});
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.status().code(), StatusCode::kUnavailable);
  EXPECT_EQ(second.status().error_number(), 2101);
  EXPECT_NE(second.status().message().find(server->address() + ": Address already in use"),
            std::string::npos)
      << second.status();
}

TEST(HttpTest, AnswersNothingAfterStop) {
  auto server = StartOrDie({{"/livez", [](const HttpRequest&) { return HttpResponse{}; }}});
  EXPECT_EQ(Get(*server, "/livez").status, 200);
  server->Stop();
  server->Stop();
  EXPECT_EQ(HttpGet("http://" + server->address() + "/livez", 2000).status().code(),
            StatusCode::kUnavailable);
}

TEST(HttpTest, RefusesUrlsOfAnotherForm) {
  for (const char* bad : {"", "127.0.0.1:9100", "https://127.0.0.1:9100/", "http://:x/"}) {
    EXPECT_EQ(HttpGet(bad, 100).status().code(), StatusCode::kInvalidArgument) << bad;
  }
}

}  // namespace
}  // namespace nokv::rpc
