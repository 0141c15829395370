// SPDX-License-Identifier: BSL-1.0
#include "entry_comparison.hpp"

#include <boost/test/unit_test.hpp>
#include <cstddef>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

namespace {

using boost::test_tools::per_element;
using takt::BusCall;
using takt::Hook;
using takt::HookRun;
using takt::TraceComparison;
using takt::TracedModifier;
using takt::TraceEntry;
using takt::TraceKind;
using takt::detail::diff_wording;
using takt::detail::Differences;
using takt::detail::hook_differences;
using takt::detail::NamedEntry;
using takt::detail::replay_wording;

using Texts = std::vector<std::string>;

/// Modifiers "a", "b", "c", … by position.
const TracedModifier& letter(std::size_t position) {
  static const std::vector<TracedModifier> all = [] {
    std::vector<TracedModifier> letters;
    for (char name = 'a'; name <= 'z'; ++name) letters.push_back({.name = std::string(1, name)});
    return letters;
  }();
  return all.at(position);
}

/// The same names at other positions.
const TracedModifier& letter_from_behind(std::size_t position) { return letter(25 - position); }

/// Updates of these modifiers, in this order.
TraceEntry updates(const std::vector<std::size_t>& modifiers) {
  TraceEntry entry{.call = BusCall::batch_start};
  for (const std::size_t modifier : modifiers) {
    entry.hooks.push_back({.modifier = modifier, .hook = Hook::on_update});
  }
  return entry;
}

Texts differences(const TraceEntry& before, const TraceEntry& now) {
  return hook_differences({before, letter}, {now, letter}, replay_wording());
}

std::string place(const TraceEntry& entry) {
  return takt::detail::place_of(NamedEntry{entry, letter});
}

}  // namespace

BOOST_AUTO_TEST_SUITE(entry_comparison)

BOOST_AUTO_TEST_CASE(a_place_is_a_step_and_what_happens_there) {
  BOOST_TEST(place({.call = BusCall::batch_start, .step = 4, .batch = 4}) == "step 4, batch_start");
  BOOST_TEST(place({.call = BusCall::abort_batch, .step = 3, .batch = 7}) ==
             "step 3, batch 7, abort_batch");
  BOOST_TEST(place({.kind = TraceKind::addition, .modifier = 1}) == "step 0, adding b");
  BOOST_TEST(place({.kind = TraceKind::removal, .modifier = 2, .batch = 1}) ==
             "step 0, batch 1, removing c");
}

BOOST_AUTO_TEST_CASE(modifiers_are_the_same_by_name_and_not_by_position) {
  const TraceEntry before = updates({0, 1});
  const TraceEntry now = updates({25, 24});
  BOOST_TEST(
      hook_differences({before, letter}, {now, letter_from_behind}, replay_wording()) == Texts{},
      per_element());
  BOOST_TEST(hook_differences({before, letter}, {now, letter}, replay_wording()).size() == 4U);
}

BOOST_AUTO_TEST_CASE(how_long_hooks_took_makes_no_difference) {
  TraceEntry slow = updates({0});
  slow.hooks[0].nanoseconds = 1'000'000;
  BOOST_TEST(differences(slow, updates({0})) == Texts{}, per_element());
}

BOOST_AUTO_TEST_CASE(what_came_is_told_before_what_is_gone) {
  BOOST_TEST(differences(updates({0, 1, 2}), updates({0, 3, 2, 4})) ==
                 (Texts{"d ran, the trace says it did not", "e ran, the trace says it did not",
                        "b did not run, the trace says it did"}),
             per_element());
}

BOOST_AUTO_TEST_CASE(a_hook_that_ran_twice_has_one_partner_each) {
  BOOST_TEST(
      differences(updates({0}), updates({0, 0})) == (Texts{"a ran, the trace says it did not"}),
      per_element());
  BOOST_TEST(differences(updates({0, 0, 1}), updates({1, 0})) ==
                 (Texts{"a did not run, the trace says it did"}),
             per_element());
}

BOOST_AUTO_TEST_CASE(each_hook_that_threw_in_one_of_the_two_is_told) {
  TraceEntry before = updates({0, 1, 2});
  TraceEntry now = updates({0, 1, 2});
  before.hooks[0].error = "out of memory";
  now.hooks[2].error = "no space";
  BOOST_TEST(
      differences(before, now) == (Texts{"a did not throw, the trace says it did (out of memory)",
                                         "c threw (no space), the trace says it did not"}),
      per_element());
  BOOST_TEST(hook_differences({before, letter}, {now, letter}, diff_wording("monday", "tuesday")) ==
                 (Texts{"a threw (out of memory) in monday, not in tuesday",
                        "c threw (no space) in tuesday, not in monday"}),
             per_element());
}

BOOST_AUTO_TEST_CASE(a_long_order_is_cut_short) {
  std::vector<std::size_t> order{0, 1, 2, 3, 4, 5, 6, 7, 8, 9};
  const TraceEntry before = updates(order);
  std::swap(order[0], order[9]);
  BOOST_TEST(differences(before, updates(order)) ==
                 (Texts{"ran in another order: j, b, c, d, e, f, g, h, ...; not a, b, c, d, e, f, "
                        "g, h, ..."}),
             per_element());
}

BOOST_AUTO_TEST_CASE(differences_count_by_entry) {
  Differences differences{2};
  differences.end_entry();
  differences.add({.step = 1, .batch = 2}, "one");
  differences.add({.step = 1, .batch = 2}, "two");
  differences.add({.step = 1, .batch = 2}, "three");
  differences.end_entry();
  differences.add({.step = 2}, "four");
  const TraceComparison comparison = std::move(differences).result(true);
  BOOST_TEST(comparison.entries == 3);
  BOOST_TEST(comparison.differing == 2);
  BOOST_TEST(comparison.torn);
  BOOST_TEST_REQUIRE(comparison.differences.size() == 2U);
  BOOST_TEST(comparison.differences[1].text == "two");
  BOOST_TEST(comparison.differences[1].step == 1);
  BOOST_TEST(comparison.differences[1].batch == 2);
}

BOOST_AUTO_TEST_CASE(a_comparison_prints_well) {
  const auto text = [](const TraceComparison& comparison) {
    std::ostringstream out;
    out << comparison;
    return out.str();
  };
  BOOST_TEST(text({.entries = 7042}) == "equal in 7042 events");
  BOOST_TEST(text({.entries = 1}) == "equal in 1 event");
  BOOST_TEST(text({.entries = 9, .differing = 2, .differences = {{1, 1, "one"}, {2, 2, "two"}}}) ==
             "one\ntwo");
}

BOOST_AUTO_TEST_SUITE_END()
