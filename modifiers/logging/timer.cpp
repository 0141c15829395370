// SPDX-License-Identifier: BSL-1.0
#include "takt/modifiers/timer.hpp"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <ostream>
#include <utility>
#include <vector>

#include "count_text.hpp"
#include "saved_state.hpp"
#include "shown_text.hpp"
#include "takt/error.hpp"
#include "takt/modifier_type.hpp"

namespace takt {
namespace {

constexpr std::size_t phase_count = TimerSummary::phase_count;

constexpr std::array<TimerPhase, phase_count> phases{TimerPhase::data, TimerPhase::forward,
                                                     TimerPhase::backward, TimerPhase::optimizer,
                                                     TimerPhase::rest};

const std::array<std::string, phase_count>& metric_names() {
  static const std::array<std::string, phase_count> names{
      "time/data", "time/forward", "time/backward", "time/optimizer", "time/rest"};
  return names;
}

/// The phase between two neighbouring events of a run.
TimerPhase phase_between(EventType from, EventType to) noexcept {
  if (to == EventType::BATCH_START) return TimerPhase::data;
  if (to == EventType::LOSS_CALCULATED) return TimerPhase::forward;
  if (to == EventType::OPTIM_POST_STEP) return TimerPhase::optimizer;
  return from == EventType::LOSS_CALCULATED ? TimerPhase::backward : TimerPhase::rest;
}

double mean(std::int64_t nanoseconds, std::int64_t count) noexcept {
  return count == 0 ? 0.0 : static_cast<double>(nanoseconds) / 1e9 / static_cast<double>(count);
}

std::string percent(double share) {
  std::array<char, 32> buffer{};
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), 100.0 * share,
                                 std::chars_format::fixed, 1);
  std::string text{buffer.data(), end.ptr};
  text += '%';
  return text;
}

using Row = std::array<std::string, 5>;

Row row_of(TimerPhase phase, const TimerSummary& summary) {
  const PhaseTime& time = summary[phase];
  const std::int64_t one = time.count == 0 ? 0 : time.nanoseconds / time.count;
  return {to_string(phase), detail::duration_text(one), detail::duration_text(time.nanoseconds),
          percent(summary.share(phase)), std::to_string(time.count)};
}

PhaseTime read_time(detail::StateReader& read) {
  PhaseTime time;
  time.count = read.count("times");
  time.nanoseconds = read.count("nanoseconds");
  return time;
}

/// The first column is set to the left, numbers to the right.
std::string aligned(const std::vector<Row>& rows) {
  std::array<std::size_t, 5> widths{};
  for (const Row& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i) {
      widths.at(i) = std::max(widths.at(i), detail::character_count(row.at(i)));
    }
  }
  std::string text;
  for (const Row& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i) {
      const std::string& cell = row.at(i);
      const std::string fill(widths.at(i) - detail::character_count(cell), ' ');
      if (i > 0) text += "  ";
      text += i == 0 ? cell + fill : fill + cell;
    }
    text += '\n';
  }
  return text;
}

}  // namespace

const std::string& to_string(TimerPhase phase) {
  static const std::array<std::string, phase_count> names{"data", "forward", "backward",
                                                          "optimizer", "rest"};
  return names.at(static_cast<std::size_t>(phase));
}

std::ostream& operator<<(std::ostream& out, TimerPhase phase) { return out << to_string(phase); }

double PhaseTime::mean_seconds() const noexcept { return mean(nanoseconds, count); }

std::int64_t TimerSummary::nanoseconds() const noexcept {
  std::int64_t all = 0;
  for (const PhaseTime& phase : phases) all += phase.nanoseconds;
  return all;
}

double TimerSummary::share(TimerPhase phase) const noexcept {
  const std::int64_t all = nanoseconds();
  if (all == 0) return 0.0;
  return static_cast<double>((*this)[phase].nanoseconds) / static_cast<double>(all);
}

std::ostream& operator<<(std::ostream& out, const TimerSummary& summary) {
  std::vector<Row> rows{{"phase", "mean", "total", "share", "count"}};
  for (const TimerPhase phase : phases) rows.push_back(row_of(phase, summary));
  return out << aligned(rows);
}

TimerModifier::TimerModifier(TimerSettings settings)
    : Modifier{settings.name,
               settings.cadence,
               {.due = EventType::BATCH_END,
                .every = {EventType::BATCH_START, EventType::LOSS_CALCULATED,
                          EventType::OPTIM_PRE_STEP, EventType::OPTIM_POST_STEP,
                          EventType::BATCH_END}}},
      settings_{std::move(settings)} {
  if (settings_.stream != nullptr) return;
  throw InvalidModifier("timer modifier \"" + settings_.name +
                        "\": stream is null; it points to the stream to write to");
}

ModifierType TimerModifier::type() {
  using S = TimerSettings;
  return ModifierBinding<TimerModifier, S>{"TimerModifier", "measures where a step's time goes"}
      .setting("print", &S::print, "write a table to stderr when training ends");
}

void TimerModifier::on_start(State&, const Event&) {
  all_ = {};
  open_ = shown_ = {};
  last_.reset();
}

void TimerModifier::on_event(State&, const Event& event) {
  const std::int64_t time = now();
  const EventType type = *event.type;
  if (!last_ && type != EventType::BATCH_START) return;  // the rest of a batch, after a resume
  if (last_) {
    PhaseTime& phase = open_[static_cast<std::size_t>(phase_between(*last_, type))];
    ++phase.count;
    phase.nanoseconds += std::max<std::int64_t>(time - time_, 0);
  }
  last_ = type;
  time_ = time;
  if (type != EventType::BATCH_END) return;
  ++all_.batches;
  for (std::size_t i = 0; i < phase_count; ++i) {
    all_.phases[i].count += open_[i].count;
    all_.phases[i].nanoseconds += open_[i].nanoseconds;
  }
  open_ = {};
}

void TimerModifier::on_update(State& state, const Event&) {
  for (std::size_t i = 0; i < phase_count; ++i) {
    const PhaseTime& phase = all_.phases[i];
    state.metrics[metric_names()[i]] =
        mean(phase.nanoseconds - shown_[i].nanoseconds, phase.count - shown_[i].count);
  }
  shown_ = all_.phases;
}

void TimerModifier::on_abort(State&, const Event&) noexcept {
  open_ = {};
  last_.reset();
}

void TimerModifier::save(std::ostream& out) {
  detail::StateWriter write{out, "TimerModifier"};
  write(all_.batches);
  for (std::size_t i = 0; i < phase_count; ++i) {
    write(all_.phases[i].count, all_.phases[i].nanoseconds);
    write(shown_[i].count, shown_[i].nanoseconds);
  }
}

// The open batch is left out: the clock of the program that saved it was another.
void TimerModifier::load(State&, const Event&, std::istream& in) {
  detail::StateReader read{in, "TimerModifier"};
  TimerSummary all;
  std::array<PhaseTime, phase_count> shown;
  all.batches = read.count("batches");
  for (std::size_t i = 0; i < phase_count; ++i) {
    all.phases[i] = read_time(read);
    shown[i] = read_time(read);
  }
  all_ = all;
  shown_ = shown;
  open_ = {};
  last_.reset();
}

void TimerModifier::on_finalize(State&, const Event&) {
  if (!settings_.print || all_.batches == 0) return;
  std::string title = detail::shown_text(name());
  title += ": " + detail::grouped(all_.batches, " ");
  title += all_.batches == 1 ? " batch in " : " batches in ";
  title += detail::duration_text(all_.nanoseconds());
  try {
    *settings_.stream << title << '\n' << all_ << std::flush;
  } catch (...) {  // a stream that throws when it fails; training is over all the same
  }
}

std::int64_t TimerModifier::now() const {
  if (settings_.clock) return settings_.clock();
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

}  // namespace takt
