// SPDX-License-Identifier: BSL-1.0
/// \file
/// What holds for any bytes that are loaded as a checkpoint. The fuzz target and the test of its
/// corpus share it.
#ifndef TAKT_TESTS_FUZZ_CHECKPOINT_TARGET_HPP
#define TAKT_TESTS_FUZZ_CHECKPOINT_TARGET_HPP

#include <cstddef>
#include <istream>
#include <ostream>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <takt/checkpoint.hpp>
#include <takt/modifiers/constant_pruning.hpp>
#include <takt/modifiers/early_stopping.hpp>
#include <takt/modifiers/ema.hpp>
#include <takt/modifiers/epoch_range.hpp>
#include <takt/modifiers/gradient_clip.hpp>
#include <takt/modifiers/learning_rate.hpp>
#include <takt/modifiers/magnitude_pruning.hpp>
#include <takt/modifiers/nan_guard.hpp>
#include <takt/modifiers/quantization.hpp>
#include <takt/modifiers/set_learning_rate.hpp>
#include <takt/modifiers/timer.hpp>
#include <takt/takt.hpp>
#include <vector>

#include "../call_letters.hpp"
#include "../vector_model.hpp"
#include "checkpoint_file.hpp"
#include "saved_state.hpp"

namespace takt::fuzz {

/// A small model with the built-in modifiers that write no files, whose windows open, are open and
/// close within a few steps.
class CheckpointedRun {
 public:
  CheckpointedRun() {
    bus.state().set(model_);
    bus.state().set<Optimizer>(optimizer_);
    bus.state().set(loop_);
    bus.emplace<EpochRangeModifier>(EpochRangeSettings{.cadence = {.end = 9}});
    bus.emplace<SetLearningRateModifier>(
        SetLearningRateSettings{.cadence = {.start = 0.5}, .learning_rate = 0.25});
    bus.emplace<LearningRateModifier>(LearningRateSettings{
        .cadence = {.start = 1, .end = 3}, .schedule = "cosine", .learning_rate = 0.5});
    bus.emplace<NanGuardModifier>(NanGuardSettings{.action = "restore", .patience = 3});
    bus.emplace<QuantizationModifier>(QuantizationSettings{
        .cadence = {.start = 0.5, .end = 2.5, .update = 1},
        .config_groups = {
            {.name = "all",
             .targets = {"fc.weight"},
             .weights = {
                 .num_bits = 4, .strategy = QuantizationStrategy::group, .group_size = 2}}}});
    bus.emplace<MagnitudePruningModifier>(MagnitudePruningSettings{
        .cadence = {.start = 0, .end = 2, .update = 0.5}, .final_sparsity = 0.75});
    bus.emplace<ConstantPruningModifier>(ConstantPruningSettings{.cadence = {.start = 2}});
    bus.emplace<GradientClipModifier>(GradientClipSettings{.max_norm = 1});
    bus.emplace<EMAModifier>(EMASettings{.warm_up = true});
    bus.emplace<EarlyStoppingModifier>(
        EarlyStoppingSettings{.cadence = {.update = 0.5}, .patience = 2, .save_best = true});
    bus.emplace<TimerModifier>(
        TimerSettings{.cadence = {.end = 3}, .clock = [this] { return ++nanoseconds_; }});
  }
  CheckpointedRun(const CheckpointedRun&) = delete;
  CheckpointedRun& operator=(const CheckpointedRun&) = delete;

  /// Each letter is a call, see `make_call`, whether it is legal there or not.
  void call(std::string_view letters) {
    for (const char letter : letters) {
      try {
        make(letter);
      } catch (const LifecycleError&) {  // NOLINT(bugprone-empty-catch): not here
      }
    }
  }

  [[nodiscard]] std::string saved() {
    std::ostringstream out;
    save_checkpoint(bus, out);
    return std::move(out).str();
  }
  /// False when the bytes are refused, as the contract has it.
  [[nodiscard]] bool loads(const std::string& bytes) {
    std::istringstream in{bytes};
    try {
      load_checkpoint(bus, in);
      return true;
    } catch (const CheckpointError&) {
      return false;
    }
  }

  /// What a checkpoint changes, and running changes.
  [[nodiscard]] std::string seen() {
    std::ostringstream out;
    out << bus.now().global_step << '/' << bus.now().global_batch << std::hexfloat;
    for (const VectorParameter& parameter : model_.parameters) {
      for (const float value : parameter.values) out << ' ' << value;
    }
    for (const auto& modifier : bus.modifiers()) out << ' ' << modifier->phase();
    for (const auto& [name, value] : bus.state().metrics) out << ' ' << name << ' ' << value;
    out << ' ' << optimizer_.rate << ' ' << bus.state().loss.value_or(-1) << ' '
        << bus.state().control.stop_reason();
    return std::move(out).str();
  }

  EventBus bus{Event{.steps_per_epoch = 4}};

 private:
  struct Rate final : Optimizer {
    [[nodiscard]] double learning_rate() const override { return rate; }
    void set_learning_rate(double to) override { rate = to; }
    double rate = 1;
  };

  void make(char letter) {
    if (letter == 'p') {
      for (VectorParameter& parameter : model_.parameters) {
        for (float& gradient : parameter.gradients) gradient = next();
      }
    }
    if (letter == 'P') {
      for (VectorParameter& parameter : model_.parameters) {
        for (std::size_t i = 0; i < parameter.values.size(); ++i) {
          parameter.values[i] -= static_cast<float>(optimizer_.rate) * parameter.gradients[i];
        }
      }
    }
    test::make_call(bus, letter, letter == 'l' ? 1.0 + next() : 0.0);
  }

  /// -0.5 to 0.5.
  float next() noexcept {
    random_ = random_ * 1664525U + 1013904223U;
    return static_cast<float>(random_ >> 16U) / 65536.0F - 0.5F;
  }

  void write(std::ostream& out) const {
    detail::StateWriter{out, "loop"}(random_, model_.parameters[0].values,
                                     model_.parameters[1].values);
  }
  void read(std::istream& in) {
    std::uint32_t random = 0;
    std::vector<float> weight;
    std::vector<float> bias;
    detail::StateReader{in, "loop"}(random, weight, bias);
    if (weight.size() != 8 || bias.size() != 2) throw CheckpointError("it is of another model");
    random_ = random;
    model_[0].values = weight;
    model_[1].values = bias;
  }

  VectorModel model_{{{.name = "fc.weight",
                       .shape = {2, 4},
                       .values = {1, -2, 0.25F, 0, 5, -0.5F, 7, 8},
                       .gradients = std::vector<float>(8),
                       .kind = "Linear"},
                      {.name = "fc.bias",
                       .shape = {2},
                       .values = {0.5F, -3},
                       .gradients = std::vector<float>(2),
                       .kind = "Linear"}}};
  Rate optimizer_;
  LoopState loop_{.save = [this](std::ostream& out) { write(out); },
                  .load = [this](std::istream& in) { read(in); }};
  std::uint32_t random_ = 1;
  std::int64_t nanoseconds_ = 0;
};

/// The file that the bytes stand for: as they are when the first of them is odd, or else behind a
/// header that fits them.
inline std::string checkpoint_in(std::string_view bytes) {
  if (bytes.empty()) return {};
  const bool is_file = (static_cast<unsigned char>(bytes.front()) & 1U) != 0;
  const std::string rest{bytes.substr(1)};
  return is_file ? rest : detail::checkpoint_header(rest) + rest;
}

/// That a checkpoint is refused, and then nothing has happened, or that the run goes on from it to
/// its end, and can be saved and loaded again. Throws `std::logic_error` for what does not hold;
/// whatever else is thrown is a fault as well. Returns whether it was loaded.
inline bool check_checkpoint(std::string_view bytes) {
  constexpr std::string_view end = "PeCslpPeslpPef";  // of whatever is open, and two batches
  CheckpointedRun run;
  const std::string before = run.seen();
  if (!run.loads(checkpoint_in(bytes))) {
    if (run.seen() != before) throw std::logic_error("what is refused has changed something");
    static const std::string ordinary = [] {
      CheckpointedRun untouched;
      untouched.call("islpPeslpPef");
      return untouched.seen();
    }();
    run.call("islpPeslpPef");
    if (run.seen() != ordinary) throw std::logic_error("after a refusal it is another run");
    return false;
  }
  const std::string saved = run.saved();
  CheckpointedRun other;
  if (!other.loads(saved)) throw std::logic_error("what is loaded and saved again is refused");
  if (other.saved() != saved) throw std::logic_error("what is loaded is saved as something else");
  run.call(end);
  other.call(end);
  if (run.seen() != other.seen()) throw std::logic_error("what is resumed twice is not the same");
  return true;
}

}  // namespace takt::fuzz

#endif
