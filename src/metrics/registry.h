// Registry: the metrics of one server, by name. A server makes one and passes it down; there is no
// global one, so two servers in a process do not mix their numbers.
//
//   metrics::Counter& errors = registry.GetCounter("nokv_redis_errors_total", "Commands refused.");
//   errors.Add();
//
// Thread safety: every method may be called by any thread at any time.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <variant>

#include "base/mutex.h"
#include "metrics/metrics.h"
#include "metrics/text_writer.h"

namespace nokv::metrics {

class Registry {
 public:
  // The metric of that name and these labels, made at the first call. It lives as long as the
  // registry: look it up once and keep the reference. The process stops if the name is not of the
  // documented form or stands for another kind of metric.
  Counter& GetCounter(std::string_view name, std::string_view help, const Labels& labels = {})
      EXCLUDES(mu_);
  Gauge& GetGauge(std::string_view name, std::string_view help, const Labels& labels = {})
      EXCLUDES(mu_);
  // `scale`: what one recorded unit is in the unit of the name, such as 1e-6 for microseconds under
  // a name in seconds. The first call for a name decides it.
  Histogram& GetHistogram(std::string_view name, std::string_view help, double scale,
                          const Labels& labels = {}) EXCLUDES(mu_);

  // Appends every metric, sorted by name and then labels.
  void Write(TextWriter& writer) const EXCLUDES(mu_);

 private:
  template <typename Metric>
  struct Family {
    std::string help;
    double scale = 1;
    std::map<Labels, std::unique_ptr<Metric>> members;
  };
  using AnyFamily = std::variant<Family<Counter>, Family<Gauge>, Family<Histogram>>;

  template <typename Metric>
  Metric& Get(std::string_view name, std::string_view help, double scale, const Labels& labels)
      EXCLUDES(mu_);

  mutable base::Mutex mu_;
  std::map<std::string, AnyFamily, std::less<>> families_ GUARDED_BY(mu_);
};

}  // namespace nokv::metrics
