#include "cli/watch.h"

#include <csignal>
#include <memory>
#include <sstream>
#include <string>

#include "base/log.h"
#include "cli/flag_values.h"
#include "rpc/stream/stream.h"

namespace nokv::cli {

namespace {

constexpr uint64_t kLeastMs = 100;
constexpr uint64_t kMostMs = 86'400'000;

// `text` over what stands on the screen; each line is cleared behind its end, so that nothing
// flickers.
std::string OverTheScreen(const std::string& text) {
  std::string out = "\x1b[H";
  for (const char c : text) out += c == '\n' ? "\x1b[K\n" : std::string(1, c);
  return out + "\x1b[J";
}

class Watcher {
 public:
  Watcher(const WatchOptions& watch, const OutputOptions& output, const Environment& environment,
          const Show& show)
      : watch_(watch),
        output_(output),
        environment_(environment),
        show_(show),
        loop_(rpc::stream::NewLoop(base::NullLogger())) {}

  int Run() {
    loop_->OnSignals({SIGINT, SIGTERM}, [this](int) { loop_->Stop(); });
    if (const int code = Tick(); code != kExitOk) return code;
    const auto timer = loop_->Every(watch_.interval_ms, [this] {
      (void)Tick();
      // Nobody reads any more.
      if (!environment_.out.good()) loop_->Stop();
    });
    loop_->Run();
    return kExitOk;
  }

 private:
  int Tick() {
    std::ostringstream out;
    const bool redraw = environment_.out_is_terminal && output_.Is("table");
    if (redraw) {
      out << "every " << DurationText(watch_.interval_ms) << "; Ctrl-C ends\n\n";
    } else if (shown_ && output_.Is("table")) {
      out << "\n";
    }
    const int code = show_(output_, out);
    if (code == kExitOk) {
      environment_.out << (redraw ? OverTheScreen(out.str()) : out.str()) << std::flush;
      shown_ = true;
      // The same columns for all blocks.
      output_.no_header = output_.no_header || output_.Is("csv");
    }
    return code;
  }

  const WatchOptions& watch_;
  OutputOptions output_;
  const Environment& environment_;
  const Show& show_;
  std::unique_ptr<rpc::stream::Loop> loop_;
  bool shown_ = false;
};

}  // namespace

void DefineWatch(FlagSet& flags, WatchOptions* target) {
  flags
      .Duration("watch", &target->interval_ms, {kLeastMs, kMostMs},
                "show it again and again, every 2s unless a time is given, until Ctrl-C")
      .Implied("2s")
      .default_text = "";
}

int Watch(const WatchOptions& watch, const OutputOptions& output, const Environment& environment,
          const Show& show) {
  if (watch.interval_ms == 0) return show(output, environment.out);
  return Watcher(watch, output, environment, show).Run();
}

}  // namespace nokv::cli
