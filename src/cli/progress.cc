#include "cli/progress.h"

#include <cmath>
#include <utility>

namespace nokv::cli {

namespace {

constexpr uint64_t kSilentUs = 1'000'000;
constexpr uint64_t kLineUs = 200'000;
constexpr uint64_t kEventUs = 1'000'000;

std::string Rounded(double number) {
  return std::to_string(static_cast<uint64_t>(std::llround(number)));
}

std::string TimeLeft(double seconds) {
  if (seconds < 120) return Rounded(std::ceil(seconds)) + " s left";
  return Rounded(seconds / 60) + " min left";
}

}  // namespace

Progress::Progress(const Environment& environment, base::Clock& clock, std::string what,
                   std::string unit)
    : environment_(environment),
      clock_(clock),
      what_(std::move(what)),
      unit_(std::move(unit)),
      began_us_(clock.MonotonicMicros()) {}

void Progress::Update(uint64_t done, uint64_t total) {
  done_ = done;
  total_ = total;
  const bool events = environment_.progress == ProgressMode::kJson;
  const bool line = environment_.progress == ProgressMode::kAuto && environment_.err_is_terminal;
  if (environment_.verbosity == Verbosity::kQuiet || (!events && !line)) return;
  const uint64_t now_us = clock_.MonotonicMicros();
  if (now_us - began_us_ < kSilentUs) return;
  if (printed_us_ != 0 && now_us - printed_us_ < (events ? kEventUs : kLineUs)) return;
  printed_us_ = now_us;
  const double rate = static_cast<double>(done) * 1e6 / static_cast<double>(now_us - began_us_);
  const double left = total > done && rate > 0 ? static_cast<double>(total - done) / rate : 0;
  events ? PrintEvent(rate, left, false) : PrintLine(rate, left);
}

void Progress::Finish() {
  if (std::exchange(finished_, true) || printed_us_ == 0) return;
  if (environment_.progress == ProgressMode::kJson) {
    const uint64_t spent_us = clock_.MonotonicMicros() - began_us_;
    PrintEvent(static_cast<double>(done_) * 1e6 / static_cast<double>(spent_us), 0, true);
  } else {
    environment_.err << "\r\x1b[K" << std::flush;
  }
}

void Progress::PrintLine(double rate, double seconds_left) {
  environment_.err << "\r" << what_;
  if (total_ > 0) environment_.err << "  " << done_ * 100 / total_ << "%";
  environment_.err << "  " << done_;
  if (total_ > 0) environment_.err << "/" << total_;
  environment_.err << " " << unit_ << "  " << Rounded(rate) << "/s";
  if (total_ > done_) environment_.err << "  " << TimeLeft(seconds_left);
  environment_.err << "\x1b[K" << std::flush;
}

void Progress::PrintEvent(double rate, double seconds_left, bool finished) {
  environment_.err << R"({"event":")" << (finished ? "finished" : "progress") << R"(","what":")"
                   << what_ << R"(","unit":")" << unit_ << R"(","done":)" << done_ << R"(,"total":)"
                   << total_ << R"(,"per_second":)" << Rounded(rate) << R"(,"seconds_left":)"
                   << Rounded(std::ceil(seconds_left)) << "}\n"
                   << std::flush;
}

}  // namespace nokv::cli
