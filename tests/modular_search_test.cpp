// SPDX-License-Identifier: BSL-1.0
#include "modular_search.hpp"

#include <rapidcheck.h>

#include <boost/test/unit_test.hpp>
#include <cstdint>
#include <limits>
#include <optional>
#include <ostream>
#include <tuple>
#include <vector>

#include "cadence_cases.hpp"

namespace {

using takt::detail::first_in_range;
using takt::detail::Uint128;
using Found = std::optional<std::uint64_t>;

constexpr std::uint64_t no_limit = (std::uint64_t{1} << 63) - 1;

struct Problem {
  Uint128 a = 0;
  Uint128 m = 1;
  Uint128 low = 0;
  Uint128 high = 0;
  std::uint64_t limit = 0;

  [[nodiscard]] Found solved() const { return first_in_range(a, m, low, high, limit); }

  /// By trying one x after the other.
  [[nodiscard]] Found tried() const {
    Uint128 residue = 0;
    for (std::uint64_t x = 0; x <= limit; ++x) {
      if (low <= residue && residue <= high) return x;
      residue = (residue + a) % m;
    }
    return std::nullopt;
  }
};

std::ostream& operator<<(std::ostream& out, const Problem& problem) {
  const auto show = [&](const char* name, Uint128 value) {
    out << ' ' << name << " = " << static_cast<std::uint64_t>(value >> 64) << " * 2^64 + "
        << static_cast<std::uint64_t>(value) << ';';
  };
  show("a", problem.a);
  show("m", problem.m);
  show("low", problem.low);
  show("high", problem.high);
  return out << " limit = " << problem.limit;
}

/// Whole numbers in [0, 2^bits), every number of bits as likely as any other.
rc::Gen<Uint128> wide_of_any_size(int bits) {
  using Drawn = std::tuple<int, std::int64_t, std::int64_t>;
  const auto any =
      takt::test::evenly<std::int64_t>(0, std::numeric_limits<std::int64_t>::max() - 1);
  return rc::gen::map(rc::gen::tuple(takt::test::evenly(0, bits), any, any),
                      [](const Drawn& drawn) {
                        const auto [width, upper, lower] = drawn;
                        const Uint128 wide = Uint128(static_cast<std::uint64_t>(upper)) << 64 |
                                             static_cast<std::uint64_t>(lower) << 1;
                        return wide & ((Uint128{1} << width) - 1);
                      });
}

/// Problems whose modulus has up to so many bits, with a limit that can be tried.
rc::Gen<Problem> any_problem(int bits) {
  using Drawn = std::tuple<Uint128, Uint128, Uint128, Uint128, std::uint64_t>;
  return rc::gen::map(
      rc::gen::tuple(wide_of_any_size(bits), wide_of_any_size(bits), wide_of_any_size(bits),
                     wide_of_any_size(bits), takt::test::evenly<std::uint64_t>(0, 400)),
      [](const Drawn& drawn) {
        const auto& [m, a, low, width, limit] = drawn;
        Problem problem{0, m + 1, 0, 0, limit};
        problem.a = a % problem.m;
        problem.low = low % problem.m;
        problem.high = problem.low + width % (problem.m - problem.low);
        return problem;
      });
}

}  // namespace

BOOST_AUTO_TEST_SUITE(modular_search)

BOOST_AUTO_TEST_CASE(every_small_problem_is_solved_as_by_trying) {
  int wrong = 0;
  for (unsigned m = 1; m <= 16; ++m) {
    for (unsigned a = 0; a < m; ++a) {
      for (unsigned low = 0; low < m; ++low) {
        for (unsigned high = low; high < m; ++high) {
          for (const std::uint64_t limit :
               {std::uint64_t{0}, std::uint64_t{3}, std::uint64_t{20}}) {
            const Problem problem{a, m, low, high, limit};
            wrong += problem.solved() == problem.tried() ? 0 : 1;
          }
        }
      }
    }
  }
  BOOST_TEST(wrong == 0);
}

BOOST_AUTO_TEST_CASE(a_range_from_zero_is_met_by_zero) {
  BOOST_TEST((first_in_range(5, 7, 0, 0, 0) == 0U));
}

BOOST_AUTO_TEST_CASE(multiples_of_zero_meet_no_other_range) {
  BOOST_TEST((first_in_range(0, 7, 1, 6, no_limit) == std::nullopt));
}

BOOST_AUTO_TEST_CASE(a_range_that_no_residue_meets_has_no_solution) {
  BOOST_TEST((first_in_range(6, 9, 1, 2, no_limit) == std::nullopt));
  BOOST_TEST((first_in_range(6, 9, 1, 3, no_limit) == 2U));
}

BOOST_AUTO_TEST_CASE(the_limit_is_included) {
  // 10 x 89 is the first multiple of 89 whose residue modulo 127 is 1.
  BOOST_TEST((first_in_range(89, 127, 1, 1, 10) == 10U));
  BOOST_TEST((first_in_range(89, 127, 1, 1, 9) == std::nullopt));
}

BOOST_AUTO_TEST_CASE(an_inverse_is_found_among_all_residues) {
  constexpr std::uint64_t prime = 1'000'000'007;
  for (const std::uint64_t a : {2ULL, 3ULL, 123'456'789ULL, 1'000'000'006ULL}) {
    const Found inverse = first_in_range(a, prime, 1, 1, prime);
    BOOST_TEST_REQUIRE(inverse.has_value());
    BOOST_TEST(a * *inverse % prime == 1U);
    BOOST_TEST(*inverse < prime);
  }
}

BOOST_AUTO_TEST_CASE(a_solution_near_the_largest_limit_is_found) {
  const Uint128 m = Uint128{1} << 126;
  const Uint128 target = no_limit;
  BOOST_TEST((first_in_range(1, m, target, target, no_limit) == no_limit));
  BOOST_TEST((first_in_range(1, m, target + 1, target + 1, no_limit) == std::nullopt));
}

BOOST_AUTO_TEST_CASE(problems_of_any_size_are_solved_as_by_trying) {
  for (const int bits : {6, 16, 64, 126}) {
    BOOST_TEST(rc::check("first_in_range is the first x that trying finds", [bits] {
      const auto problems = *rc::gen::container<std::vector<Problem>>(10, any_problem(bits));
      for (const Problem& problem : problems) {
        RC_ASSERT(problem.solved() == problem.tried());
      }
    }));
  }
}

BOOST_AUTO_TEST_SUITE_END()
