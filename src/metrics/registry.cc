#include "metrics/registry.h"

#include "base/check.h"

namespace nokv::metrics {

namespace {

void WriteSample(TextWriter& writer, const std::string& name, const std::string& help, double,
                 const Counter& counter, const Labels& labels) {
  writer.Counter(name, help, counter.value(), labels);
}

void WriteSample(TextWriter& writer, const std::string& name, const std::string& help, double,
                 const Gauge& gauge, const Labels& labels) {
  writer.Gauge(name, help, static_cast<double>(gauge.value()), labels);
}

void WriteSample(TextWriter& writer, const std::string& name, const std::string& help, double scale,
                 const Histogram& histogram, const Labels& labels) {
  writer.Histogram(name, help, histogram.Snapshot(), scale, labels);
}

}  // namespace

template <typename Metric>
Metric& Registry::Get(std::string_view name, std::string_view help, double scale,
                      const Labels& labels) {
  NOKV_CHECK(IsMetricName(name)) << "metric name " << name;
  base::MutexLock lock(mu_);
  auto it = families_.find(name);
  if (it == families_.end()) {
    it = families_.emplace(std::string(name), Family<Metric>{std::string(help), scale, {}}).first;
  }
  auto* family = std::get_if<Family<Metric>>(&it->second);
  NOKV_CHECK(family != nullptr) << "metric " << name << " is of another kind";
  std::unique_ptr<Metric>& metric = family->members[labels];
  if (metric == nullptr) metric = std::make_unique<Metric>();
  return *metric;
}

Counter& Registry::GetCounter(std::string_view name, std::string_view help, const Labels& labels) {
  return Get<Counter>(name, help, 1, labels);
}

Gauge& Registry::GetGauge(std::string_view name, std::string_view help, const Labels& labels) {
  return Get<Gauge>(name, help, 1, labels);
}

Histogram& Registry::GetHistogram(std::string_view name, std::string_view help, double scale,
                                  const Labels& labels) {
  return Get<Histogram>(name, help, scale, labels);
}

void Registry::Write(TextWriter& writer) const {
  base::MutexLock lock(mu_);
  for (const auto& entry : families_) {
    const auto write_family = [&writer, &name = entry.first](const auto& family) {
      for (const auto& [labels, metric] : family.members) {
        WriteSample(writer, name, family.help, family.scale, *metric, labels);
      }
    };
    std::visit(write_family, entry.second);
  }
}

}  // namespace nokv::metrics
