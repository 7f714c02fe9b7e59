#include "metrics/text_writer.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "base/check.h"

namespace nokv::metrics {

namespace {

// Bounds that fit microseconds up to an hour and bytes up to a few gigabytes; fixed, so that series
// of different servers and days can be added.
constexpr int kHistogramBounds = 17;

std::string Number(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "+Inf" : "-Inf";
  std::array<char, 32> buffer;
  // 15 digits: what a double surely holds, without the noise behind them.
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value,
                                 std::chars_format::general, 15)
                       .ptr;
  return std::string(buffer.data(), end);
}

// Backslash and line feed are escaped everywhere, quotes in label values.
std::string Escape(std::string_view text, bool quotes) {
  std::string escaped;
  for (const char c : text) {
    if (c == '\n') {
      escaped += "\\n";
    } else if (c == '\\' || (quotes && c == '"')) {
      escaped += {'\\', c};
    } else {
      escaped += c;
    }
  }
  return escaped;
}

}  // namespace

bool IsMetricName(std::string_view name) {
  const bool known = name.starts_with("nokv_") || name.starts_with("process_");
  return known && std::all_of(name.begin(), name.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
         });
}

void TextWriter::Family(std::string_view name, std::string_view help, std::string_view type) {
  if (last_family_ == name) return;
  NOKV_CHECK(IsMetricName(name)) << "metric name " << name;
  last_family_ = name;
  text_ += "# HELP " + last_family_ + " " + Escape(help, false) + "\n";
  text_ += "# TYPE " + last_family_ + " ";
  text_ += type;
  text_ += "\n";
}

void TextWriter::Sample(std::string_view name, std::string_view suffix, const Labels& labels,
                        std::string_view value) {
  text_ += name;
  text_ += suffix;
  char separator = '{';
  for (const auto& [label, text] : labels) {
    text_ += separator;
    text_ += label + "=\"" + Escape(text, true) + "\"";
    separator = ',';
  }
  if (!labels.empty()) text_ += "}";
  text_ += " ";
  text_ += value;
  text_ += "\n";
}

void TextWriter::Counter(std::string_view name, std::string_view help, uint64_t value,
                         const Labels& labels) {
  Family(name, help, "counter");
  Sample(name, "", labels, std::to_string(value));
}

void TextWriter::RealCounter(std::string_view name, std::string_view help, double value,
                             const Labels& labels) {
  Family(name, help, "counter");
  Sample(name, "", labels, Number(value));
}

void TextWriter::Gauge(std::string_view name, std::string_view help, double value,
                       const Labels& labels) {
  Family(name, help, "gauge");
  Sample(name, "", labels, Number(value));
}

void TextWriter::Histogram(std::string_view name, std::string_view help,
                           const HistogramSnapshot& snapshot, double scale, const Labels& labels) {
  Family(name, help, "histogram");
  Labels bucket_labels = labels;
  bucket_labels.emplace_back("le", "");
  for (int i = 0; i < kHistogramBounds; i++) {
    const uint64_t bound = uint64_t{1} << (2 * i);
    bucket_labels.back().second = Number(static_cast<double>(bound) * scale);
    Sample(name, "_bucket", bucket_labels, std::to_string(snapshot.CountUpTo(bound)));
  }
  bucket_labels.back().second = "+Inf";
  Sample(name, "_bucket", bucket_labels, std::to_string(snapshot.count()));
  Sample(name, "_sum", labels, Number(static_cast<double>(snapshot.sum()) * scale));
  Sample(name, "_count", labels, std::to_string(snapshot.count()));
}

}  // namespace nokv::metrics
