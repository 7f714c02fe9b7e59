#include "base/log.h"

namespace nokv::base {

namespace {
class Null final : public Logger {
 public:
  void Log(LogLevel, std::string_view) override {}
};
}  // namespace

Logger& NullLogger() {
  static Null logger;
  return logger;
}

}  // namespace nokv::base
