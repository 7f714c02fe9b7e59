// Fuzz target: any text as a script, any bytes for the decoders that scripts can call. Whatever
// they do, the run ends, and the engine runs the next script.
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "base/check.h"
#include "base/clock.h"
#include "redis/script/engine.h"

namespace nokv::redis {
namespace {

class EchoHost final : public ScriptHost {
 public:
  void Call(std::span<const std::string_view> args, int /*protocol*/, std::string* reply) override {
    *reply += "$" + std::to_string(args.back().size()) + "\r\n" + std::string(args.back()) + "\r\n";
  }
  std::optional<bool> MayCall(std::span<const std::string_view> /*args*/) override { return true; }
  void Log(ScriptLogLevel /*level*/, std::string_view /*text*/) override {}
};

constexpr std::string_view kDecoders[] = {
    "return {cmsgpack.unpack(ARGV[1])}",
    "return cmsgpack.pack(cmsgpack.unpack(ARGV[1]))",
    "return {struct.unpack(string.sub(ARGV[1], 1, 9), string.sub(ARGV[1], 10))}",
    "return struct.size(ARGV[1])",
    "return struct.pack(ARGV[1], 1, 2, 'abc', 4, 5.5, 'x')",
    "return cjson.encode(cjson.decode(ARGV[1]))",
    "return bit.tohex(struct.unpack('i4', ARGV[1]), struct.unpack('i4', ARGV[1], 5))",
};
constexpr size_t kKinds = 1 + std::size(kDecoders);

std::string Run(ScriptEngine& engine, std::string_view body, std::string_view argument) {
  const auto function = engine.Compile(body);
  if (!function.ok()) return std::string(function.status().message());
  ScriptLimits limits;
  limits.instructions = 300'000;
  limits.reply_bytes = 1 << 20;
  ScriptCall call;
  call.sha = "sha";
  call.arguments = {&argument, 1};
  auto run = engine.Start(*function, limits, std::move(call));
  engine.Release(*function);
  if (!run.ok()) return std::string(run.status().message());
  EchoHost host;
  while ((*run)->Resume(host, true, 0) == ScriptRun::Outcome::kYielded) {
  }
  return (*run)->reply();
}

}  // namespace
}  // namespace nokv::redis

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using nokv::redis::Run;
  static nokv::redis::ScriptEngine engine(nokv::base::SystemClock(), size_t{8} << 20, "7.2.0");
  if (size == 0) return 0;
  const std::string_view input(reinterpret_cast<const char*>(data) + 1, size - 1);
  const size_t kind = data[0] % nokv::redis::kKinds;
  const std::string reply =
      kind == 0 ? Run(engine, input, "x") : Run(engine, nokv::redis::kDecoders[kind - 1], input);
  NOKV_CHECK(!reply.empty());
  engine.CleanUp();
  NOKV_CHECK(Run(engine, "return 1", "") == ":1\r\n");
  return 0;
}
