// SPDX-License-Identifier: BSL-1.0
// A plugin: a modifier that a recipe can name, in a shared library that takt loads. It adds noise
// to the gradients that fades as training goes on, which helps deep networks to leave bad
// beginnings (Neelakantan et al. 2015, arXiv:1511.06807).
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <takt/cadence.hpp>
#include <takt/error.hpp>
#include <takt/event.hpp>
#include <takt/model.hpp>
#include <takt/modifier.hpp>
#include <takt/modifier_type.hpp>
#include <takt/plugin.hpp>
#include <takt/state.hpp>
#include <utility>
#include <vector>

namespace {

// What a `GradientNoiseModifier` is built with. At step t of its window, the first one being 0,
// each gradient g of the targets becomes, as in section 3 of the paper,
//
//     g + N(0, sigma^2),   sigma^2 = eta / (1 + t)^gamma
struct GradientNoiseSettings {
  std::string name = "GradientNoiseModifier";
  takt::Cadence cadence{};
  double eta = 0.01;    // the paper tries 0.01, 0.3 and 1.0
  double gamma = 0.55;  // the paper's value
  std::int64_t seed = 0;
  std::vector<std::string> targets{"__ALL__"};
  std::vector<std::string> ignore{};
};

// The noise depends on nothing but the seed, the step and the position of the parameter in its
// model. So a run that is resumed, and a batch that is aborted and comes again, get the noise that
// they would have had, and a checkpoint has nothing to keep: where a run is resumed in the window,
// `on_start` runs again. One generator that goes on from step to step would need `save` and `load`.
// What `std::normal_distribution` makes of a seed is up to the standard library: the same seed may
// give other noise with another one.
//
// Pruning modifiers clear the gradients of pruned weights at the same event: to have them clear the
// noise too, register this modifier before them.
class GradientNoiseModifier final : public takt::Modifier {
 public:
  explicit GradientNoiseModifier(GradientNoiseSettings settings)
      : Modifier{settings.name, settings.cadence, {.due = takt::EventType::OPTIM_PRE_STEP}},
        settings_{std::move(settings)} {
    require("eta", settings_.eta);
    require("gamma", settings_.gamma);
    require("seed", static_cast<double>(settings_.seed));
  }

  static takt::ModifierType type() {
    using S = GradientNoiseSettings;
    return takt::ModifierBinding<GradientNoiseModifier, S>{
        "GradientNoiseModifier", "adds noise to the gradients that fades as training goes on"}
        .setting("eta", &S::eta, "the variance of the noise at the first step", takt::at_least(0))
        .setting("gamma", &S::gamma, "how fast the variance falls; 0 = not at all",
                 takt::at_least(0))
        .setting("seed", &S::seed, "another seed, other noise", takt::at_least(0))
        .setting("targets", &S::targets,
                 "the parameters: names, re:<regular expression>, kinds of layers, __ALL__")
        .setting("ignore", &S::ignore, "of the targets, those to leave alone, written likewise");
  }

  // Targets that choose nothing are told before training starts, not when the window opens.
  void on_initialize(takt::State& state, const takt::Event&) override {
    (void)chosen(state.get<takt::Model>());
  }

  void on_start(takt::State& state, const takt::Event& event) override {
    positions_ = chosen(state.get<takt::Model>());
    // Found from the cadence, not taken from the event: a resumed run starts later.
    takt::Event beginning = event;
    beginning.global_step = 0;
    first_step_ =
        takt::Cadence{.start = settings_.cadence.start}.next_update(beginning).value_or(0);
  }

  void on_update(takt::State& state, const takt::Event& event) override {
    auto& model = state.get<takt::Model>();
    const std::int64_t step = event.global_step - first_step_;
    const double variance =
        settings_.eta / std::pow(1.0 + static_cast<double>(step), settings_.gamma);
    if (variance <= 0.0) return;
    for (const std::size_t position : positions_) {
      std::seed_seq seed{low(settings_.seed), high(settings_.seed), low(step), high(step),
                         static_cast<std::uint32_t>(position)};
      std::mt19937 random{seed};
      std::normal_distribution<float> noise{0.0F, static_cast<float>(std::sqrt(variance))};
      for (float& gradient : model.parameter(position).gradients) gradient += noise(random);
    }
  }

 private:
  [[nodiscard]] std::vector<std::size_t> chosen(takt::Model& model) const {
    return takt::select(model, settings_.targets, settings_.ignore);
  }

  void require(const char* setting, double value) const {
    if (std::isfinite(value) && value >= 0.0) return;
    throw takt::InvalidModifier("gradient noise modifier \"" + settings_.name + "\": " + setting +
                                " is " + std::to_string(value) + "; it is a number, 0 or more");
  }

  static std::uint32_t low(std::int64_t number) { return static_cast<std::uint32_t>(number); }
  static std::uint32_t high(std::int64_t number) {
    return static_cast<std::uint32_t>(static_cast<std::uint64_t>(number) >> 32U);
  }

  GradientNoiseSettings settings_;
  std::vector<std::size_t> positions_;
  std::int64_t first_step_ = 0;
};

}  // namespace

TAKT_PLUGIN("gradient_noise", "1.0", registry) { registry.add(GradientNoiseModifier::type()); }
