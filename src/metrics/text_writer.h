// TextWriter: metrics in the text format that Prometheus reads (version 0.0.4).
//
// Written by hand because the format is five kinds of lines, and because libnokv links no
// prometheus library.
//
// Names are nokv_<subsystem>_<thing>_<unit>, or process_… for what every process has, counters with
// a further _total; durations are seconds and sizes bytes, as Prometheus has it.
//
// Thread safety: none; one owner.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "metrics/metrics.h"

namespace nokv::metrics {

// Label names with their values, in the order of printing.
using Labels = std::vector<std::pair<std::string, std::string>>;

// The content type of the format.
inline constexpr std::string_view kTextContentType = "text/plain; version=0.0.4; charset=utf-8";

class TextWriter {
 public:
  // Each call writes one sample. Samples of one name that differ in labels are written one after
  // the other: the first of them brings the HELP and TYPE lines.
  void Counter(std::string_view name, std::string_view help, uint64_t value,
               const Labels& labels = {});
  // A counter of what is no whole number, such as seconds.
  void RealCounter(std::string_view name, std::string_view help, double value,
                   const Labels& labels = {});
  void Gauge(std::string_view name, std::string_view help, double value, const Labels& labels = {});
  // A histogram with bounds at powers of four. `scale` turns recorded units into those of the name:
  // 1e-6 for microseconds under a name in seconds.
  void Histogram(std::string_view name, std::string_view help, const HistogramSnapshot& snapshot,
                 double scale, const Labels& labels = {});

  const std::string& text() const { return text_; }

 private:
  void Family(std::string_view name, std::string_view help, std::string_view type);
  void Sample(std::string_view name, std::string_view suffix, const Labels& labels,
              std::string_view value);

  std::string text_;
  std::string last_family_;
};

// True for names of the form above: nokv_ or process_ and then lower-case letters, digits and
// underscores.
bool IsMetricName(std::string_view name);

}  // namespace nokv::metrics
