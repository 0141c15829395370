// SPDX-License-Identifier: BSL-1.0
// Loads the plugin of examples/04-plugin by its name, trains with it, and sees it unloaded.
#include <dlfcn.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <iostream>
#include <string>
#include <takt/plugin.hpp>
#include <takt/registry.hpp>
#include <takt/takt.hpp>
#include <vector>

namespace {

constexpr int steps = 40;

// Two parameters whose gradients the loop sets to zero, so that what is in them is the noise.
class Weights final : public takt::Model {
 public:
  std::size_t parameter_count() const override { return 2; }
  takt::Parameter parameter(std::size_t i) override {
    return {names_[i], shape_, values_[i], gradients[i], "Linear"};
  }
  std::array<std::vector<float>, 2> gradients{std::vector<float>(1000), std::vector<float>(1000)};

 private:
  std::array<std::string, 2> names_{"fc1.weight", "fc2.weight"};
  std::array<std::int64_t, 2> shape_{10, 100};
  std::array<std::vector<float>, 2> values_{std::vector<float>(1000), std::vector<float>(1000)};
};

using Noise = std::array<std::vector<float>, 2>;

double variance(const std::vector<float>& values) {
  double sum = 0.0;
  for (const float value : values) sum += static_cast<double>(value) * static_cast<double>(value);
  return sum / static_cast<double>(values.size());
}

// The noise of the steps from `first` on. One batch is aborted in between and comes again.
std::vector<Noise> train(const takt::Registry& registry, std::int64_t first,
                         const takt::SettingValue::Map& settings) {
  Weights model;
  takt::EventBus bus{takt::Event{.global_step = first, .global_batch = first}};
  bus.state().set(model);
  bus.add(registry.make("GradientNoiseModifier", settings));
  bus.initialize();
  std::vector<Noise> noise;
  const auto clear = [&] {
    for (auto& gradients : model.gradients) std::ranges::fill(gradients, 0.0F);
  };
  for (std::int64_t step = first; step < steps; ++step) {
    if (step == 12) {
      bus.batch_start();
      bus.optim_pre_step();
      bus.optim_post_step();
      bus.abort_batch();
    }
    bus.batch([&](takt::Batch& batch) {
      clear();
      batch.step([&] { noise.push_back(model.gradients); });
    });
  }
  bus.finalize();
  return noise;
}

int failures = 0;

void check(bool right, const std::string& what) {
  if (right) return;
  std::cerr << "not so: " << what << '\n';
  ++failures;
}

void check_noise(const takt::Registry& registry) {
  const takt::SettingValue::Map settings{
      {"eta", 0.3}, {"start", 5}, {"seed", 7}, {"ignore", "fc2.weight"}};
  const std::vector<Noise> noise = train(registry, 0, settings);
  for (int step = 0; step < steps; ++step) {
    const auto& [first, second] = noise[static_cast<std::size_t>(step)];
    check(std::ranges::count(second, 0.0F) == 1000, "what is ignored has no noise");
    const double wanted = step < 5 ? 0.0 : 0.3 / std::pow(1.0 + (step - 5), 0.55);
    // Of 1000 values the variance is known to 4.5 percent: five of those are never seen.
    check(std::abs(variance(first) - wanted) <= 0.23 * wanted,
          "at step " + std::to_string(step) + " the variance is " + std::to_string(wanted) +
              "; it is " + std::to_string(variance(first)));
  }
  check(noise[10] != noise[11], "each step has noise of its own");

  const std::vector<Noise> resumed = train(registry, 20, settings);
  check(std::equal(resumed.begin(), resumed.end(), noise.begin() + 20),
        "a resumed run has the noise that it would have had");
  const std::vector<Noise> other = train(registry, 0, {{"eta", 0.3}, {"start", 5}, {"seed", 8}});
  check(other[10][0] != noise[10][0], "another seed makes other noise");
  check(other[10][0] != other[10][1], "each parameter has noise of its own");
}

bool is_loaded(const std::filesystem::path& file) {
  void* const library = dlopen(file.c_str(), RTLD_LAZY | RTLD_NOLOAD);
  if (library != nullptr) dlclose(library);
  return library != nullptr;
}

}  // namespace

int main() {
  try {
    std::filesystem::path file;
    {
      takt::Registry registry = takt::Registry::builtin();
      file = takt::load_plugin("gradient_noise", registry).path;
      check(is_loaded(file), "the plugin is loaded");
      check_noise(registry);
    }
    check(!is_loaded(file), "the plugin is unloaded");
    std::cout << file.string() << ": " << failures << " failures\n";
  } catch (const std::exception& error) {
    std::cerr << error.what() << '\n';
    return EXIT_FAILURE;
  }
  return failures == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
