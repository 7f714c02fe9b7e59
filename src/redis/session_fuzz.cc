// Fuzz target: a whole gateway over a backend in memory takes any bytes from a client. Every byte
// that comes back belongs to a complete RESP value, and another client is still served.
//
// The first byte chooses the gateway and how the rest arrives. With its lowest bit set, the rest is
// no raw stream: bytes above 127 stand for words that commands are made of, so that the fuzzer
// finds commands instead of spelling them.
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "base/check.h"
#include "redis/acl/password.h"
#include "redis/number.h"
#include "redis/test_gateway.h"

namespace nokv::redis {
namespace {

std::vector<std::string> MakeWords() {
  std::vector<std::string> words = {"\r\n",
                                    " ",
                                    "default",
                                    "pw",
                                    "on",
                                    "nopass",
                                    "allkeys",
                                    "+@all",
                                    "-@all",
                                    "+@read",
                                    ">pw",
                                    "<pw",
                                    "~*",
                                    "%R~a",
                                    "&a",
                                    "(+get",
                                    "reset",
                                    "a",
                                    "b",
                                    "1",
                                    "-1",
                                    "3",
                                    "EX",
                                    "PX",
                                    "NX",
                                    "GET",
                                    "COUNT",
                                    "MATCH",
                                    "9223372036854775807",
                                    "*3\r\n$3\r\n",
                                    "*1\r\n$",
                                    "AUTH",
                                    "SETNAME",
                                    "requirepass",
                                    "maxmemory-clients",
                                    "help"};
  const CommandTable table;
  for (const CommandSpec* spec : table.all()) {
    words.emplace_back(spec->name);
    for (const CommandSpec& sub : spec->subcommands) {
      std::string name(sub.name);
      name[spec->name.size()] = ' ';
      words.push_back(name);
    }
  }
  return words;
}

// Pairs of bytes above 127 are the number of a word; each word ends with a space.
std::string Expand(std::string_view input) {
  static const std::vector<std::string> words = MakeWords();
  std::string out;
  for (size_t i = 0; i < input.size(); ++i) {
    const auto byte = static_cast<unsigned char>(input[i]);
    if (byte < 128 || i + 1 == input.size()) {
      out.push_back(input[i]);
      continue;
    }
    const auto next = static_cast<unsigned char>(input[++i]);
    out += words[(size_t{byte} - 128 + size_t{next} * 128) % words.size()];
    out.push_back(' ');
  }
  return out;
}

// Takes one RESP value off `*bytes`; false if there is none.
bool TakeValue(std::string_view* bytes) {
  const size_t end = bytes->find("\r\n");
  if (end == std::string_view::npos || end == 0) return false;
  const char type = (*bytes)[0];
  const std::string_view line = bytes->substr(1, end - 1);
  if (line.find_first_of("\r\n") != std::string_view::npos) return false;
  bytes->remove_prefix(end + 2);
  if (std::string_view("+-:_#,(").find(type) != std::string_view::npos) return true;
  const auto count = ParseInt64(line);
  if (!count.has_value() || *count < -1) return false;
  if (*count == -1) return type == '$' || type == '*';
  if (type == '$' || type == '=') {
    const auto length = static_cast<size_t>(*count);
    if (bytes->size() < length + 2 || bytes->substr(length, 2) != "\r\n") return false;
    bytes->remove_prefix(length + 2);
    return true;
  }
  if (std::string_view("*~%>").find(type) == std::string_view::npos) return false;
  for (int64_t i = 0; i < *count * (type == '%' ? 2 : 1); ++i) {
    if (!TakeValue(bytes)) return false;
  }
  return true;
}

// Lets all that is kept back come, and scripts end.
void Settle(TestGateway& gateway, TestClient& client) {
  auto* session = static_cast<Session*>(client.handler());
  while (session->client().waits_for_reply) gateway.PollRound();
  while (session->holds_late_reply()) {
    gateway.clock().Advance(2000);
    gateway.gateway().SendLate();
  }
}

void Run(uint8_t choice, std::string_view input) {
  Config config;
  if ((choice & 2) != 0) config.requirepass_hash = acl::HashPassword("pw");
  config.acl_file = "/users.acl";
  config.output_pause_bytes = size_t{1} << 20;
  config.max_buffered_bytes = size_t{4} << 20;
  config.script_step_limit = 1'000'000;
  TestGateway gateway(config);
  TestClient other(gateway);
  TestClient client(gateway);
  const size_t piece = (choice & 4) != 0 ? 1 : input.size() + 1;
  std::string replies;
  for (size_t at = 0; at < input.size() && !client.connection().closed(); at += piece) {
    replies += client.Send(input.substr(at, piece));
    Settle(gateway, client);
    if (client.connection().TakeRedeliver()) replies += client.Send("");
    replies += client.Received();
  }
  std::string_view rest = replies;
  while (!rest.empty()) NOKV_CHECK(TakeValue(&rest)) << rest.substr(0, 100);
  // It may have been disconnected, or be allowed nothing any more, but it is answered.
  if (other.connection().closed()) return;
  const std::string pong = other.Send("PING\r\n");
  if (pong.empty() && gateway.gateway().client_pause().began()) return;
  rest = pong;
  NOKV_CHECK(TakeValue(&rest) && rest.empty()) << pong;
}

}  // namespace
}  // namespace nokv::redis

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string_view input(reinterpret_cast<const char*>(data) + 1, size - 1);
  nokv::redis::Run(data[0], (data[0] & 1) != 0 ? nokv::redis::Expand(input) : std::string(input));
  return 0;
}
