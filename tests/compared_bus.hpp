// SPDX-License-Identifier: BSL-1.0
/// \file
/// A bus and the plain model of its rules, driven by the same calls.
#ifndef TAKT_TESTS_COMPARED_BUS_HPP
#define TAKT_TESTS_COMPARED_BUS_HPP

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "actor.hpp"
#include "bus_calls.hpp"
#include "rules_model.hpp"
#include "takt/checkpoint.hpp"
#include "takt/error.hpp"
#include "takt/event_bus.hpp"

namespace takt::test {

/// What a loop throws out of a scope.
struct LoopError : std::runtime_error {
  LoopError() : std::runtime_error{"the loop fails"} {}
};

/// The bus that takes the place of one that is thrown away.
struct Rebuilt {
  std::int64_t global_step = 0;  ///< what it begins with, which a checkpoint takes no notice of
  std::int64_t global_batch = 0;
  std::optional<std::size_t> failing{};  ///< the first load fails at the n-th that is loaded
};

/// Makes each call on both sides and compares all that can be seen of them. A call that the rules
/// do not allow is made on the bus alone: it throws, and changes nothing. Throws `std::logic_error`
/// for whatever differs.
class ComparedBus {
 public:
  ComparedBus(const std::vector<Script>& scripts, const Event& start, BusOptions options,
              Observed observed = {})
      : scripts_{scripts},
        start_{start},
        options_{options},
        observed_{observed},
        model_{scripts, start, options, observed} {
    build(start);
    compare("the start");
  }

  [[nodiscard]] const RulesModel& model() const { return model_; }

  /// Called with each call, as "accepts batch_start" or "refuses batch_start", and with each note.
  std::function<void(const std::string&)> hear{};

  /// With the loss and the layers that the state holds.
  void call(BusCall call) {
    make(call, [&] { make_call(*bus_, call); });
  }
  void loss_calculated(double loss) {
    if (model_.accepts(BusCall::loss_calculated)) loss_ = loss;
    make(BusCall::loss_calculated, [&] { bus_->loss_calculated(loss); });
  }
  void sequential_epoch_end(const std::vector<std::string>& layers) {
    if (model_.accepts(BusCall::sequential_epoch_end)) layers_ = layers;
    make(BusCall::sequential_epoch_end, [&] { bus_->sequential_epoch_end(layers); });
  }

  void add(std::size_t which) {
    const Script& script = scripts_.at(which);
    const auto on_bus = [&] { bus_->add(std::make_shared<Actor>(script, stage_), script.group); };
    const std::string what = "add " + script.name;
    if (!model_.accepts_modifiers()) {
      refused<LifecycleError>(on_bus, what);
    } else if (model_.knows(script.name)) {
      refused<InvalidModifier>(on_bus, what);
    } else {
      both(on_bus, model_.add(which), what);
    }
  }
  void add_null() {
    refused<InvalidModifier>([&] { bus_->add(nullptr); }, "add null");
  }

  void remove(std::string_view name) {
    bool known = false;
    const std::string predicted = model_.remove(std::string{name}, known);
    bool removed = known;  // when it throws
    both([&] { removed = bus_->remove(name); }, predicted, "remove " + std::string{name});
    if (removed != known) throw std::logic_error("remove says otherwise than the rules");
  }

  void add_or_remove(std::size_t which) {
    const std::string& name = scripts_.at(which).name;
    model_.knows(name) ? remove(name) : add(which);
  }

  /// `EventBus::batch` around what `body` does with this bus, which may leave it with a
  /// `LoopError`.
  template <class Body>
  void batch(const Body& body) {
    scoped(
        {.start = BusCall::batch_start,
         .end = BusCall::batch_end,
         .is_open = &RulesModel::batch_open,
         .leave = &RulesModel::leave_batch},
        [this](const auto& inside) { bus_->batch([&](Batch&) { inside(); }); }, body);
  }
  /// `EventBus::calibration_epoch`, likewise.
  template <class Body>
  void calibration_epoch(const Body& body) {
    scoped(
        {.start = BusCall::calibration_epoch_start,
         .end = BusCall::calibration_epoch_end,
         .is_open = &RulesModel::calibrating,
         .leave = &RulesModel::leave_calibration_epoch},
        [this](const auto& inside) { bus_->calibration_epoch(inside); }, body);
  }

  /// Saves a checkpoint, which changes nothing. What it has, or nothing where there is none.
  std::optional<std::string> save() {
    std::ostringstream out;
    const bool runs = model_.accepts_modifiers() && !model_.accepts(BusCall::initialize);
    if (hear) hear(runs ? "accepts checkpoint" : "refuses checkpoint");
    if (!runs) {
      refused<LifecycleError>([&] { save_checkpoint(*bus_, out); }, "save");
      return std::nullopt;
    }
    save_checkpoint(*bus_, out);
    compare("save");
    return std::move(out).str();
  }

  /// Saves, and goes on with another bus and other modifiers, of which the rules know nothing.
  void resume(const Rebuilt& rebuilt = {}) {
    const std::optional<std::string> saved = save();
    if (!saved) return;
    std::vector<const Script*> scripts;
    std::size_t loads = 0;  // of all but the quarantined
    for (const auto& modifier : bus_->modifiers()) {
      scripts.push_back(&*std::ranges::find(scripts_, modifier->name(), &Script::name));
      if (modifier->phase() != Phase::quarantined) ++loads;
    }
    Event start = start_;
    start.global_step = rebuilt.global_step;
    start.global_batch = rebuilt.global_batch;
    build(start);
    for (const Script* const script : scripts) {
      bus_->add(std::make_shared<Actor>(*script, stage_), script->group);
    }
    if (rebuilt.failing && loads > 0) load_in_vain(*saved, *rebuilt.failing % loads);
    load(*saved);
    if (stage_.loads != loads) throw std::logic_error("not each modifier was loaded, and once");
    compare("resume");
    if (save() != saved) throw std::logic_error("what was loaded is not what was saved");
  }

  /// Brings the run to its end, so that every `on_start` can be seen to have its `on_end`.
  void close() {
    if (model_.accepts(BusCall::abort_batch)) call(BusCall::abort_batch);
    if (model_.accepts(BusCall::calibration_epoch_end)) call(BusCall::calibration_epoch_end);
    if (model_.accepts(BusCall::finalize)) call(BusCall::finalize);
  }

 private:
  struct Scope {
    BusCall start{};
    BusCall end{};
    bool (RulesModel::*is_open)() const = nullptr;
    void (RulesModel::*leave)() = nullptr;
  };

  template <class OnBus, class Body>
  void scoped(const Scope& scope, const OnBus& on_bus, const Body& body) {
    if (!model_.accepts(scope.start)) {
      return make(scope.start, [&] { on_bus([] {}); });
    }
    if (scope.start == BusCall::batch_start) loss_.reset();
    std::string predicted = model_.call(scope.start);
    const bool enters = predicted.empty();
    if (!enters) (model_.*scope.leave)();
    const auto inside = [&] {
      if (!enters) throw std::logic_error("a scope is entered whose start has thrown");
      compare("a scope's start");
      try {
        body();
      } catch (const LoopError&) {
        predicted = "the loop";
        (model_.*scope.leave)();
        throw;
      }
      if (!(model_.*scope.is_open)()) return;
      if (model_.accepts(scope.end)) {
        predicted = model_.call(scope.end);
      } else {
        predicted = "the order";
        (model_.*scope.leave)();
      }
    };
    const std::string thrown = thrown_by([&] { on_bus(inside); });
    if (thrown != predicted) differ("a scope throws", thrown, predicted);
    compare("a scope");
  }

  void build(const Event& start) {
    bus_ = std::make_unique<EventBus>(start, options_);
    stage_.bus = bus_.get();
    bus_->on_error([this](const ModifierError& error) {
      stage_.notes.push_back("quarantined " + error.modifier());
    });
    for (const EventType type : observed_.types) {
      observe(type, At::before, observed_.before_fails.contains(type));
      observe(type, At::after, observed_.after_fails.contains(type));
    }
  }

  void load(const std::string& saved) {
    std::istringstream in{saved};
    stage_.loads = 0;
    stage_.resuming = true;
    load_checkpoint(*bus_, in);
    stage_.resuming = false;
  }

  /// Leaves the bus as it was.
  void load_in_vain(const std::string& saved, std::size_t failing) {
    const Event before = bus_->now();
    stage_.failing_load = failing;
    bool failed = false;
    try {
      load(saved);
    } catch (const CheckpointError&) {
      failed = true;
    }
    stage_.failing_load.reset();
    const State& state = bus_->state();
    const auto all = bus_->modifiers();
    const bool as_before = bus_->now() == before && !state.loss && state.layers.empty() &&
                           std::ranges::all_of(all, [](const auto& modifier) {
                             return modifier->phase() == Phase::added;
                           });
    if (!failed || !as_before) throw std::logic_error("a load that fails changes the bus");
  }

  void observe(EventType type, At at, bool fails) {
    const char* const when = at == At::before ? "before" : "after";
    bus_->connect(
        type,
        [this, when, fails](const Event& event, const State&) {
          stage_.notes.push_back(observer_note(when, event));
          if (fails) throw std::domain_error("an observer that fails");
        },
        at);
  }

  template <class OnBus>
  void make(BusCall call, const OnBus& on_bus) {
    const std::string what = to_string(call);
    if (hear) hear((model_.accepts(call) ? "accepts " : "refuses ") + what);
    if (!model_.accepts(call)) {
      const std::string said = refused<LifecycleError>(on_bus, what);
      if (!said.ends_with(acceptable())) throw std::logic_error(what + ": " + said + acceptable());
      return;
    }
    if (call == BusCall::batch_start) loss_.reset();
    both(on_bus, model_.call(call), what);
  }

  /// How the message of a call that is refused ends.
  [[nodiscard]] std::string acceptable() const {
    std::string text;
    for (const BusCall call : every_call) {
      if (!model_.accepts(call)) continue;
      text += (text.empty() ? "; it accepts " : ", ") + to_string(call) + "()";
    }
    return text.empty() ? "accepts no further call" : text;
  }

  /// Returns what was said.
  template <class Error, class OnBus>
  std::string refused(const OnBus& on_bus, const std::string& what) {
    std::string said;
    try {
      on_bus();
    } catch (const Error& error) {
      said = error.what();
    }
    if (said.empty()) throw std::logic_error(what + " is not refused");
    compare(what);
    return said;
  }

  template <class OnBus>
  void both(const OnBus& on_bus, const std::string& predicted, const std::string& what) {
    const std::string thrown = thrown_by(on_bus);
    if (thrown != predicted) differ(what + " throws", thrown, predicted);
    compare(what);
  }

  /// In the model's words.
  template <class OnBus>
  static std::string thrown_by(const OnBus& on_bus) {
    try {
      on_bus();
    } catch (const ModifierError& error) {
      return error.modifier() + ' ' + error.hook() + " +" + std::to_string(error.further().size());
    } catch (const std::domain_error&) {
      return "observer";
    } catch (const LoopError&) {
      return "the loop";
    } catch (const LifecycleError&) {
      return "the order";
    }
    return "";
  }

  void compare(const std::string& what) {
    const std::vector<std::string> notes = std::exchange(stage_.notes, {});
    const std::vector<std::string> predicted = std::exchange(model_.notes, {});
    if (hear) std::ranges::for_each(notes, hear);
    if (notes != predicted) differ(what + " runs", lines_of(notes), lines_of(predicted));
    std::vector<std::string> members;
    std::vector<std::shared_ptr<Modifier>> quarantined;
    for (const auto& modifier : bus_->modifiers()) {
      members.push_back(modifier->name() + ' ' + to_string(modifier->phase()));
      if (modifier->phase() == Phase::quarantined) quarantined.push_back(modifier);
    }
    if (members != model_.members()) {
      differ(what + " leaves", lines_of(members), lines_of(model_.members()));
    }
    if (bus_->quarantined() != quarantined)
      throw std::logic_error(what + ": quarantined() differs");
    if (bus_->now() != model_.counters()) throw std::logic_error(what + ": now() differs");
    if (bus_->state().loss != loss_) throw std::logic_error(what + ": the loss differs");
    if (bus_->state().layers != layers_) throw std::logic_error(what + ": the layers differ");
  }

  static std::string lines_of(const std::vector<std::string>& lines) {
    std::string text;
    for (const std::string& line : lines) text += "\n    " + line;
    return text;
  }

  [[noreturn]] static void differ(const std::string& what, const std::string& bus,
                                  const std::string& rules) {
    throw std::logic_error(what + "\n  on the bus: " + bus + "\n  by the rules: " + rules);
  }

  const std::vector<Script>& scripts_;
  Event start_;
  BusOptions options_;
  Observed observed_;
  RulesModel model_;
  Stage stage_{.scripts = scripts_};
  std::unique_ptr<EventBus> bus_;
  std::optional<double> loss_{};
  std::vector<std::string> layers_{};
};

}  // namespace takt::test

#endif
