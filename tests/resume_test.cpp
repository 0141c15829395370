// SPDX-License-Identifier: BSL-1.0
// A training with any built-in modifiers that is cut between any two calls of its loop and resumed
// is, bit for bit, the one that it would have been.
#include <rapidcheck.h>

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <takt/takt.hpp>
#include <vector>

#include "cadence_cases.hpp"
#include "resume_cases.hpp"
#include "scratch_folder.hpp"

namespace {

using takt::ErrorPolicy;
using takt::Event;
using takt::OrderPolicy;
using takt::test::evenly;
using takt::test::training::Case;
using takt::test::training::difference_when_cut_anywhere;
using takt::test::training::every_case;
using takt::test::training::Training;

/// Steps, a calibration epoch, gradients of two batches for one step, batches that are dropped, and
/// some that are not finite: two in a row, one that is half a step, and one that is dropped.
constexpr const char* calls =
    "islpPecslqaseqCslpPeveslpPaslpPeslelslpPenvsnpPesnpPeslpPesneslpPesnpaslvpPeslpPef";

template <class T>
T one_of(std::initializer_list<T> values) {
  return *rc::gen::elementOf(std::vector<T>(values));
}

std::string any_calls(bool several_steps) {
  const int parts = *evenly(3, 9);
  std::string all = "i";
  for (int i = 0; i < parts; ++i) {
    all += one_of<std::string>({"slpPe", "slpPe", "slpPe", "slpPe", "sle", "slpPa", "spa", "snpPe",
                                "sne", "snpa", "cslpPeqC", "cqC", "v",
                                several_steps ? "slpPlpPe" : "slpPe", "csa"});
  }
  return all + "f";
}

Training any_training() {
  const bool several_steps = *evenly(0, 4) == 0;
  const std::int64_t step = one_of<std::int64_t>({0, 0, 0, 2});
  Training training{
      .start = {.invocations_per_step = one_of<std::int64_t>({1, 1, 2}),
                .global_step = step,
                .global_batch = step},
      .options = {.order = several_steps ? OrderPolicy::several_steps : OrderPolicy::one_step,
                  .errors = one_of(
                      {ErrorPolicy::propagate, ErrorPolicy::collect, ErrorPolicy::quarantine})},
      .calls = any_calls(several_steps)};
  if (*evenly(0, 1) == 1) training.start.steps_per_epoch = *evenly<std::int64_t>(1, 4);
  std::string names;
  for (int i = *evenly(1, 5); i > 0; --i) {
    const auto& one = every_case()[*evenly<std::size_t>(0, every_case().size() - 1)];
    names += (names.empty() ? "" : "; ") + one.name;
    training.modifiers.push_back(one.make);
  }
  RC_LOG() << names << '\n' << training.calls << '\n';
  return training;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(resume)

BOOST_AUTO_TEST_CASE(every_modifier_cut_before_any_call_goes_on_as_if_it_had_not_been) {
  for (const std::optional<std::int64_t> epoch : {std::optional<std::int64_t>{}, {4}}) {
    for (const Case& one : every_case()) {
      const std::string found = difference_when_cut_anywhere(
          {.start = {.steps_per_epoch = epoch}, .modifiers = {one.make}, .calls = calls});
      BOOST_TEST(found == "", one.name << (epoch ? ", by epochs: " : ": ") << found);
    }
  }
}

BOOST_AUTO_TEST_CASE(modifiers_together_cut_before_any_call_go_on_as_if_they_had_not_been) {
  BOOST_TEST(rc::check("any modifiers, any calls", [] {
    const Training training = any_training();
    // Two may refuse to quantize the same weights, also where they are resumed.
    RC_PRE(takt::test::training::Process{training}.call('i').error.empty());
    const std::string found = difference_when_cut_anywhere(training);
    RC_LOG() << found << '\n';
    RC_ASSERT(found.empty());
  }));
}

BOOST_AUTO_TEST_CASE(files_of_a_run_that_was_cut_are_those_of_the_uncut_one) {
  Training training{.start = {.steps_per_epoch = 3},
                    .calls = "islpPeslpPavcslqeCsleslpPeslpPeslpPeslpPeslpPeslpPeslpPef"};
  const auto control = takt::test::training::control_cases();
  const auto range = std::ranges::find(control, "epoch range", &Case::name);
  training.modifiers = {range->make};  // asks for a stop, at which one is saved
  for (const Case& one : takt::test::training::file_cases()) {
    training.modifiers.push_back(one.make);
    const takt::test::ScratchFolder scratch;
    const std::string found =
        takt::test::training::difference_of_files_when_cut_anywhere(training, scratch.path());
    BOOST_TEST(found == "", one.name << ": " << found);
  }
}

BOOST_AUTO_TEST_SUITE_END()
