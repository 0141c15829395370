// SPDX-License-Identifier: BSL-1.0
#include "cadence_advice.hpp"

#include <cmath>

#include "index.hpp"
#include "number_text.hpp"
#include "takt/event.hpp"

namespace takt::detail {
namespace {

/// The largest index that is looked at: beyond it every number is a whole number of steps.
constexpr double largest_index = 1e9;

/// A cadence on one bus.
class Advice {
 public:
  Advice(const Cadence& cadence, std::optional<std::int64_t> steps_per_epoch)
      : cadence_{cadence}, start_{.steps_per_epoch = steps_per_epoch} {}

  std::vector<std::string> lines() && {
    const Cadence window{.start = cadence_.start, .end = cadence_.end};
    if (!window.next_update(start_)) {
      lines_.push_back("its window" + window_text() + " holds no step, so it never runs");
      return std::move(lines_);
    }
    look_at_start();
    look_at_end();
    look_at_update();
    return std::move(lines_);
  }

 private:
  [[nodiscard]] double per_unit() const {
    return static_cast<double>(start_.steps_per_epoch.value_or(1));
  }

  [[nodiscard]] std::string unit() const { return start_.epoch_based() ? " epochs" : " steps"; }

  [[nodiscard]] std::string window_text() const {
    std::string text;
    if (cadence_.start) text += " from " + text_of(*cadence_.start);
    if (cadence_.end) text += " to " + text_of(*cadence_.end);
    return text + unit();
  }

  /// Whether an index is that of a step, as `should_update` sees it.
  [[nodiscard]] bool is_whole(double index) const {
    if (!std::isfinite(index) || std::abs(index) > largest_index) return true;
    const double step = std::round(index * per_unit());
    return std::abs(step / per_unit() - index) <= index_tolerance(std::abs(index));
  }

  [[nodiscard]] std::string fraction_text(const char* what, double index) const {
    return std::string{what} + ' ' + text_of(index) + unit() +
           (start_.epoch_based() ? " is " + rounded(index * per_unit()) + " steps, " : " is ") +
           "no whole number of steps; ";
  }

  /// With as many digits as tell a reader something: all, when fewer make a whole number of it.
  static std::string rounded(double number) {
    const double near = std::round(number * 1e4) / 1e4;
    return text_of(near == std::round(near) ? number : near);
  }

  [[nodiscard]] std::string step_text(std::int64_t step) const {
    std::string text = "step " + std::to_string(step);
    if (start_.epoch_based()) {
      text += " (epoch " + rounded(static_cast<double>(step) / per_unit()) + ')';
    }
    return text;
  }

  void look_at_start() {
    if (!cadence_.start || *cadence_.start < 0.0 || is_whole(*cadence_.start)) return;
    const auto first = Cadence{.start = cadence_.start}.next_update(start_);
    lines_.push_back(fraction_text("start", *cadence_.start) + "its window opens at " +
                     step_text(first.value_or(0)));
  }

  void look_at_end() {
    if (!cadence_.end || *cadence_.end < 0.0 || is_whole(*cadence_.end)) return;
    Event last = start_;
    last.set_current_index(*cadence_.end);
    lines_.push_back(fraction_text("end", *cadence_.end) + "the last step of its window is " +
                     step_text(last.global_step));
  }

  void look_at_update() {
    if (!cadence_.update || *cadence_.update == 0.0) return;
    const std::vector<std::int64_t> due = first_due();
    if (due.empty()) {
      lines_.push_back("no step in its window" + window_text() + " is a multiple of update " +
                       text_of(*cadence_.update) + ", so it is never due");
    } else if (!is_whole(*cadence_.update)) {
      std::string steps;
      for (const std::int64_t step : due)
        steps += (steps.empty() ? "" : ", ") + std::to_string(step);
      lines_.push_back(fraction_text("update", *cadence_.update) + "it is due at " +
                       (due.size() < 3
                            ? "step" + std::string{due.size() == 1 ? " " : "s "} + steps + " only"
                            : "steps " + steps + ", ..."));
    }
  }

  /// The first three.
  [[nodiscard]] std::vector<std::int64_t> first_due() const {
    std::vector<std::int64_t> due;
    Event from = start_;
    while (due.size() < 3) {
      const auto next = cadence_.next_update(from);
      if (!next) break;
      due.push_back(*next);
      from.global_step = *next + 1;
    }
    return due;
  }

  const Cadence& cadence_;
  Event start_;
  std::vector<std::string> lines_;
};

}  // namespace

std::vector<std::string> cadence_advice(const Cadence& cadence,
                                        std::optional<std::int64_t> steps_per_epoch) {
  return Advice{cadence, steps_per_epoch}.lines();
}

}  // namespace takt::detail
