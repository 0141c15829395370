// SPDX-License-Identifier: BSL-1.0
#include "progress_line.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <string_view>

namespace takt::detail {
namespace {

constexpr std::size_t narrowest_bar = 8;  // with its brackets
constexpr std::string_view separator = "  ";

/// The texts of a line in the order in which they stand; an empty one is left out.
struct Fields {
  std::string percent{};
  std::string count{};
  std::string epoch{};
  std::string rate{};
  std::string time{};
  std::string loss{};

  [[nodiscard]] std::array<const std::string*, 6> in_order() const {
    return {&percent, &count, &epoch, &rate, &time, &loss};
  }
  [[nodiscard]] std::size_t length() const {
    std::size_t sum = 0;
    for (const std::string* const field : in_order()) {
      if (field->empty()) continue;
      sum += (sum == 0 ? 0 : separator.size()) + field->size();
    }
    return sum;
  }
  void append_to(std::string& line) const {
    const std::size_t begin = line.size();
    for (const std::string* const field : in_order()) {
      if (field->empty()) continue;
      if (line.size() != begin) line += separator;
      line += *field;
    }
  }
};

std::string right_aligned(std::string text, std::size_t width) {
  if (text.size() < width) text.insert(0, width - text.size(), ' ');
  return text;
}

std::string left_aligned(std::string text, std::size_t width) {
  if (text.size() < width) text.append(width - text.size(), ' ');
  return text;
}

std::string digits(double value, std::chars_format format, int precision) {
  std::array<char, 64> buffer{};
  const auto result =
      std::to_chars(buffer.data(), buffer.data() + buffer.size(), value, format, precision);
  return {buffer.data(), result.ptr};
}

/// About five digits, as wide as can be kept the same: 0.0123, 1.2345, 123.45, 1.23e-05.
std::string loss_text(double loss) {
  if (std::isnan(loss)) return "nan";
  if (std::isinf(loss)) return loss < 0.0 ? "-inf" : "inf";
  const double size = std::abs(loss);
  if (size == 0.0) return digits(loss, std::chars_format::fixed, 4);
  if (size < 0.001 || size >= 99'999.0) return digits(loss, std::chars_format::scientific, 2);
  const int before_the_point = size < 10.0 ? 1 : static_cast<int>(std::log10(size)) + 1;
  return digits(loss, std::chars_format::fixed, std::max(0, 5 - before_the_point));
}

std::string rate_text(double rate) {
  if (rate < 0.1) return digits(rate, std::chars_format::general, 2);
  if (rate < 9.995) return digits(rate, std::chars_format::fixed, 2);
  if (rate < 99.95) return digits(rate, std::chars_format::fixed, 1);
  if (rate < 1e6) return digits(rate, std::chars_format::fixed, 0);
  return digits(rate, std::chars_format::scientific, 1);
}

/// h:mm:ss for whole seconds; dashes for a time that is unknown or beyond a million hours.
std::string time_text(std::optional<double> seconds) {
  if (!seconds || !(*seconds < 3.6e9)) return "-:--:--";
  const auto whole = static_cast<std::int64_t>(*seconds);
  const auto two_digits = [](std::int64_t value) {
    std::string text = std::to_string(value);
    if (value < 10) text.insert(0, 1, '0');
    return text;
  };
  return std::to_string(whole / 3600) + ':' + two_digits(whole / 60 % 60) + ':' +
         two_digits(whole % 60);
}

/// Rounded down, so that a part of 1 is shown as all of it only when it is.
double share_done(const Progress& progress) {
  const double share =
      static_cast<double>(progress.steps) / static_cast<double>(progress.total.value_or(1));
  return std::clamp(share, 0.0, 1.0);
}

std::string percent_text(const Progress& progress) {
  auto percent = static_cast<int>(100.0 * share_done(progress));
  if (progress.steps < progress.total.value_or(0)) percent = std::min(percent, 99);
  return right_aligned(std::to_string(percent), 3) + '%';
}

std::string epoch_text(std::int64_t steps, std::int64_t steps_per_epoch) {
  const auto tenths = static_cast<int>(10.0 * static_cast<double>(steps % steps_per_epoch) /
                                       static_cast<double>(steps_per_epoch));
  return "epoch " + std::to_string(steps / steps_per_epoch) + '.' +
         std::to_string(std::min(tenths, 9));
}

/// Steps per second; nothing before the first step, and while no time has passed.
std::optional<double> rate_of(const Progress& progress) {
  if (progress.steps_here <= 0 || progress.seconds <= 0.0) return std::nullopt;
  return static_cast<double>(progress.steps_here) / progress.seconds;
}

std::optional<double> seconds_left(const Progress& progress, std::optional<double> rate) {
  const std::int64_t left = *progress.total - progress.steps;
  if (left <= 0) return 0.0;
  if (!rate) return std::nullopt;
  return std::ceil(static_cast<double>(left) / *rate);
}

Fields fields_of(const Progress& progress) {
  Fields fields;
  const std::string steps = std::to_string(progress.steps);
  const std::optional<double> rate = rate_of(progress);
  if (progress.total) {
    const std::string total = std::to_string(*progress.total);
    fields.percent = percent_text(progress);
    fields.count = right_aligned(steps, total.size()) + '/' + total;
    fields.time = "ETA " + time_text(seconds_left(progress, rate));
  } else {
    fields.count = steps + (progress.steps == 1 ? " step" : " steps");
  }
  if (progress.steps_per_epoch.value_or(0) > 0) {
    fields.epoch = epoch_text(progress.steps, *progress.steps_per_epoch);
  }
  fields.rate = (rate ? rate_text(*rate) : "-") + " steps/s";
  if (progress.over) fields.time = "took " + time_text(progress.seconds);
  if (progress.loss) fields.loss = "loss " + loss_text(*progress.loss);
  return fields;
}

std::string bar_text(const Progress& progress, std::size_t width) {
  const std::size_t cells = width - 2;
  const auto full =
      std::min(cells, static_cast<std::size_t>(share_done(progress) * static_cast<double>(cells)));
  std::string bar(width, ' ');
  bar.front() = '[';
  bar.back() = ']';
  std::fill_n(bar.begin() + 1, full, '=');
  if (full > 0 && full < cells) bar[full] = '>';
  return bar;
}

}  // namespace

void write_line(const Progress& progress, std::string& line) {
  line.clear();
  fields_of(progress).append_to(line);
}

void write_bar(const Progress& progress, std::size_t columns, std::string& line) {
  Fields fields = fields_of(progress);
  // Room for the usual width, so that the bar does not breathe with the digits.
  if (!fields.loss.empty()) fields.loss = left_aligned(std::move(fields.loss), 11);
  const std::size_t reserved = progress.total ? narrowest_bar + 1 : 0;
  for (std::string* const field : {&fields.epoch, &fields.rate, &fields.time, &fields.loss}) {
    if (fields.length() + reserved <= columns) break;
    field->clear();
  }
  const std::size_t length = fields.length();
  if (progress.total && length + reserved <= columns) {
    fields.percent += ' ' + bar_text(progress, columns - length - 1);
  } else if (progress.total && length > columns) {
    fields.count.clear();
  }
  line.clear();
  fields.append_to(line);
  line.resize(std::min(line.size(), columns));
}

}  // namespace takt::detail
