// SPDX-License-Identifier: BSL-1.0
#include "nearest_name.hpp"

#include <rapidcheck.h>

#include <boost/test/unit_test.hpp>
#include <cstddef>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cadence_cases.hpp"

namespace {

using Names = std::vector<std::string>;

std::string nearest(std::string_view name, const Names& known) {
  return takt::detail::nearest_name(name, known);
}

rc::Gen<std::string> any_name() {
  return rc::gen::mapcat(takt::test::evenly<std::size_t>(1, 20), [](std::size_t size) {
    return rc::gen::container<std::string>(size, takt::test::evenly('a', 'z'));
  });
}

/// Names of which no two share a letter, and with at least four letters each, so that what is one
/// edit away from one of them is far from the others.
Names far_apart() { return {"aabbccaa", "dedede", "ffgghh", "ijkl", "mnopqmnopq", "xyzxyzxyz"}; }

}  // namespace

BOOST_AUTO_TEST_SUITE(nearest_name)

BOOST_AUTO_TEST_CASE(nothing_is_nearest_when_nothing_is_known) {
  BOOST_TEST(nearest("start", {}).empty());
  BOOST_TEST(nearest("", {}).empty());
}

BOOST_AUTO_TEST_CASE(the_only_name_is_the_nearest_however_far) {
  BOOST_TEST(nearest("start", {"x"}) == "x");
  BOOST_TEST(nearest("", {"x"}) == "x");
}

BOOST_AUTO_TEST_CASE(an_exact_name_is_its_own_nearest) {
  BOOST_TEST(rc::check("any known name is found by itself", [] {
    const auto known = *rc::gen::nonEmpty(rc::gen::container<std::set<std::string>>(any_name()));
    const Names names{known.begin(), known.end()};
    for (const std::string& name : names) RC_ASSERT(nearest(name, names) == name);
  }));
}

BOOST_AUTO_TEST_CASE(a_single_edit_of_one_of_several_names_finds_it) {
  BOOST_TEST(rc::check("a name is found by what is one edit away", [] {
    const Names names = far_apart();
    const std::string meant = *rc::gen::elementOf(names);
    std::string typed = meant;
    const auto at = *takt::test::evenly<std::size_t>(0, meant.size() - 1);
    const char letter = *takt::test::evenly('a', 'z');
    switch (*takt::test::evenly(0, 3)) {
      case 0:
        typed.insert(at, 1, letter);
        break;
      case 1:
        typed.erase(at, 1);
        break;
      case 2:
        typed[at] = letter;
        break;
      default:
        if (at > 0) std::swap(typed[at - 1], typed[at]);
    }
    RC_ASSERT(nearest(typed, names) == meant);
  }));
}

BOOST_AUTO_TEST_CASE(each_kind_of_edit_counts_once) {
  // Each name but the last is two edits away from what is typed.
  BOOST_TEST(nearest("gama", {"gaxx", "gamma"}) == "gamma");
  BOOST_TEST(nearest("gammma", {"gammmxx", "gamma"}) == "gamma");
  BOOST_TEST(nearest("gemma", {"gexxa", "gamma"}) == "gamma");
  BOOST_TEST(nearest("agmma", {"agxxa", "gamma"}) == "gamma");
}

BOOST_AUTO_TEST_CASE(two_neighbours_exchanged_are_nearer_than_two_letters_replaced) {
  BOOST_TEST(nearest("strat", {"strbb", "start"}) == "start");
  BOOST_TEST(nearest("ab", {"xyb", "ba"}) == "ba");
}

BOOST_AUTO_TEST_CASE(a_name_that_stands_in_a_longer_one_is_that_one) {
  const Names names{"GMPruningModifier", "MagnitudePruningModifier", "MagnitudeModifier"};
  BOOST_TEST(nearest("magnitude", names) == "MagnitudeModifier");
  BOOST_TEST(nearest("MagnitudeP", names) == "MagnitudePruningModifier");
  BOOST_TEST(nearest("gnitudePr", names) == "MagnitudePruningModifier");
  // Two letters say too little.
  BOOST_TEST(nearest("ud", {"xxudxx", "uc"}) == "uc");
}

BOOST_AUTO_TEST_CASE(case_is_not_looked_at) {
  BOOST_TEST(nearest("LEARNING_RATE", {"learning", "learning_rate"}) == "learning_rate");
  BOOST_TEST(nearest("progressmodifier", {"Progress", "ProgressModifier"}) == "ProgressModifier");
  BOOST_TEST(nearest("AGMMA", {"agxxa", "gamma"}) == "gamma");
}

BOOST_AUTO_TEST_CASE(of_names_that_are_as_near_the_first_is_taken) {
  BOOST_TEST(nearest("c", {"a", "b"}) == "a");
  BOOST_TEST(nearest("c", {"b", "a"}) == "b");
}

BOOST_AUTO_TEST_CASE(the_end_of_a_very_long_name_is_not_looked_at) {
  std::string long_name = "start";
  long_name.append(1'000'000, 'x');
  BOOST_TEST(nearest(long_name, {"end", "start"}) == "start");
}

BOOST_AUTO_TEST_CASE(a_name_of_other_letters_than_latin_ones_is_no_problem) {
  BOOST_TEST(nearest("\xc3\xa9nd\xff", {"start", "end"}) == "end");
}

BOOST_AUTO_TEST_SUITE_END()
