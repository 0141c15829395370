// SPDX-License-Identifier: BSL-1.0
// A plugin as it should be: its modifier counts its updates in the state's metrics.
#include <string>
#include <takt/cadence.hpp>
#include <takt/modifier.hpp>
#include <takt/modifier_type.hpp>
#include <takt/plugin.hpp>

namespace {

struct CountSettings {
  std::string name = "CountModifier";
  takt::Cadence cadence{};
  double by = 1.0;
};

class CountModifier final : public takt::Modifier {
 public:
  explicit CountModifier(const CountSettings& settings)
      : Modifier{settings.name, settings.cadence, {.due = takt::EventType::BATCH_END}},
        by_{settings.by} {}

  void on_update(takt::State& state, const takt::Event&) override {
    state.metrics["counted"] += by_;
  }

 private:
  double by_;
};

}  // namespace

TAKT_PLUGIN("good", "2.5", registry) {
  registry.add(takt::ModifierBinding<CountModifier, CountSettings>{"CountModifier", "counts"}
                   .setting("by", &CountSettings::by, "what to count by", takt::more_than(0))
                   .also("TallyModifier"));
}
