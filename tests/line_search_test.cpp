// SPDX-License-Identifier: BSL-1.0
#include "line_search.hpp"

#include <rapidcheck.h>

#include <boost/test/unit_test.hpp>
#include <cstdint>
#include <optional>
#include <ostream>
#include <tuple>
#include <vector>

#include "cadence_cases.hpp"

namespace takt::detail {

std::ostream& operator<<(std::ostream& out, const LineSearch& search) {
  return out << search.offset << " + n " << search.stride << " mod " << search.modulus << " under ("
             << static_cast<std::int64_t>(search.height) << " + n "
             << static_cast<std::int64_t>(search.slope) << ") / 2^" << search.shift;
}

}  // namespace takt::detail

namespace {

using takt::detail::Int128;
using takt::detail::LineSearch;
using takt::detail::Uint128;
using takt::test::evenly;
using takt::test::whole_of_any_size;
using Found = std::optional<std::int64_t>;

bool under(const LineSearch& search, std::int64_t n) {
  const Uint128 sum = Uint128{search.stride} * static_cast<std::uint64_t>(n) + search.offset;
  const auto residue = static_cast<Int128>(sum % search.modulus);
  return residue * (Int128{1} << search.shift) <= search.height + search.slope * n;
}

Found tried(const LineSearch& search, std::int64_t from, std::int64_t to) {
  for (std::int64_t n = from; n <= to; ++n) {
    if (under(search, n)) return n;
  }
  return std::nullopt;
}

/// A line that starts somewhere around the residues and rises or falls by a part of the modulus for
/// each n, large or tiny.
rc::Gen<LineSearch> any_line() {
  using Numbers = std::tuple<std::int64_t, std::int64_t, std::int64_t, int, int, int, int>;
  return rc::gen::map(
      rc::gen::tuple(whole_of_any_size(40), whole_of_any_size(40), whole_of_any_size(40),
                     evenly(0, 20), evenly(-2000, 2000), evenly(-1000, 1000), evenly(0, 30)),
      [](const Numbers& drawn) {
        const auto [m, offset, stride, shift, height, slope, flatness] = drawn;
        const std::int64_t modulus = m + 1;
        const Int128 whole = Int128{modulus} << shift;
        return LineSearch{.modulus = static_cast<std::uint64_t>(modulus),
                          .offset = static_cast<std::uint64_t>(offset % modulus),
                          .stride = static_cast<std::uint64_t>(stride % modulus),
                          .height = whole * height / 1000,
                          .slope = whole * slope / 1000 >> flatness,
                          .shift = shift};
      });
}

}  // namespace

BOOST_AUTO_TEST_SUITE(line_search)

BOOST_AUTO_TEST_CASE(the_first_residue_under_a_level_line_is_found) {
  // 3, 10, 4, 11, 5, 12, 6, 0
  const LineSearch search{.modulus = 13, .offset = 3, .stride = 7, .height = 2};
  BOOST_TEST((search.first(0, 100) == 7));
  BOOST_TEST((search.first(0, 6) == std::nullopt));
}

BOOST_AUTO_TEST_CASE(a_rising_line_is_met_where_it_has_risen_to_a_residue) {
  // 3, 10, 4, 11, 5, 12, 6 under n - 1
  const LineSearch search{.modulus = 13, .offset = 3, .stride = 7, .height = -1, .slope = 1};
  BOOST_TEST((search.first(0, 100) == 7));
  BOOST_TEST((search.first(8, 100) == tried(search, 8, 100)));
}

BOOST_AUTO_TEST_CASE(a_falling_line_is_not_met_once_it_is_below_zero) {
  const LineSearch search{.modulus = 13, .offset = 3, .stride = 7, .height = 5, .slope = -1};
  BOOST_TEST((search.first(0, 100) == 0));
  BOOST_TEST((search.first(1, 100) == std::nullopt));
}

BOOST_AUTO_TEST_CASE(the_line_is_rounded_down_to_the_residues) {
  const LineSearch below{.modulus = 13, .offset = 3, .stride = 0, .height = 11, .shift = 2};
  const LineSearch at{.modulus = 13, .offset = 3, .stride = 0, .height = 12, .shift = 2};
  BOOST_TEST((below.first(0, 100) == std::nullopt));
  BOOST_TEST((at.first(0, 100) == 0));
}

BOOST_AUTO_TEST_CASE(an_empty_range_holds_nothing) {
  const LineSearch search{.modulus = 13, .height = 13};
  BOOST_TEST((search.first(5, 4) == std::nullopt));
}

BOOST_AUTO_TEST_CASE(a_line_that_hardly_rises_is_met_far_away) {
  // Residues fall by one from 2^40, and the line is a constant: 2^40 - 5 of them are passed.
  const std::uint64_t modulus = std::uint64_t{1} << 41;
  const LineSearch search{
      .modulus = modulus, .offset = modulus / 2, .stride = modulus - 1, .height = 5};
  BOOST_TEST((search.first(0, std::int64_t{1} << 60) == (std::int64_t{1} << 40) - 5));
}

BOOST_AUTO_TEST_CASE(any_line_is_met_where_trying_meets_it) {
  BOOST_TEST(rc::check("LineSearch::first", [] {
    const auto lines = *rc::gen::container<std::vector<LineSearch>>(50, any_line());
    const std::int64_t from = *whole_of_any_size(20);
    const std::int64_t to = from + *whole_of_any_size(12);
    for (LineSearch search : lines) {
      search.height -= search.slope * from;
      RC_ASSERT(search.first(from, to) == tried(search, from, to));
    }
  }));
}

BOOST_AUTO_TEST_SUITE_END()
