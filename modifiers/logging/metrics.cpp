// SPDX-License-Identifier: BSL-1.0
#include "takt/modifiers/metrics.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <filesystem>
#include <stdexcept>
#include <string_view>
#include <utility>

#include "metrics_file.hpp"
#include "saved_state.hpp"
#include "takt/error.hpp"
#include "takt/modifier_type.hpp"

namespace takt {
namespace {

// In the order of the enumeration.
constexpr std::array<std::string_view, 3> format_names{"automatic", "csv", "jsonl"};

}  // namespace

template <>
struct SettingType<MetricsFormat> {
  static std::string name() { return "text"; }
  static MetricsFormat read(const SettingValue& value) {
    const auto* const found =
        std::ranges::find(format_names, SettingType<std::string>::read(value));
    if (found == format_names.end()) throw_wrong_type(value, name());
    return static_cast<MetricsFormat>(found - format_names.begin());
  }
  static SettingValue write(MetricsFormat format) {
    return format_names.at(static_cast<std::size_t>(format));
  }
};

namespace {

// What is written of itself, and a metric's name when it is called the same.
struct OwnColumn {
  std::string_view name;
  std::string_view of_metric;
};
constexpr std::array<OwnColumn, 5> own_columns{{{"step", "metrics/step"},
                                                {"batch", "metrics/batch"},
                                                {"epoch", "metrics/epoch"},
                                                {"loss", "metrics/loss"},
                                                {"learning_rate", "metrics/learning_rate"}}};

const OwnColumn* own_column(std::string_view name) noexcept {
  const auto* const found = std::ranges::find(own_columns, name, &OwnColumn::name);
  return found == own_columns.end() ? nullptr : found;
}

[[noreturn]] void refuse(const MetricsSettings& settings, const std::string& problem) {
  throw InvalidModifier("metrics modifier \"" + settings.name + "\": " + problem);
}

MetricsFormat format_of(const MetricsSettings& settings) {
  if (settings.format != MetricsFormat::automatic) return settings.format;
  std::string ending = std::filesystem::path{settings.file}.extension().string();
  for (char& c : ending) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  if (ending == ".csv") return MetricsFormat::csv;
  if (ending == ".jsonl" || ending == ".ndjson") return MetricsFormat::jsonl;
  refuse(settings, settings.file +
                       " does not say its format; set format, or end the name in .csv, .jsonl or "
                       ".ndjson");
}

void require_columns(const MetricsSettings& settings) {
  for (std::size_t i = 0; i < settings.columns.size(); ++i) {
    const std::string& name = settings.columns[i];
    if (name.empty()) refuse(settings, "columns has an empty name; each is the name of a metric");
    if (own_column(name) != nullptr) {
      refuse(settings, "columns has " + name + ", which is written anyway; name metrics only");
    }
    const auto end = settings.columns.begin() + static_cast<std::ptrdiff_t>(i);
    if (std::find(settings.columns.begin(), end, name) != end) {
      refuse(settings, "columns has " + name + " twice; name each once");
    }
  }
}

constexpr std::size_t many = std::size_t{1} << 16U;
constexpr std::chrono::seconds between_writes{1};

}  // namespace

// Whether a batch made a step is known at OPTIM_POST_STEP only.
MetricsModifier::MetricsModifier(MetricsSettings settings)
    : Modifier{settings.name,
               settings.cadence,
               {.due = EventType::OPTIM_POST_STEP | EventType::BATCH_END}},
      settings_{std::move(settings)},
      row_{std::make_unique<detail::MetricsRow>()} {
  if (settings_.file.empty()) refuse(settings_, "file is not set; it is the name of a file");
  settings_.format = format_of(settings_);
  require_columns(settings_);
  if (!settings_.clock) settings_.clock = std::chrono::steady_clock::now;
}

ModifierType MetricsModifier::type() {
  using S = MetricsSettings;
  return ModifierBinding<MetricsModifier, S>{"MetricsModifier",
                                             "writes loss, learning rate and metrics to a file"}
      .required("file", &S::file, "where to")
      .setting("format", &S::format, "automatic = by the file's ending, .csv or .jsonl",
               one_of({format_names.begin(), format_names.end()}))
      .setting("columns", &S::columns, "the metrics to write, in this order; empty = all")
      .setting("append", &S::append, "go on behind what the file has; false = replace it");
}

MetricsModifier::~MetricsModifier() {
  try {
    close();
  } catch (...) {  // NOLINT(bugprone-empty-catch): there is nobody left to tell
  }
}

void MetricsModifier::on_initialize(State&, const Event&) {
  const bool csv = settings_.format == MetricsFormat::csv;
  try {
    file_ = std::make_unique<detail::MetricsFile>(settings_.file, csv, settings_.append);
  } catch (const std::runtime_error& error) {
    refuse(settings_, error.what());
  }
  if (settings_.columns.empty() && !file_->takes_columns()) {
    file_.reset();
    refuse(settings_, "columns is not set; " + settings_.file +
                          " can't be written anew for a metric that comes later, so name them all");
  }
  written_at_ = settings_.clock();
}

void MetricsModifier::on_start(State&, const Event&) { steps_ = false; }

void MetricsModifier::on_update(State& state, const Event& event) {
  tell_failure();
  if (event.type == EventType::OPTIM_POST_STEP) {
    steps_ = true;
    return;
  }
  if (!std::exchange(steps_, false) || !file_) return;
  fill_row(state, event);
  guarded([&] {
    file_->add(*row_);
    const auto time = settings_.clock();
    if (!file_->is_new() && file_->gathered() < many && time - written_at_ < between_writes) return;
    written_at_ = time;
    file_->write();
  });
}

void MetricsModifier::on_end(State&, const Event&) {
  tell_failure();
  if (!file_) return;
  guarded([&] { file_->write(); });
}

void MetricsModifier::on_abort(State&, const Event&) noexcept { steps_ = false; }

void MetricsModifier::on_finalize(State&, const Event&) {
  tell_failure();
  close();
}

// A disk that is full for rows may have room for the checkpoint: it is told at the next update.
void MetricsModifier::save(std::ostream& out) {
  try {
    if (file_) file_->write();
    if (file_) file_->sync();
  } catch (const std::runtime_error& error) {
    file_.reset();
    failure_ = error.what();
  }
  detail::StateWriter write{out, "MetricsModifier"};
  write(steps_, failure_, file_ != nullptr);
  if (!file_) return;
  const std::optional<detail::MetricsPlace> place = file_->place();
  write(settings_.format == MetricsFormat::csv, place.has_value());
  if (place) place->save(write);
}

void MetricsModifier::load(State&, const Event&, std::istream& in) {
  detail::StateReader read{in, "MetricsModifier"};
  bool steps = false;
  std::optional<std::string> failure;
  bool has_file = false;
  read(steps, failure, has_file);
  std::unique_ptr<detail::MetricsFile> file;
  bool stays = false;  // nothing was written, and nothing is
  if (has_file) {
    const auto place = read_place(read);
    stays = !place && file_ && file_->is_new();
    if (!stays) file = open(place);
  }
  const auto time = settings_.clock();
  if (!stays) file_ = std::move(file);
  steps_ = steps;
  failure_ = std::move(failure);
  written_at_ = time;
}

std::optional<detail::MetricsPlace> MetricsModifier::read_place(detail::StateReader& read) const {
  bool csv = false;
  bool has_place = false;
  read(csv, has_place);
  if (csv != (settings_.format == MetricsFormat::csv)) {
    throw CheckpointError(std::string{"it was saved with format "} + (csv ? "csv" : "jsonl") +
                          ", and is built with the other one");
  }
  if (!has_place) return std::nullopt;
  detail::MetricsPlace place;
  place.load(read);
  return place;
}

std::unique_ptr<detail::MetricsFile> MetricsModifier::open(
    const std::optional<detail::MetricsPlace>& place) const {
  const bool csv = settings_.format == MetricsFormat::csv;
  try {
    if (!place) return std::make_unique<detail::MetricsFile>(settings_.file, csv, false);
    return std::make_unique<detail::MetricsFile>(settings_.file, csv, *place);
  } catch (const std::runtime_error& error) {
    throw CheckpointError(error.what());
  }
}

/// What a checkpoint was the first to see.
void MetricsModifier::tell_failure() {
  if (!failure_) [[likely]]
    return;
  const std::string failure = *std::exchange(failure_, std::nullopt);
  throw std::runtime_error(failure);
}

void MetricsModifier::fill_row(const State& state, const Event& event) {
  row_->step = event.global_step;
  row_->batch = event.global_batch;
  row_->cells.clear();
  if (event.epoch_based()) row_->cells.push_back({"epoch", event.epoch_full()});
  row_->cells.push_back({"loss", state.loss});
  if (const Optimizer* const optimizer = state.find<Optimizer>()) {
    row_->cells.push_back({"learning_rate", optimizer->learning_rate()});
  }
  fill_metrics(state);
}

void MetricsModifier::fill_metrics(const State& state) {
  for (const std::string& name : settings_.columns) {
    const auto found = state.metrics.find(name);
    const bool is_there = found != state.metrics.end();
    row_->cells.push_back({name, is_there ? std::optional{found->second} : std::nullopt});
  }
  if (!settings_.columns.empty()) return;
  for (const auto& [name, value] : state.metrics) {
    const OwnColumn* const same = own_column(name);
    row_->cells.push_back({same == nullptr ? std::string_view{name} : same->of_metric, value});
  }
}

void MetricsModifier::close() {
  if (!file_) return;
  guarded([&] { file_->write(); });
  file_.reset();
}

/// What fails once is not tried again.
template <class Writing>
void MetricsModifier::guarded(const Writing& writing) {
  try {
    writing();
  } catch (...) {
    file_.reset();
    throw;
  }
}

}  // namespace takt
