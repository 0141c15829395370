// SPDX-License-Identifier: BSL-1.0
#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <ostream>
#include <string_view>
#include <utility>

#include "braille_curve.hpp"
#include "count_text.hpp"
#include "loss_levels.hpp"
#include "shown_text.hpp"
#include "takt/timeline.hpp"
#include "time_scale.hpp"

namespace takt {
namespace {

using detail::character_count;
using detail::TimeScale;

// ---- Lines --------------------------------------------------------------------------------------

/// What stands between "\x1b[" and "m"; nothing for plain text.
using Style = std::string_view;

constexpr Style plain{};
constexpr Style bold{"1"};
constexpr Style faint{"2"};
constexpr Style alarm{"31"};
constexpr Style loss_style{"33"};

struct LaneStyle {
  Style window;
  Style updates;
};
constexpr std::array<LaneStyle, 4> lane_styles{
    {{"2;36", "36"}, {"2;32", "32"}, {"2;35", "35"}, {"2;94", "94"}}};

class Line {
 public:
  void add(std::string_view text, Style style = plain) {
    if (text.empty()) return;
    if (!pieces_.empty() && pieces_.back().second == style) {
      pieces_.back().first += text;
    } else {
      pieces_.emplace_back(text, style);
    }
    width_ += character_count(text);
  }
  /// Spaces up to a column.
  void move_to(std::size_t column) {
    if (column > width_) add(std::string(column - width_, ' '));
  }
  /// So that it ends at a column.
  void add_before(std::size_t column, std::string_view text, Style style = plain) {
    if (text.empty()) return;
    const std::size_t width = character_count(text);
    move_to(column > width ? column - width : 0);
    add(text, style);
  }
  /// Without spaces at its end.
  void write(std::ostream& out, bool colours) {
    while (!pieces_.empty()) {
      std::string& last = pieces_.back().first;
      last.erase(last.find_last_not_of(' ') + 1);
      if (!last.empty()) break;
      pieces_.pop_back();
    }
    for (const auto& [text, style] : pieces_) {
      if (colours && !style.empty()) {
        out << "\x1b[" << style << 'm' << text << "\x1b[0m";
      } else {
        out << text;
      }
    }
    out << '\n';
  }

 private:
  std::vector<std::pair<std::string, Style>> pieces_;
  std::size_t width_ = 0;
};

// ---- Where everything stands --------------------------------------------------------------------

/// Numbers to the right of the lanes, one for each.
struct Numbers {
  std::string_view header;
  Style style = plain;
  std::vector<std::string> texts{};

  [[nodiscard]] std::size_t width() const {
    std::size_t widest = character_count(header);
    for (const std::string& text : texts) widest = std::max(widest, character_count(text));
    return widest;
  }
};

std::int64_t calls_of(const TimelineLane& lane) {
  return lane.updates > 0 ? lane.updates : lane.events;
}

/// "49"
std::string calls_number(const TimelineLane& lane) {
  return calls_of(lane) > 0 ? detail::count_text(calls_of(lane)) : std::string{};
}

/// "49 updates"; "2114 events" where there are only those.
std::string calls_text(const TimelineLane& lane) {
  std::string text = calls_number(lane);
  if (text.empty()) return text;
  text += lane.updates > 0 ? " update" : " event";
  if (calls_of(lane) != 1) text += 's';
  return text;
}

template <class Text>
Numbers numbers_of(const std::vector<TimelineLane>& lanes, std::string_view header, Text text) {
  Numbers numbers{.header = header};
  for (const TimelineLane& lane : lanes) numbers.texts.push_back(text(lane));
  return numbers;
}

/// From left to right: names, two columns, the picture, and numbers with two columns before each.
class Layout {
 public:
  Layout(const Timeline& timeline, int columns)
      : columns_{static_cast<std::size_t>(std::max(40, columns))} {
    fill_numbers(timeline.lanes);
    std::size_t widest = character_count("loss 0.0123");
    for (const TimelineLane& lane : timeline.lanes) {
      names_.push_back(detail::shown_text(lane.name));
      widest = std::max(widest, character_count(names_.back()));
    }
    name_width_ = std::min(widest, columns_ * 3 / 10);
    for (std::string& name : names_) name = detail::shortened(name, name_width_);
    // Rather than the picture, the words of the calls and then the times go.
    if (too_narrow() && !numbers_.empty()) {
      numbers_.front() = numbers_of(timeline.lanes, "calls", calls_number);
    }
    if (too_narrow()) std::erase_if(numbers_, [](const Numbers& n) { return n.header == "time"; });
  }

  [[nodiscard]] std::size_t columns() const { return columns_; }
  [[nodiscard]] std::size_t name_width() const { return name_width_; }
  [[nodiscard]] const std::string& name(std::size_t lane) const { return names_[lane]; }
  [[nodiscard]] std::size_t picture() const { return name_width_ + 2; }
  [[nodiscard]] std::size_t picture_width() const {
    std::size_t taken = picture();
    for (const Numbers& numbers : numbers_) taken += numbers.width() + 2;
    return columns_ - std::min(taken, columns_ - 1);
  }

  /// The ends of the columns of numbers.
  template <class Add>
  void for_each_numbers(Add add) const {
    std::size_t end = picture() + picture_width();
    for (const Numbers& numbers : numbers_) add(numbers, end += numbers.width() + 2);
  }

 private:
  [[nodiscard]] bool too_narrow() const { return picture_width() < columns_ * 3 / 8; }

  void fill_numbers(const std::vector<TimelineLane>& lanes) {
    using Lane = TimelineLane;
    if (lanes.empty()) return;
    numbers_.push_back(numbers_of(lanes, "", calls_text));
    if (std::ranges::any_of(lanes, [](const Lane& lane) { return lane.nanoseconds.has_value(); })) {
      numbers_.push_back(numbers_of(lanes, "time", [](const Lane& lane) {
        return lane.nanoseconds ? detail::duration_text(*lane.nanoseconds) : std::string{};
      }));
    }
    if (std::ranges::any_of(lanes, [](const Lane& lane) { return lane.throws > 0; })) {
      numbers_.push_back(numbers_of(lanes, "throws", [](const Lane& lane) {
        return lane.throws > 0 ? detail::count_text(lane.throws) : std::string{};
      }));
      numbers_.back().style = alarm;
    }
  }

  std::size_t columns_;
  std::size_t name_width_ = 0;
  std::vector<std::string> names_;
  std::vector<Numbers> numbers_;
};

// ---- The axis -----------------------------------------------------------------------------------

struct Tick {
  std::size_t cell = 0;
  std::string text{};
  std::size_t at = 0;  ///< where the text begins
};

/// Puts the text of each tick around it. False when they come too close to each other.
bool place(std::vector<Tick>& ticks, std::size_t width) {
  std::size_t free_from = 0;
  for (Tick& tick : ticks) {
    const std::size_t length = tick.text.size();
    if (length > width) return false;
    tick.at = std::min(tick.cell - std::min(tick.cell, (length - 1) / 2), width - length);
    if (tick.at < free_from) return false;
    free_from = tick.at + length + 2;
  }
  return true;
}

/// At round numbers of `unit` steps, as many as have room.
std::vector<Tick> ticks_of(const TimeScale& scale, std::int64_t unit) {
  const auto width = static_cast<std::size_t>(scale.cells());
  const std::int64_t first = scale.first() / unit + (scale.first() % unit == 0 ? 0 : 1);
  std::vector<Tick> ticks;
  for (std::int64_t most = scale.cells() / 5; most > 0; --most) {
    ticks.clear();
    for (const std::int64_t number : detail::round_ticks(first, scale.last() / unit, most)) {
      const std::int64_t cell = scale.first_cell(number * unit);
      ticks.push_back({static_cast<std::size_t>(cell), detail::tick_text(number)});
    }
    if (place(ticks, width)) return ticks;
  }
  return {};
}

/// With step numbers above it and, if there are any, epochs below.
class Axis {
 public:
  Axis(const Timeline& timeline, const TimeScale& scale)
      : width_{static_cast<std::size_t>(scale.cells())}, steps_{ticks_of(scale, 1)} {
    if (timeline.steps_per_epoch && *timeline.steps_per_epoch > 0) {
      epochs_ = ticks_of(scale, *timeline.steps_per_epoch);
    }
  }

  void write(const Layout& layout, std::ostream& out, bool colours) const {
    Line steps = labels("step", layout, steps_);
    Line rule;
    rule.move_to(layout.picture());
    rule.add(rule_text(), faint);
    Line epochs = labels("epoch", layout, epochs_);
    Line& lowest = epochs_.empty() ? rule : epochs;
    layout.for_each_numbers([&](const Numbers& numbers, std::size_t end) {
      lowest.add_before(end, numbers.header, faint);
    });
    steps.write(out, colours);
    rule.write(out, colours);
    if (!epochs_.empty()) epochs.write(out, colours);
  }

 private:
  static Line labels(std::string_view unit, const Layout& layout, const std::vector<Tick>& ticks) {
    Line line;
    line.add_before(layout.name_width(), unit, faint);
    for (const Tick& tick : ticks) {
      line.move_to(layout.picture() + tick.at);
      line.add(tick.text, faint);
    }
    return line;
  }

  [[nodiscard]] std::string rule_text() const {
    const auto ticked = [](const std::vector<Tick>& ticks, std::size_t cell) {
      return std::ranges::any_of(ticks, [cell](const Tick& tick) { return tick.cell == cell; });
    };
    std::string text;
    for (std::size_t cell = 0; cell < width_; ++cell) {
      const bool step = ticked(steps_, cell);
      const bool epoch = ticked(epochs_, cell);
      text += step && epoch ? "┼" : step ? "┴" : epoch ? "┬" : "─";
    }
    return text;
  }

  std::size_t width_;
  std::vector<Tick> steps_;
  std::vector<Tick> epochs_;
};

// ---- The loss -----------------------------------------------------------------------------------

void write_losses(const Timeline& timeline, const Layout& layout, std::ostream& out, bool colours) {
  const std::size_t rows = layout.columns() < 60 ? 4 : 5;
  detail::BrailleCurve curve{layout.picture_width(), rows};
  const TimeScale dots{timeline.first_step, timeline.end_step,
                       static_cast<std::int64_t>(curve.width())};
  const std::vector<detail::LossLevel> levels = detail::loss_levels(timeline.losses, dots);
  if (levels.empty()) return;
  const auto [least, most] = std::ranges::minmax(levels, {}, &detail::LossLevel::mean);
  const double low = least.mean;
  const double high = most.mean;
  for (const detail::LossLevel& level : levels) {
    const double depth = 1.0 - detail::height_of(level.mean, low, high);
    const auto y = std::lround(depth * static_cast<double>(curve.height() - 1));
    curve.line_to(static_cast<std::size_t>(level.cell), static_cast<std::size_t>(y));
  }
  const std::size_t top = high > low ? 0 : (curve.height() / 2) / 4;
  for (std::size_t row = 0; row < rows; ++row) {
    Line line;
    std::string label;
    if (row == top) label.append("loss ").append(detail::loss_level(high));
    if (row + 1 == rows && high > low) label = detail::loss_level(low);
    line.add_before(layout.name_width(), label, faint);
    line.move_to(layout.picture() - 1);
    line.add(label.empty() ? "│" : "┤", faint);
    line.add(curve.row(row), loss_style);
    line.write(out, colours);
  }
}

// ---- The lanes ----------------------------------------------------------------------------------

/// Of a cell with some updates among its steps.
std::string_view mark_of(std::int64_t updates, std::int64_t steps) {
  if (updates == steps) return "█";
  if (updates == 1) return "┼";
  if (updates < steps / 4) return "╫";
  return updates <= steps / 2 ? "▒" : "▓";
}

/// The steps of a window that the scale has, both included.
std::optional<std::pair<std::int64_t, std::int64_t>> window_of(const TimelineLane& lane,
                                                               const TimeScale& scale) {
  const std::int64_t first = std::max(lane.starts.value_or(scale.last() + 1), scale.first());
  const std::int64_t last = std::min(lane.ends.value_or(scale.last()), scale.last());
  return first <= last ? std::optional{std::pair{first, last}} : std::nullopt;
}

/// One lane's window, cell by cell.
class Bar {
 public:
  Bar(const TimelineLane& lane, const TimeScale& scale, std::int64_t first_step,
      std::int64_t last_step)
      : scale_{scale},
        counts_{detail::steps_by_cell(lane.due, scale)},
        first_step_{first_step},
        last_step_{last_step},
        known_until_{last_step},
        closes_{lane.ends == last_step} {
    if (!lane.due_complete) known_until_ = lane.due.empty() ? -1 : lane.due.back().last();
  }

  [[nodiscard]] std::int64_t first() const { return scale_.first_cell(first_step_); }
  [[nodiscard]] std::int64_t last() const { return scale_.last_cell(last_step_); }
  [[nodiscard]] bool updates(std::int64_t cell) const { return updates_of(cell) > 0; }

  [[nodiscard]] std::string_view mark(std::int64_t cell) const {
    if (updates(cell)) return mark_of(updates_of(cell), steps_of(cell));
    if (std::max(scale_.first_step(cell), first_step_) > known_until_) return "┄";
    const bool closes = closes_ && cell == last();
    if (cell == first()) return closes ? "│" : "├";
    return closes ? "┤" : "─";
  }

 private:
  [[nodiscard]] std::int64_t updates_of(std::int64_t cell) const {
    return counts_[static_cast<std::size_t>(cell)];
  }

  /// Those in the window. Where it begins or ends with a cell's only step, the cell is not full
  /// because of that one, unless its neighbour is.
  [[nodiscard]] std::int64_t steps_of(std::int64_t cell) const {
    const std::int64_t all = scale_.last_step(cell) - scale_.first_step(cell) + 1;
    const std::int64_t here = in_window(cell);
    if (here > 1 || first() == last()) return here > 1 ? here : all;
    const std::int64_t inner = cell == first() ? cell + 1 : cell - 1;
    return updates_of(inner) == in_window(inner) ? here : all;
  }
  [[nodiscard]] std::int64_t in_window(std::int64_t cell) const {
    return std::min(scale_.last_step(cell), last_step_) -
           std::max(scale_.first_step(cell), first_step_) + 1;
  }

  const TimeScale& scale_;
  std::vector<std::int64_t> counts_;
  std::int64_t first_step_;
  std::int64_t last_step_;
  std::int64_t known_until_;
  bool closes_;
};

void add_picture(Line& line, const TimelineLane& lane, const TimeScale& scale,
                 const LaneStyle& style) {
  const auto window = window_of(lane, scale);
  if (!window) return;
  const Bar bar{lane, scale, window->first, window->second};
  line.add(std::string(static_cast<std::size_t>(bar.first()), ' '));
  for (std::int64_t cell = bar.first(); cell <= bar.last(); ++cell) {
    line.add(bar.mark(cell), bar.updates(cell) ? style.updates : style.window);
  }
}

void write_lane(const Timeline& timeline, std::size_t position, const Layout& layout,
                std::ostream& out, bool colours) {
  const TimelineLane& lane = timeline.lanes[position];
  Line line;
  line.add(layout.name(position), lane.starts ? plain : faint);
  line.move_to(layout.picture());
  if (!lane.starts) {
    line.add("never", faint);
  } else if (timeline.end_step > timeline.first_step) {
    const TimeScale scale{timeline.first_step, timeline.end_step,
                          static_cast<std::int64_t>(layout.picture_width())};
    add_picture(line, lane, scale, lane_styles[position % lane_styles.size()]);
  }
  layout.for_each_numbers([&](const Numbers& numbers, std::size_t end) {
    line.add_before(end, numbers.texts[position], numbers.style);
  });
  line.write(out, colours);
}

}  // namespace

void write_text(const Timeline& timeline, std::ostream& out, const TimelineText& options) {
  const Layout layout{timeline, options.columns};
  const bool colours = options.colours;
  const auto write_words = [&](std::string_view words, Style style) {
    Line line;
    line.add(detail::shortened(words, layout.columns()), style);
    line.write(out, colours);
  };
  if (!timeline.title.empty()) write_words(detail::shown_text(timeline.title), bold);
  if (timeline.end_step > timeline.first_step) {
    write_losses(timeline, layout, out, colours);
    const TimeScale scale{timeline.first_step, timeline.end_step,
                          static_cast<std::int64_t>(layout.picture_width())};
    Axis{timeline, scale}.write(layout, out, colours);
  } else {
    write_words("no steps", faint);
  }
  if (timeline.lanes.empty()) write_words("no modifiers", faint);
  for (std::size_t i = 0; i < timeline.lanes.size(); ++i) {
    write_lane(timeline, i, layout, out, colours);
  }
}

}  // namespace takt
