// SPDX-License-Identifier: BSL-1.0
#include "takt/modifiers/progress.hpp"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "progress_line.hpp"
#include "saved_state.hpp"
#include "takt/error.hpp"
#include "takt/modifier_type.hpp"
#include "terminal.hpp"

namespace takt {
namespace {

// In the order of the enumeration.
constexpr std::array<std::string_view, 3> mode_names{"automatic", "bar", "lines"};

}  // namespace

template <>
struct SettingType<ProgressMode> {
  static std::string name() { return "text"; }
  static ProgressMode read(const SettingValue& value) {
    const auto* const found = std::ranges::find(mode_names, SettingType<std::string>::read(value));
    if (found == mode_names.end()) throw_wrong_type(value, name());
    return static_cast<ProgressMode>(found - mode_names.begin());
  }
  static SettingValue write(ProgressMode mode) {
    return mode_names.at(static_cast<std::size_t>(mode));
  }
};

namespace {

constexpr std::chrono::milliseconds between_bars{100};
constexpr std::chrono::seconds between_lines{1};

[[noreturn]] void refuse(const ProgressSettings& settings, const std::string& problem) {
  throw InvalidModifier("progress modifier \"" + settings.name + "\": " + problem);
}

void require_at_least_one(const ProgressSettings& settings, const char* field,
                          std::optional<std::int64_t> value) {
  if (!value || *value >= 1) return;
  refuse(settings,
         std::string{field} + " is " + std::to_string(*value) + "; it is 1 or more, or unset");
}

}  // namespace

// Whether a batch made a step is known at OPTIM_POST_STEP only.
ProgressModifier::ProgressModifier(ProgressSettings settings)
    : Modifier{settings.name,
               settings.cadence,
               {.due = EventType::OPTIM_POST_STEP | EventType::BATCH_END}},
      settings_{std::move(settings)} {
  require_at_least_one(settings_, "total_steps", settings_.total_steps);
  require_at_least_one(settings_, "columns", settings_.columns);
  if (settings_.stream == nullptr) {
    refuse(settings_, "stream is null; it points to the stream to write to");
  }
  every_due_step_ = cadence().update.value_or(0.0) > 0.0;
}

ModifierType ProgressModifier::type() {
  using S = ProgressSettings;
  return ModifierBinding<ProgressModifier, S>{"ProgressModifier",
                                              "shows how far training has come, on stderr"}
      .setting("total_steps", &S::total_steps,
               "optimizer steps of the whole run; unset = unknown, no percentage", at_least(1))
      .setting("mode", &S::mode, "automatic = a bar on a terminal, lines elsewhere",
               one_of({mode_names.begin(), mode_names.end()}))
      .setting("columns", &S::columns, "width of the bar; unset = the terminal's", at_least(1));
}

ProgressModifier::~ProgressModifier() { end_line(); }

void ProgressModifier::on_start(State&, const Event& event) {
  steps_ = shown_steps_ = event.global_step;
  loss_.reset();
  begin(event, now());
}

/// What is seen from here on, wherever the run stands.
void ProgressModifier::begin(const Event& event, Clock::time_point time) {
  bar_ = settings_.mode == ProgressMode::bar ||
         (settings_.mode == ProgressMode::automatic && detail::terminal_columns(*settings_.stream));
  start_step_ = std::max(steps_, event.global_step);
  started_ = drawn_ = time;
  if (bar_) draw(event, started_, false);
}

void ProgressModifier::on_update(State& state, const Event& event) {
  if (event.type == EventType::OPTIM_POST_STEP) {
    steps_ = event.global_step + 1;
    return;
  }
  steps_ = std::max(steps_, event.global_step);
  loss_ = state.loss;
  if (!bar_ && steps_ == event.global_step) return;  // a line per step, not per batch
  const Clock::time_point time = now();
  if (wants_drawing(time)) draw(event, time, false);
}

bool ProgressModifier::wants_drawing(Clock::time_point time) const {
  if (steps_ == settings_.total_steps && shown_steps_ != steps_) return true;  // arrived
  if (bar_) return time - drawn_ >= between_bars;
  return every_due_step_ || time - drawn_ >= between_lines;
}

void ProgressModifier::on_end(State& state, const Event& event) {
  // A window closes at the BATCH_END of a step that was made.
  steps_ = event.global_step + (event.type == EventType::BATCH_END ? 1 : 0);
  if (state.loss) loss_ = state.loss;
  if (bar_ || steps_ != shown_steps_) draw(event, now(), true);
  end_line();
}

void ProgressModifier::on_abort(State&, const Event& event) noexcept { steps_ = event.global_step; }

void ProgressModifier::save(std::ostream& out) {
  detail::StateWriter{out, "ProgressModifier"}(steps_, shown_steps_, loss_);
}

void ProgressModifier::load(State&, const Event& event, std::istream& in) {
  detail::StateReader read{in, "ProgressModifier"};
  const std::int64_t steps = read.count("steps");
  const std::int64_t shown_steps = read.count("steps that were shown");
  std::optional<double> loss;
  read(loss);
  const Clock::time_point time = now();
  end_line();
  steps_ = steps;
  shown_steps_ = shown_steps;
  loss_ = loss;
  if (phase() == Phase::active) begin(event, time);
}

ProgressModifier::Clock::time_point ProgressModifier::now() const {
  return settings_.clock ? settings_.clock() : Clock::now();
}

void ProgressModifier::draw(const Event& event, Clock::time_point time, bool over) noexcept {
  drawn_ = time;
  shown_steps_ = steps_;
  try {
    if (!*settings_.stream) return;
    const std::chrono::duration<double> elapsed = std::max(time - started_, Clock::duration{});
    const detail::Progress progress{.steps = steps_,
                                    .steps_here = steps_ - start_step_,
                                    .seconds = elapsed.count(),
                                    .total = settings_.total_steps,
                                    .steps_per_epoch = event.steps_per_epoch,
                                    .loss = loss_,
                                    .over = over || steps_ == settings_.total_steps};
    if (bar_) {
      const std::size_t columns = columns_to_use();
      detail::write_bar(progress, columns, text_);
      // What stood there before and is longer is overwritten.
      const std::size_t length = text_.size();
      text_.resize(std::max(length, std::min(open_length_.value_or(0), columns)), ' ');
      text_.insert(0, 1, '\r');
      open_length_ = length;
    } else {
      detail::write_line(progress, text_);
      text_ += '\n';
    }
    settings_.stream->write(text_.data(), static_cast<std::streamsize>(text_.size())).flush();
  } catch (...) {  // a stream that throws when it fails; it is left alone from now on
  }
}

/// The last column stays free: a character there makes some terminals begin a new line.
std::size_t ProgressModifier::columns_to_use() const {
  const std::int64_t columns = settings_.columns.value_or(
      detail::terminal_columns(*settings_.stream).value_or(detail::usual_columns));
  return static_cast<std::size_t>(columns - 1);
}

void ProgressModifier::end_line() noexcept {
  if (!std::exchange(open_length_, std::nullopt)) return;
  try {
    settings_.stream->put('\n').flush();
  } catch (...) {  // as above
  }
}

}  // namespace takt
