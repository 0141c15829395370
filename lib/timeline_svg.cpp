// SPDX-License-Identifier: BSL-1.0
#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <initializer_list>
#include <ostream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "count_text.hpp"
#include "loss_levels.hpp"
#include "shown_text.hpp"
#include "takt/timeline.hpp"
#include "time_scale.hpp"
#include "update_marks.hpp"

namespace takt {
namespace {

using detail::TimeScale;

// ---- Sizes, in pixels of a picture that is not scaled -------------------------------------------

constexpr double width = 1060.0;
constexpr double margin = 24.0;
constexpr double names_at = 40.0;
constexpr double chart_at = 270.0;
constexpr double chart_end = 890.0;
constexpr double chart_width = chart_end - chart_at;
constexpr double numbers_at = 904.0;
constexpr double loss_height = 104.0;
constexpr double lane_height = 36.0;
constexpr double bar_height = 14.0;

// A file stays small whatever it shows: lanes past these are only counted, and marks that would
// take more bytes than are left are merged.
constexpr std::size_t most_lanes = 70;
constexpr std::size_t bytes = 84'000;
constexpr std::size_t bytes_of_a_lane = 800;
constexpr std::size_t bytes_of_a_mark = 14;
constexpr double least_pitch = 3.4;

constexpr std::string_view fonts =
    R"(ui-sans-serif, system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, )"
    R"("Noto Sans", "DejaVu Sans", sans-serif)";
constexpr std::string_view ink = "#1e293b";
constexpr std::string_view grey = "#64748b";
constexpr std::string_view alarm = "#dc2626";
constexpr std::array<std::string_view, 7> lane_colours{"#2563eb", "#0d9488", "#d97706", "#7c3aed",
                                                       "#65a30d", "#db2777", "#0891b2"};

// ---- Text ---------------------------------------------------------------------------------------

/// Rounded to a tenth.
std::string number(double value) {
  std::array<char, 40> buffer{};
  const auto end =
      std::to_chars(buffer.data(), buffer.data() + buffer.size(), std::round(value * 10.0) / 10.0);
  return {buffer.data(), end.ptr};
}

/// One command of a path, with its numbers.
void draw(std::string& path, char command, std::initializer_list<double> numbers) {
  path += command;
  for (const double& value : numbers) {
    if (&value != numbers.begin()) path += ' ';
    path += number(value);
  }
}

std::string escaped(std::string_view text) {
  std::string result;
  for (const char byte : text) {
    switch (byte) {
      case '&':
        result += "&amp;";
        break;
      case '<':
        result += "&lt;";
        break;
      case '>':
        result += "&gt;";
        break;
      default:
        result += byte;
    }
  }
  return result;
}

std::string grouped(std::int64_t value) { return detail::grouped(value, "\u2009"); }

/// "1 update", "1 760 steps".
std::string counted(std::int64_t count, std::string_view what) {
  std::string text = grouped(count);
  text += ' ';
  text += what;
  if (count != 1) text += 's';
  return text;
}

void append(std::string& words, std::string_view more) {
  if (!words.empty()) words += " · ";
  words += more;
}

enum class Anchor { start, middle, end };

struct Look {
  double size = 12.0;
  std::string_view colour = grey;
  Anchor anchor = Anchor::start;
  std::string_view weight{};
};

/// `words` are not escaped yet.
void write_words(std::ostream& out, double x, double y, std::string_view words, const Look& look) {
  out << "<text x='" << number(x) << "' y='" << number(y) << "' font-size='" << number(look.size)
      << "' fill='" << look.colour << '\'';
  if (look.anchor == Anchor::middle) out << " text-anchor='middle'";
  if (look.anchor == Anchor::end) out << " text-anchor='end'";
  if (!look.weight.empty()) out << " font-weight='" << look.weight << '\'';
  out << '>' << escaped(words) << "</text>\n";
}

// ---- The picture --------------------------------------------------------------------------------

std::string length_words(const Timeline& timeline) {
  const std::int64_t steps = std::max<std::int64_t>(0, timeline.end_step - timeline.first_step);
  std::string words = counted(steps, "step");
  if (timeline.first_step > 0) {
    words += " from step ";
    words += grouped(timeline.first_step);
    words += " on";
  }
  if (timeline.steps_per_epoch) {
    append(words, counted(*timeline.steps_per_epoch, "step") + " per epoch");
  }
  append(words, counted(static_cast<std::int64_t>(timeline.lanes.size()), "modifier"));
  return words;
}

class Picture {
 public:
  Picture(const Timeline& timeline, std::ostream& out)
      : timeline_{timeline},
        out_{out},
        scale_{timeline.first_step, timeline.end_step, static_cast<std::int64_t>(chart_width / 2)},
        levels_{detail::loss_levels(timeline.losses, scale_)},
        lanes_{std::min(timeline.lanes.size(), most_lanes)} {
    if (timeline.steps_per_epoch && *timeline.steps_per_epoch > 0) {
      epoch_ticks_ = ticks(*timeline.steps_per_epoch, 16);
    }
    head_ = margin + (timeline.title.empty() ? 14.0 : 36.0);
    chart_top_ = head_ + (epoch_ticks_.empty() ? 20.0 : 36.0);
    lanes_top_ = chart_top_ + (levels_.empty() ? 6.0 : loss_height + 26.0);
    const auto rows = static_cast<double>(std::max<std::size_t>(1, lanes_));
    chart_bottom_ = lanes_top_ + rows * lane_height + 4.0;
    height_ = chart_bottom_ + (lanes_ < timeline.lanes.size() ? 66.0 : 44.0);
    set_marks();
  }

  void write() {
    begin();
    write_axis();
    if (!levels_.empty()) write_losses();
    for (std::size_t i = 0; i < lanes_; ++i) write_lane(i);
    if (lanes_ == 0) {
      write_words(out_, names_at, lanes_top_ + 22.0, "no modifiers", {.size = 13.0});
    }
    if (const std::size_t more = timeline_.lanes.size() - lanes_; more > 0) {
      std::string words = "and ";
      words += counted(static_cast<std::int64_t>(more), "more modifier");
      write_words(out_, names_at, height_ - margin, words, {});
    }
    out_ << "</svg>\n";
  }

 private:
  void set_marks() {
    const std::size_t room = (bytes - lanes_ * bytes_of_a_lane) / bytes_of_a_mark;
    std::size_t count = room + 1;
    for (double pitch = least_pitch; count > room; pitch *= 1.5) {
      marks_.clear();
      count = 0;
      for (std::size_t i = 0; i < lanes_; ++i) {
        marks_.push_back(detail::update_marks(timeline_.lanes[i].due, scale_, chart_width, pitch));
        count += marks_.back().clear.size() + marks_.back().merged.size();
      }
    }
  }

  [[nodiscard]] double x_of(std::int64_t step) const {
    return chart_at + scale_.fraction(step) * chart_width;
  }
  [[nodiscard]] double step_width() const {
    return chart_width / static_cast<double>(scale_.last() - scale_.first() + 1);
  }

  void begin() {
    const std::string title = detail::shortened(detail::shown_text(timeline_.title), 110);
    out_ << "<svg xmlns='http://www.w3.org/2000/svg' width='" << number(width) << "' height='"
         << number(height_) << "' viewBox='0 0 " << number(width) << ' ' << number(height_)
         << "' role='img' font-family='" << fonts << "'>\n<title>"
         << escaped(title.empty() ? "timeline of a run" : title) << "</title>\n"
         << "<rect width='100%' height='100%' rx='10' fill='#ffffff'/>\n"
         << "<clipPath id='takt-names'><rect width='" << number(chart_at - 12.0) << "' height='"
         << number(height_) << "'/></clipPath>\n";
    if (!title.empty()) {
      write_words(out_, margin, margin + 12.0, title,
                  {.size = 17.0, .colour = ink, .weight = "600"});
    }
    write_words(out_, margin, head_, length_words(timeline_), {.size = 12.5});
  }

  // ---- The axis: epochs above, steps below

  void write_axis() {
    const std::vector<std::int64_t> step_ticks = ticks(1, 9);
    const bool epochs = !epoch_ticks_.empty();
    std::string grid;
    for (const std::int64_t tick : epochs ? epoch_ticks_ : step_ticks) {
      const double x = x_of(epochs ? tick * *timeline_.steps_per_epoch : tick);
      draw(grid, 'M', {x, chart_top_});
      draw(grid, 'V', {chart_bottom_});
      if (epochs) label(x, chart_top_ - 7.0, tick);
    }
    stroke(grid, "#e2e8f0");
    std::string base;
    draw(base, 'M', {chart_at, chart_bottom_});
    draw(base, 'h', {chart_width});
    for (const std::int64_t tick : step_ticks) {
      draw(base, 'M', {x_of(tick), chart_bottom_});
      draw(base, 'v', {5.0});
      label(x_of(tick), chart_bottom_ + 18.0, tick);
    }
    stroke(base, "#94a3b8");
    const Look unit{.size = 11.0, .anchor = Anchor::end};
    write_words(out_, chart_at - 14.0, chart_bottom_ + 18.0, "step", unit);
    if (epochs) write_words(out_, chart_at - 14.0, chart_top_ - 7.0, "epoch", unit);
  }

  [[nodiscard]] std::vector<std::int64_t> ticks(std::int64_t unit, std::int64_t most) const {
    const std::int64_t first = scale_.first() / unit + (scale_.first() % unit == 0 ? 0 : 1);
    return detail::round_ticks(first, scale_.last() / unit, most);
  }

  void label(double x, double y, std::int64_t value) {
    write_words(out_, x, y, detail::tick_text(value), {.size = 11.0, .anchor = Anchor::middle});
  }

  void stroke(const std::string& path, std::string_view colour) {
    if (path.empty()) return;
    out_ << "<path d='" << path << "' fill='none' stroke='" << colour << "'/>\n";
  }

  // ---- The loss

  void write_losses() {
    const auto [low, high] = range_of_losses();
    const double bottom = chart_top_ + loss_height;
    const auto y_of = [&, least = low, most = high](double loss) {
      return bottom - detail::height_of(loss, least, most) * loss_height;
    };
    const auto x_of_cell = [](std::int64_t cell) {
      return chart_at + 2.0 * (static_cast<double>(cell) + 0.5);
    };
    write_words(out_, names_at, chart_top_ + 14.0, "loss",
                {.size = 13.0, .colour = ink, .weight = "500"});
    write_words(out_, numbers_at, chart_top_ + 14.0, detail::loss_level(levels_.back().mean),
                {.colour = ink});
    write_words(out_, numbers_at, chart_top_ + 27.0, "at the end", {.size = 10.5});
    std::string rules;
    for (const double loss : {low, high}) {
      draw(rules, 'M', {chart_at, y_of(loss)});
      draw(rules, 'h', {chart_width});
      write_words(out_, chart_at - 10.0,
                  loss == low && high > low ? bottom + 2.0 : chart_top_ + 8.0,
                  detail::loss_level(loss), {.size = 11.0, .anchor = Anchor::end});
      if (high <= low) break;
    }
    stroke(rules, "#e2e8f0");
    std::string band;
    std::string line;
    for (const detail::LossLevel& level : levels_) {
      const double x = x_of_cell(level.cell);
      const char command = line.empty() ? 'M' : 'L';
      draw(line, command, {x, y_of(level.mean)});
      draw(band, command, {x, y_of(level.high)});
    }
    for (std::size_t i = levels_.size(); i > 0; --i) {
      draw(band, 'L', {x_of_cell(levels_[i - 1].cell), y_of(levels_[i - 1].low)});
    }
    out_ << "<path d='" << band << "Z' fill='#94a3b8' fill-opacity='0.35'/>\n<path d='" << line
         << "h0' fill='none' stroke='#334155' stroke-width='" << (levels_.size() == 1 ? 5 : 1.6)
         << "' stroke-linejoin='round' stroke-linecap='round'/>\n";
  }

  /// All means, and the lows and highs but for the few that would flatten the rest.
  [[nodiscard]] std::pair<double, double> range_of_losses() const {
    std::vector<double> lows;
    std::vector<double> highs;
    for (const detail::LossLevel& level : levels_) {
      lows.push_back(level.low);
      highs.push_back(level.high);
    }
    const auto by_mean = std::ranges::minmax(levels_, {}, &detail::LossLevel::mean);
    const auto few = static_cast<std::ptrdiff_t>(levels_.size() / 50);
    std::ranges::nth_element(lows, lows.begin() + few);
    std::ranges::nth_element(highs, highs.end() - 1 - few);
    return {std::min(by_mean.min.mean, *(lows.begin() + few)),
            std::max(by_mean.max.mean, *(highs.end() - 1 - few))};
  }

  // ---- A lane

  void write_lane(std::size_t position) {
    const TimelineLane& lane = timeline_.lanes[position];
    const std::string_view colour = lane_colours[position % lane_colours.size()];
    const double top = lanes_top_ + static_cast<double>(position) * lane_height;
    const std::string name = detail::shown_text(lane.name);
    out_ << "<g transform='translate(0 " << number(top) << ")'>\n<title>"
         << escaped(detail::shortened(lane_words(lane, name), 200)) << "</title>\n";
    std::string separator;
    draw(separator, 'M', {margin, 0.0});
    draw(separator, 'H', {width - margin});
    stroke(separator, "#f1f5f9");
    out_ << "<circle cx='28' cy='13.5' r='4' fill='" << (lane.starts ? colour : "#cbd5e1")
         << "'/>\n<g clip-path='url(#takt-names)'>\n";
    write_words(out_, names_at, 18.0, detail::shortened(name, 29),
                {.size = 13.0, .colour = lane.starts ? ink : grey, .weight = "500"});
    write_words(out_, names_at, 31.0, detail::shortened(detail::shown_text(lane.cadence), 38),
                {.size = 10.5});
    out_ << "</g>\n";
    if (lane.starts) {
      write_bar(lane, marks_[position], colour);
    } else {
      out_ << "<path d='M" << number(chart_at) << " 18h" << number(chart_width)
           << "' stroke='#cbd5e1' stroke-dasharray='2 5'/>\n";
    }
    write_numbers(lane);
    out_ << "</g>\n";
  }

  static std::string lane_words(const TimelineLane& lane, const std::string& name) {
    std::string words = name;
    if (!lane.cadence.empty()) {
      words += ": ";
      words += detail::shown_text(lane.cadence);
    }
    if (!lane.starts) return words + "; never opens";
    words += "; open from step ";
    words += grouped(*lane.starts);
    if (lane.ends) {
      words += " to ";
      words += grouped(*lane.ends);
    }
    return words;
  }

  void write_bar(const TimelineLane& lane, const detail::UpdateMarks& marks,
                 std::string_view colour) {
    const std::int64_t first = std::max(*lane.starts, scale_.first());
    const std::int64_t last = std::min(lane.ends.value_or(scale_.last()), scale_.last());
    if (last < first || timeline_.end_step <= timeline_.first_step) return;
    const double x = x_of(first);
    const double bar_width = std::max(2.0, x_of(last) + step_width() - x);
    out_ << "<rect x='" << number(x) << "' y='11' width='" << number(bar_width) << "' height='"
         << number(bar_height) << "' rx='2' fill='" << colour << "' fill-opacity='0.16'/>\n";
    write_marks(marks.clear, colour, 1.0);
    write_marks(marks.merged, colour, 0.6);
    if (lane.due_complete || lane.due.empty()) return;
    const double unknown = std::max(x, x_of(lane.due.back().last() + 1));
    out_ << "<path d='M" << number(unknown) << " 18H" << number(x + bar_width) << "' stroke='"
         << colour << "' stroke-width='2' stroke-dasharray='3 4'/>\n";
  }

  /// As thick strokes from left to right: that is the shortest text.
  void write_marks(const std::vector<detail::UpdateMark>& marks, std::string_view colour,
                   double opacity) {
    if (marks.empty()) return;
    out_ << "<path d='";
    for (const detail::UpdateMark& mark : marks) {
      out_ << 'M' << number(chart_at + mark.from) << " 18h"
           << number(std::max(0.1, mark.to - mark.from));
    }
    out_ << "' stroke='" << colour << "' stroke-width='" << number(bar_height) << '\'';
    if (opacity < 1.0) out_ << " stroke-opacity='" << number(opacity) << '\'';
    out_ << "/>\n";
  }

  void write_numbers(const TimelineLane& lane) {
    if (!lane.starts && lane.updates == 0 && lane.events == 0) {
      write_words(out_, numbers_at, 18.0, "never opens", {});
      return;
    }
    const bool updates = lane.updates > 0 || lane.events == 0;
    std::string words =
        updates ? counted_roughly(lane.updates, "update") : counted_roughly(lane.events, "event");
    write_words(out_, numbers_at, 18.0, words, {.colour = ink});
    words.clear();
    if (lane.nanoseconds) append(words, detail::duration_text(*lane.nanoseconds));
    const std::string throws = lane.throws > 0 ? counted_roughly(lane.throws, "throw") : "";
    if (!throws.empty()) {
      if (!words.empty()) words.insert(0, " · ");
      out_ << "<text x='" << number(numbers_at) << "' y='31' font-size='10.5' fill='" << grey
           << "'><tspan fill='" << alarm << "' font-weight='600'>" << escaped(throws) << "</tspan>"
           << escaped(words) << "</text>\n";
      return;
    }
    if (updates && lane.events > 0) append(words, counted_roughly(lane.events, "event"));
    if (!words.empty()) write_words(out_, numbers_at, 31.0, words, {.size = 10.5});
  }

  static std::string counted_roughly(std::int64_t count, std::string_view what) {
    if (count < 1'000'000) return counted(count, what);
    std::string text = detail::count_text(count);
    text += ' ';
    text += what;
    return text + 's';
  }

  const Timeline& timeline_;
  std::ostream& out_;
  TimeScale scale_;
  std::vector<detail::LossLevel> levels_;
  std::size_t lanes_;
  std::vector<std::int64_t> epoch_ticks_;
  std::vector<detail::UpdateMarks> marks_;
  double head_ = 0.0;
  double chart_top_ = 0.0;
  double lanes_top_ = 0.0;
  double chart_bottom_ = 0.0;
  double height_ = 0.0;
};

}  // namespace

void write_svg(const Timeline& timeline, std::ostream& out) { Picture{timeline, out}.write(); }

}  // namespace takt
