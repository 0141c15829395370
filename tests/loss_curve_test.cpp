// SPDX-License-Identifier: BSL-1.0
#include "loss_curve.hpp"

#include <rapidcheck.h>

#include <algorithm>
#include <bit>
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <cstdint>
#include <limits>
#include <utility>
#include <vector>

#include "cadence_cases.hpp"

namespace {

using takt::LossSpan;
using takt::detail::LossCurve;
using takt::test::evenly;

constexpr auto most = static_cast<std::int64_t>(LossCurve::most_spans);

LossCurve curve_of(std::int64_t losses) {
  LossCurve curve;
  for (std::int64_t step = 0; step < losses; ++step) curve.add(step, static_cast<double>(step));
  return curve;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(loss_curve)

BOOST_AUTO_TEST_CASE(a_few_losses_are_kept_as_they_are) {
  const LossCurve curve = curve_of(most);
  BOOST_TEST(curve.spans().size() == LossCurve::most_spans);
  for (std::int64_t step = 0; step < most; ++step) {
    const LossSpan& span = curve.spans()[static_cast<std::size_t>(step)];
    const auto loss = static_cast<double>(step);
    BOOST_TEST((span.first == step && span.last == step));
    BOOST_TEST((span.low == loss && span.high == loss && span.mean == loss));
  }
}

BOOST_AUTO_TEST_CASE(no_losses_are_no_spans) { BOOST_TEST(LossCurve{}.spans().empty()); }

BOOST_AUTO_TEST_CASE(with_one_more_neighbours_stand_together) {
  const LossCurve curve = curve_of(most + 1);
  BOOST_TEST(curve.spans().size() == LossCurve::most_spans / 2 + 1);
  const LossSpan& first = curve.spans().front();
  BOOST_TEST((first.first == 0 && first.last == 1));
  BOOST_TEST((first.low == 0.0 && first.high == 1.0 && first.mean == 0.5));
  BOOST_TEST(curve.spans().back().first == most);
}

BOOST_AUTO_TEST_CASE(losses_that_are_no_finite_number_are_left_out) {
  LossCurve curve;
  curve.add(0, std::numeric_limits<double>::quiet_NaN());
  curve.add(1, std::numeric_limits<double>::infinity());
  curve.add(2, 3.0);
  curve.add(3, -std::numeric_limits<double>::infinity());
  BOOST_TEST(curve.spans().size() == 1U);
  BOOST_TEST(curve.spans().front().first == 2);
  BOOST_TEST(curve.spans().front().last == 2);
}

BOOST_AUTO_TEST_CASE(the_mean_of_the_largest_numbers_is_finite) {
  constexpr double largest = std::numeric_limits<double>::max();
  LossCurve curve;
  for (std::int64_t i = 0; i < 4 * most; ++i) curve.add(i, i % 2 == 0 ? largest : -largest);
  for (const LossSpan& span : curve.spans()) {
    BOOST_TEST(std::isfinite(span.mean));
    BOOST_TEST((span.low == -largest && span.high == largest));
  }
}

BOOST_AUTO_TEST_CASE(spans_follow_each_other_and_have_all_losses_between_them) {
  BOOST_TEST(rc::check("spans and losses agree", [] {
    const std::int64_t count = *evenly<std::int64_t>(1, 9 * most);
    LossCurve curve;
    std::vector<std::pair<std::int64_t, double>> losses;
    std::int64_t step = *evenly<std::int64_t>(0, 100);
    // An inner one of its losses differs from the others, wherever that is.
    const std::int64_t odd = *evenly<std::int64_t>(0, count - 1);
    for (std::int64_t i = 0; i < count; ++i) {
      losses.emplace_back(step, i == odd ? 100.0 : static_cast<double>(i % 7));
      curve.add(losses.back().first, losses.back().second);
      if (i % 3 != 0) step += 1 + i % 5;  // several losses of one step are fine
    }
    RC_ASSERT(curve.spans().size() <= LossCurve::most_spans);
    RC_ASSERT(curve.spans().size() > LossCurve::most_spans / 2 || count <= most);
    RC_ASSERT(curve.spans().front().first == losses.front().first);
    RC_ASSERT(curve.spans().back().last == losses.back().first);
    const auto per_span = std::bit_ceil(static_cast<std::uint64_t>((count + most - 1) / most));
    std::size_t next = 0;
    for (const LossSpan& span : curve.spans()) {
      const std::size_t end = std::min(losses.size(), next + per_span);
      RC_ASSERT(span.first == losses[next].first);
      RC_ASSERT(span.last == losses[end - 1].first);
      double sum = 0.0;
      double low = losses[next].second;
      double high = low;
      for (std::size_t i = next; i < end; ++i) {
        sum += losses[i].second;
        low = std::min(low, losses[i].second);
        high = std::max(high, losses[i].second);
      }
      RC_ASSERT(span.low == low);
      RC_ASSERT(span.high == high);
      RC_ASSERT(std::abs(span.mean - sum / static_cast<double>(end - next)) < 1e-9);
      next = end;
    }
    RC_ASSERT(next == losses.size());
  }));
}

BOOST_AUTO_TEST_SUITE_END()
