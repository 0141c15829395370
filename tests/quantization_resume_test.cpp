// SPDX-License-Identifier: BSL-1.0
// Runs of quantization-aware training that are cut between two calls and go on with modifiers that
// were loaded.
#include <rapidcheck.h>

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cstddef>
#include <exception>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "error_text.hpp"
#include "modifier_access.hpp"
#include "quantization_cases.hpp"

namespace {

using takt::Event;
using takt::EventType;
using takt::Model;
using takt::Modifier;
using takt::Phase;
using takt::QuantizationModifier;
using takt::QuantizationParameters;
using takt::QuantizationSettings;
using takt::State;
using takt::SubstitutedWeights;
using takt::Substitution;
using takt::detail::ModifierAccess;
using takt::test::all_as;
using takt::test::has;
using takt::test::message_of;
using takt::test::three_bits;

using Make = std::function<std::shared_ptr<Modifier>()>;

Make quantizing(QuantizationSettings settings) {
  if (settings.config_groups.empty()) settings.config_groups = all_as(three_bits);
  return [settings] { return std::make_shared<QuantizationModifier>(settings); };
}

/// On the bus in place of a modifier, which may be replaced between two calls.
class Seat final : public Modifier {
 public:
  Seat(std::shared_ptr<Modifier> first, State& its_state)
      : Modifier{first->name(), first->cadence(), first->interests()},
        modifier{std::move(first)},
        state{&its_state} {}

  void on_initialize(State&, const Event& e) override { modifier->on_initialize(*state, e); }
  void on_start(State&, const Event& e) override { modifier->on_start(*state, e); }
  void on_event(State&, const Event& e) override { modifier->on_event(*state, e); }
  void on_update(State&, const Event& e) override { modifier->on_update(*state, e); }
  void on_end(State&, const Event& e) override { modifier->on_end(*state, e); }
  void on_abort(State&, const Event& e) noexcept override { modifier->on_abort(*state, e); }
  void on_finalize(State&, const Event& e) override { modifier->on_finalize(*state, e); }

  std::shared_ptr<Modifier> modifier;
  State* state;
};

/// Doubles the weight, as averages of it might.
class Doubled final : public takt::WeightSubstitute {
 public:
  [[nodiscard]] std::span<const std::size_t> positions() const noexcept override {
    return positions_;
  }
  void put_in(Model& model, Substitution) override {
    kept_.assign(model.values(0).begin(), model.values(0).end());
    for (float& value : model.values(0)) value *= 2.0F;
  }
  void take_out(Model& model) override { std::ranges::copy(kept_, model.values(0).begin()); }

 private:
  std::vector<std::size_t> positions_{0};
  std::vector<float> kept_;
};

/// A model that may refuse to show its parameters.
class ShyModel final : public Model {
 public:
  [[nodiscard]] std::size_t parameter_count() const override { return shown.parameter_count(); }
  [[nodiscard]] takt::Parameter parameter(std::size_t i) override {
    if (hides) throw std::runtime_error{"not now"};
    return shown.parameter(i);
  }
  VectorParameter& operator[](std::size_t i) { return shown[i]; }

  bool hides = false;
  VectorModel shown{{{.name = "fc.weight", .shape = {2, 2}, .values = {3.5, 0.75, -1.25, 0.25}},
                     {.name = "fc.bias", .shape = {2}, .values = {0.3F, 5}}}};
};

/// A loop whose calls are letters, with a state of its own for its modifiers.
class Loop {
 public:
  /// What the loop itself puts in place of weights takes its place again before the modifiers, or
  /// after them.
  explicit Loop(std::vector<Make> makes, bool first = true)
      : makes_{std::move(makes)}, first_{first} {
    state_->set(model);
    for (const Make& make : makes_) seats_.push_back(bus.emplace<Seat>(make(), *state_));
    bus.initialize();
  }
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;
  ~Loop() { SubstitutedWeights::of(*state_)->forget(doubled_); }

  /// The modifiers as they are saved, in order.
  [[nodiscard]] std::vector<std::string> saved() {
    std::vector<std::string> all;
    for (const auto& seat : seats_) {
      std::ostringstream out;
      seat->modifier->save(out);
      all.push_back(out.str());
    }
    return all;
  }

  /// Saves all modifiers, and goes on with new ones that were loaded, on a state that is new too.
  void cut() {
    const std::vector<std::string> bytes = saved();
    const auto place = SubstitutedWeights::of(*state_)->place(doubled_);
    SubstitutedWeights::of(*state_)->forget(doubled_);
    auto state = std::make_unique<State>();
    state->set(model);
    Event now = bus.now();
    now.type.reset();
    for (std::size_t i = 0; i < seats_.size(); ++i) {
      seats_[i]->modifier = makes_[i]();
      seats_[i]->state = state.get();
      seats_[i]->modifier->on_initialize(*state, now);
    }
    state_ = std::move(state);
    if (first_) SubstitutedWeights::of(*state_)->take_place(doubled_, place);
    for (std::size_t i = 0; i < seats_.size(); ++i) {
      std::istringstream in{bytes[i]};
      ModifierAccess::set_phase(*seats_[i]->modifier, seats_[i]->phase());
      seats_[i]->modifier->load(*state_, now, in);
      BOOST_TEST((in.peek() == std::istringstream::traits_type::eof()));
    }
    if (!first_) SubstitutedWeights::of(*state_)->take_place(doubled_, place);
    BOOST_TEST((saved() == bytes));
  }

  /// Makes the call, and tells what there is then.
  std::string run(char call) {
    std::string line{call};
    try {
      make_call(call);
    } catch (const std::exception& error) {
      line += std::string{" "} + error.what();
    }
    model.hides = false;
    std::ostringstream out;
    out.precision(std::numeric_limits<float>::max_digits10);
    for (const float value : model[0].values) out << ' ' << value;
    for (const auto& seat : seats_) {
      if (const auto* const quantizer = quantizer_of(*seat)) out << ' ' << quantizer->applied();
    }
    out << '\n';
    takt::write_quantization(out, QuantizationParameters::of(*state_));
    return line + out.str();
  }

  [[nodiscard]] State& state() noexcept { return *state_; }
  [[nodiscard]] QuantizationModifier& quantizer(std::size_t i = 0) {
    return *quantizer_of(*seats_.at(i));
  }
  [[nodiscard]] Phase phase(std::size_t i = 0) const { return seats_.at(i)->phase(); }

  ShyModel model;
  takt::EventBus bus;

 private:
  static QuantizationModifier* quantizer_of(const Seat& seat) {
    return dynamic_cast<QuantizationModifier*>(seat.modifier.get());
  }

  void make_call(char call) {
    const auto weights = SubstitutedWeights::of(*state_);
    switch (call) {
      case '(':
        return bus.batch_start();
      case 'l':
        gradients_ = model[0].values;
        return bus.loss_calculated(1.0);
      case '<':
        return bus.optim_pre_step();
      case '>':
        return bus.optim_post_step();
      case ')':
        return bus.batch_end();
      case '!':
        return bus.abort_batch();
      case '-':  // aborted where the model does not show its weights
        model.hides = true;
        return bus.abort_batch();
      case '[':
        return bus.calibration_epoch_start();
      case ']':
        return bus.calibration_epoch_end();
      case 'o':  // a step of the optimizer
        for (std::size_t i = 0; i < gradients_.size(); ++i) {
          model[0].values[i] += 0.375F * gradients_[i] + 0.0625F;
        }
        return;
      case 'w':  // other weights, which the loop has read from somewhere
        for (float& value : model[0].values) value = 1.5F * value - 0.125F;
        return;
      case 'a':
        return quantizer().apply(model);
      case 'r':
        return quantizer().restore(model);
      case 'b':
        return quantizer(seats_.size() - 1).apply(model);
      case 's':
        return quantizer(seats_.size() - 1).restore(model);
      case 'd':
        return weights->contains(doubled_) ? void() : weights->put_in(doubled_, model);
      case 'e':
        return weights->take_out(doubled_, model);
      default:
        return bus.finalize();
    }
  }

  std::vector<Make> makes_;
  bool first_;
  Doubled doubled_;
  std::unique_ptr<State> state_ = std::make_unique<State>();
  std::vector<std::shared_ptr<Seat>> seats_;
  std::vector<float> gradients_;
};

constexpr std::string_view calls_there_are = "(l<>)!-[]owarbsde.";

/// What comes of the calls, when all modifiers are saved and loaded wherever `cut` says so.
std::vector<std::string> course(const std::vector<Make>& makes, std::string_view calls,
                                const std::function<bool(std::size_t)>& cut,
                                bool loop_first = true) {
  Loop loop{makes, loop_first};
  std::vector<std::string> lines;
  for (std::size_t i = 0; i < calls.size(); ++i) {
    if (cut(i)) loop.cut();
    lines.push_back(loop.run(calls[i]));
  }
  return lines;
}

void check_any_cut(const std::vector<Make>& makes, std::string_view calls) {
  const auto uncut = course(makes, calls, [](std::size_t) { return false; });
  for (std::size_t cut = 0; cut < calls.size(); ++cut) {
    for (const bool loop_first : {true, false}) {
      const auto resumed = course(
          makes, calls, [&](std::size_t i) { return i == cut; }, loop_first);
      BOOST_TEST_CONTEXT("cut before call " << cut << " of " << calls) {
        BOOST_TEST(resumed == uncut, boost::test_tools::per_element());
      }
    }
  }
}

/// Weights whose magnitudes need another scale at each step.
constexpr std::string_view step = "(l<o>)";
std::string steps(int count) {
  std::string all;
  for (int i = 0; i < count; ++i) all += step;
  return all;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(quantization_resume)

BOOST_AUTO_TEST_CASE(a_run_goes_on_with_its_scales_wherever_it_is_cut) {
  check_any_cut({quantizing({.cadence = {.update = 3}})}, steps(5) + ".");
}

BOOST_AUTO_TEST_CASE(a_run_goes_on_after_a_window_that_has_closed) {
  check_any_cut({quantizing({.cadence = {.start = 1, .end = 2, .update = 5}})},
                steps(4) + "arwarwa.ar");
}

BOOST_AUTO_TEST_CASE(scales_of_each_row_and_their_zero_points_are_kept) {
  check_any_cut(
      {quantizing({.cadence = {.update = 4},
                   .config_groups = all_as({.num_bits = 3,
                                            .symmetric = false,
                                            .strategy = takt::QuantizationStrategy::channel})})},
      steps(3) + "ar.");
}

BOOST_AUTO_TEST_CASE(a_first_batch_that_is_aborted_comes_again_as_the_first) {
  check_any_cut({quantizing({.cadence = {.start = 1, .update = 5}})}, steps(1) + "(l!w(l<o>)w(l)");
}

BOOST_AUTO_TEST_CASE(weights_that_are_applied_stay_so) {
  const std::vector<Make> makes{quantizing({.cadence = {.start = 0.5, .end = 3, .update = 5}})};
  check_any_cut(makes, steps(2) + "ar" + "wa(l<o>)wa.");
  check_any_cut(makes, "[wa](l<o>)[ar](a!(r<o>)" + steps(3) + "[a]wra");
}

BOOST_AUTO_TEST_CASE(a_window_that_opens_in_a_calibration_epoch_is_kept) {
  check_any_cut({quantizing({.cadence = {.update = 5}})}, "[wawr](l<o>)w(l<o>)");
  check_any_cut({quantizing({.cadence = {.end = 0, .update = 5}})}, "[war]wa(l)");
}

BOOST_AUTO_TEST_CASE(what_is_under_and_over_quantized_weights_stays_there) {
  const std::vector<Make> makes{quantizing({.cadence = {.end = 2, .update = 5}})};
  check_any_cut(makes, steps(1) + "dawer" + "adwre" + "(d<o>)e(wdl<>)e" + steps(2));
  // After the window, or before its first batch, scales are found anew when it is put in anew.
  check_any_cut(makes, steps(4) + "dawer" + "adwer");
  check_any_cut(makes, "[dawer]" + steps(1));
}

BOOST_AUTO_TEST_CASE(weights_that_could_not_be_taken_out_are_taken_out_by_the_next_batch) {
  check_any_cut({quantizing({.cadence = {.update = 5}})}, steps(1) + "(l-w(l<o>)");
}

BOOST_AUTO_TEST_CASE(the_last_window_of_a_parameter_is_the_one_whose_scales_are_shown) {
  const QuantizationSettings late{.name = "late", .cadence = {.start = 2, .update = 5}};
  QuantizationSettings early{.name = "early",
                             .cadence = {.end = 1, .update = 5},
                             .config_groups = all_as({.num_bits = 4})};
  check_any_cut({quantizing(early), quantizing(late)}, steps(4) + "arbswar.");
  check_any_cut({quantizing(late), quantizing(early)}, steps(4) + "arbswbs.");
}

BOOST_AUTO_TEST_CASE(a_claim_is_kept_as_long_as_the_window_may_be_open) {
  const auto other_claims = [](Loop& loop) {
    QuantizationParameters::of(loop.state()).claim("other", {}, {"fc.weight"});
  };
  for (const std::size_t calls : {0U, 3U, 6U}) {
    Loop loop{{quantizing({.cadence = {.end = 1}})}};
    for (const char call : steps(2).substr(0, calls)) (void)loop.run(call);
    loop.cut();
    BOOST_CHECK_THROW(other_claims(loop), takt::InvalidModifier);
  }
  Loop ended{{quantizing({.cadence = {.end = 0}})}};
  for (const char call : std::string_view{"[]"}) (void)ended.run(call);
  BOOST_TEST((ended.phase() == Phase::ended));
  BOOST_TEST(ended.bus.now().global_step == 0);
  ended.cut();
  BOOST_CHECK_NO_THROW(other_claims(ended));
}

BOOST_AUTO_TEST_CASE(a_window_that_is_over_where_a_run_is_resumed_is_in_nobody_s_way) {
  takt::test::QuantizedTraining training{{}, {.global_step = 2}};
  (void)training.bus.emplace<QuantizationModifier>(QuantizationSettings{
      .name = "early", .cadence = {.end = 1}, .config_groups = all_as(three_bits)});
  BOOST_CHECK_NO_THROW(training.quantize({.config_groups = all_as(three_bits)}));
}

BOOST_AUTO_TEST_CASE(one_that_is_loaded_before_its_window_shows_nothing_any_more) {
  Loop loop{{quantizing({})}};
  const std::string before = loop.saved().front();
  for (const char call : std::string_view{"(l"}) (void)loop.run(call);
  std::istringstream in{before};
  ModifierAccess::set_phase(loop.quantizer(), Phase::initialized);
  loop.quantizer().load(loop.state(), loop.bus.now(), in);
  BOOST_TEST(!loop.quantizer().applied());
  BOOST_TEST(QuantizationParameters::of(loop.state()).all().empty());
  BOOST_CHECK_THROW(loop.quantizer().apply(loop.model), takt::LifecycleError);
  BOOST_TEST(loop.saved().front() == before);
  Doubled other;
  const auto weights = SubstitutedWeights::of(loop.state());
  weights->put_in(other, loop.model);
  BOOST_TEST(weights->place(other).value() == 0U);
  weights->forget(other);
}

// ---- What is refused ----------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(a_state_that_ends_early_is_refused_and_changes_nothing) {
  for (const std::string_view calls : {"", "(l", "(l<o>)"}) {
    Loop loop{{quantizing({})}};
    for (const char call : calls) (void)loop.run(call);
    const std::string bytes = loop.saved().front();
    (void)loop.run('w');
    const std::string now = loop.saved().front();
    for (std::size_t length = 0; length < bytes.size(); ++length) {
      std::istringstream in{bytes.substr(0, length)};
      BOOST_CHECK_THROW(loop.quantizer().load(loop.state(), loop.bus.now(), in),
                        takt::CheckpointError);
      BOOST_TEST_REQUIRE(loop.saved().front() == now);
    }
  }
}

BOOST_AUTO_TEST_CASE(any_byte_may_be_another) {
  for (const std::string_view calls : {"", "(l", "(l<o>)"}) {
    Loop loop{{quantizing({})}};
    for (const char call : calls) (void)loop.run(call);
    const std::string bytes = loop.saved().front();
    for (std::size_t i = 0; i < bytes.size(); ++i) {
      for (const int bit : {1, 2, 4, 8, 16, 32, 64, 128}) {
        std::string flipped = bytes;
        flipped[i] = static_cast<char>(flipped[i] ^ bit);
        std::istringstream in{flipped};
        const std::string now = loop.saved().front();
        try {
          loop.quantizer().load(loop.state(), loop.bus.now(), in);
        } catch (const std::runtime_error&) {
          BOOST_TEST_REQUIRE(loop.saved().front() == now);
        }
        SubstitutedWeights::of(loop.state())->without(loop.model, [] {});
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(scales_of_other_weights_are_refused_by_name) {
  Loop saved{{quantizing({})}};
  for (const char call : std::string_view{"(l"}) (void)saved.run(call);
  const std::string bytes = saved.saved().front();
  const auto refusal = [&](QuantizationSettings settings,
                           const std::function<void(Loop&)>& change) {
    Loop loop{{quantizing(std::move(settings))}};
    change(loop);
    std::istringstream in{bytes};
    return message_of<takt::CheckpointError>(
        [&] { loop.quantizer().load(loop.state(), loop.bus.now(), in); });
  };
  const auto nothing = [](Loop&) {};
  BOOST_TEST(refusal({}, nothing) == "nothing was thrown");
  const std::string bits = refusal({.config_groups = all_as({.num_bits = 4})}, nothing);
  BOOST_TEST(has(bits, "'fc.weight': it was quantized to 3 bits when it was saved, and is to 4"),
             bits);
  const std::string count = refusal({.config_groups = all_as(three_bits, {"re:fc.*"})}, nothing);
  BOOST_TEST(has(count, "scales of 1 parameters, but quantizes 2"), count);
  const std::string name = refusal({}, [](Loop& loop) { loop.model[0].name = "conv.weight"; });
  BOOST_TEST(has(name, "'conv.weight': the scales that were saved are of 'fc.weight'"), name);
  const std::string rows = refusal(
      {.config_groups = all_as({.num_bits = 3, .strategy = takt::QuantizationStrategy::channel})},
      nothing);
  BOOST_TEST(has(rows, "'fc.weight': it has 2 scales, but 1 of them and 1 zero"), rows);
  const std::string size = refusal({}, [](Loop& loop) {
    loop.model[0].shape = {1, 2};
    loop.model[0].values = {1, 2};
  });
  BOOST_TEST(has(size, "'fc.weight'"), size);
  BOOST_TEST(has(size, "has 2 values"), size);
}

BOOST_AUTO_TEST_CASE(one_that_is_active_needs_a_window_that_is_open) {
  Loop loop{{quantizing({})}};
  std::istringstream in{loop.saved().front()};
  ModifierAccess::set_phase(loop.quantizer(), Phase::active);
  BOOST_TEST(has(message_of<takt::CheckpointError>(
                     [&] { loop.quantizer().load(loop.state(), loop.bus.now(), in); }),
                 "it is active, but"));
}

// ---- Any run ------------------------------------------------------------------------------------

/// Mostly what a loop does, and anything between.
std::string draw_calls() {
  std::string calls;
  for (int left = *rc::gen::inRange(1, 12); left > 0; --left) {
    if (*rc::gen::inRange(0, 3) == 0) {
      calls += *rc::gen::elementOf(calls_there_are);
    } else {
      calls += *rc::gen::element<std::string>("(l<o>)", "(l)", "(l!", "(l-", "(l<o", "[", "]", "ar",
                                              "w");
    }
  }
  return calls;
}

BOOST_AUTO_TEST_CASE(any_calls_cut_anywhere) {
  BOOST_TEST(rc::check("the course of the run that was never cut", [] {
    const auto update = *rc::gen::element<std::optional<double>>(std::nullopt, 2.0, 7.0);
    const int start = *rc::gen::inRange(0, 3);
    const int end = *rc::gen::inRange(start, 4);
    std::vector<Make> makes{
        quantizing({.name = "a", .cadence = {.start = start, .end = end, .update = update}}),
        quantizing({.name = "b", .cadence = {.start = end + 1, .update = update}})};
    if (*rc::gen::arbitrary<bool>()) std::swap(makes.front(), makes.back());
    const std::string calls = draw_calls();
    const auto uncut = course(makes, calls, [](std::size_t) { return false; });
    const auto first = *rc::gen::inRange<std::size_t>(0, calls.size());
    const auto every = *rc::gen::element<std::size_t>(1, 2, 1000);
    const auto resumed = course(
        makes, calls, [&](std::size_t i) { return i >= first && (i - first) % every == 0; },
        *rc::gen::arbitrary<bool>());
    RC_ASSERT(resumed == uncut);
  }));
}

BOOST_AUTO_TEST_SUITE_END()
