// SPDX-License-Identifier: BSL-1.0
/// \file
/// Random questions to a cadence, with numbers of every magnitude, and their answer step by step.
#ifndef TAKT_TESTS_CADENCE_CASES_HPP
#define TAKT_TESTS_CADENCE_CASES_HPP

#include <rapidcheck.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <optional>
#include <ostream>
#include <tuple>
#include <vector>

#include "takt/cadence.hpp"

namespace takt::test {

/// "From this event on, when is this cadence due?"
struct Question {
  Cadence cadence{};
  std::optional<std::int64_t> steps_per_epoch{};
  std::int64_t from = 0;
  std::uint64_t noise = 0;  ///< chooses the samples of `agrees_with_stepping`

  [[nodiscard]] std::int64_t steps() const { return steps_per_epoch.value_or(1); }
  [[nodiscard]] Event at(std::int64_t step) const {
    return {.steps_per_epoch = steps_per_epoch, .global_step = step};
  }
  [[nodiscard]] bool due(std::int64_t step) const {
    return at(step).should_update(cadence.start, cadence.end, cadence.update);
  }
};

inline std::ostream& operator<<(std::ostream& out, const Question& question) {
  const auto show = [&](const char* name, const std::optional<double>& value) {
    out << ' ' << name << ' ';
    if (value) {
      out << std::hexfloat << *value << std::defaultfloat << " (" << *value << ')';
    } else {
      out << "unset";
    }
  };
  out << "from " << question.from << " at " << question.steps() << " steps:";
  show("start", question.cadence.start);
  show("end", question.cadence.end);
  show("update", question.cadence.update);
  return out;
}

/// Numbers in [low, high], drawn evenly whatever size RapidCheck is at.
template <class T>
rc::Gen<T> evenly(T low, T high) {
  return rc::gen::resize(rc::kNominalSize, rc::gen::inRange<T>(low, static_cast<T>(high + 1)));
}

/// Whole numbers in [0, 2^bits), every number of bits as likely as any other.
inline rc::Gen<std::int64_t> whole_of_any_size(int bits) {
  return rc::gen::map(
      rc::gen::pair(evenly(0, bits), evenly<std::uint64_t>(0, std::uint64_t{1} << 63)),
      [](const std::pair<int, std::uint64_t>& drawn) {
        const auto [width, noise] = drawn;
        return static_cast<std::int64_t>(noise & ((std::uint64_t{1} << width) - 1));
      });
}

/// Doubles in [2^low, 2^(high + 1)), every power of two as likely as any other.
inline rc::Gen<double> real_of_any_size(int low, int high) {
  return rc::gen::map(
      rc::gen::pair(evenly(low, high), evenly<std::uint64_t>(0, (std::uint64_t{1} << 52) - 1)),
      [](const std::pair<int, std::uint64_t>& drawn) {
        const auto [exponent, fraction] = drawn;
        return std::ldexp(1.0 + static_cast<double>(fraction) * 0x1p-52, exponent);
      });
}

/// `value`, moved by some units in the last place.
inline double nudged(double value, int ulps) {
  for (; ulps > 0; --ulps) value = std::nextafter(value, HUGE_VAL);
  for (; ulps < 0; ++ulps) value = std::nextafter(value, 0.0);
  return value;
}

inline rc::Gen<std::optional<std::int64_t>> any_steps_per_epoch() {
  using Steps = std::optional<std::int64_t>;
  const auto some = [](std::int64_t steps) { return Steps{steps}; };
  return rc::gen::weightedOneOf<Steps>(
      {{2, rc::gen::just(Steps{})},
       {4, rc::gen::map(rc::gen::elementOf(std::vector<std::int64_t>{1, 2, 3, 7, 8, 10, 12, 16, 37,
                                                                     100, 390, 512, 937, 1000, 1563,
                                                                     5004, 10000, 65536, 100000}),
                        some)},
       {4, rc::gen::map(whole_of_any_size(20),
                        [](std::int64_t drawn) {
                          return Steps{std::min<std::int64_t>(drawn + 1, 1'000'000)};
                        })},
       {1,
        rc::gen::map(whole_of_any_size(50), [](std::int64_t drawn) { return Steps{drawn + 1}; })}});
}

/// Whether the window of a question has to end not far from where it starts.
enum class Reach { far, near };

/// An update that has something to do with the grid of steps, or nothing at all.
inline rc::Gen<std::optional<double>> any_update(std::int64_t steps) {
  using Update = std::optional<double>;
  using Two = std::pair<double, double>;
  const auto some = [](double update) { return Update{update}; };
  const auto per_epoch = static_cast<double>(steps);
  const auto whole = rc::gen::map(whole_of_any_size(12),
                                  [](std::int64_t n) { return static_cast<double>(n + 1); });
  const auto of_the_steps = rc::gen::map(whole, [=](double n) { return n / per_epoch; });
  const auto fraction = rc::gen::map(rc::gen::pair(whole, whole),
                                     [=](Two n) { return n.first / (n.second * per_epoch); });
  const auto digits = rc::gen::elementOf(std::vector<double>{0.1, 0.01, 0.001, 0.05, 0.3});
  const auto decimal =
      rc::gen::map(rc::gen::pair(whole, digits), [](Two n) { return n.first * n.second; });
  const auto natural = rc::gen::oneOf(whole, of_the_steps, fraction, decimal);
  const auto close =
      rc::gen::map(rc::gen::pair(natural, evenly(-9, 9)),
                   [](std::pair<double, int> n) { return nudged(n.first, n.second); });
  const auto near_the_tolerance = rc::gen::map(rc::gen::pair(natural, real_of_any_size(-40, -28)),
                                               [](Two n) { return n.first + n.second; });
  const auto extreme = rc::gen::elementOf(std::vector<double>{
      0.0, std::numeric_limits<double>::denorm_min(), 1e-300, 1e-10, 2e-10, nudged(2e-10, -1),
      nudged(2e-10, 1), 2.5e-10, 0x1p52, 0x1p53, 0x1p63, 0x1p64, nudged(0x1p64, -1), 1e300,
      std::numeric_limits<double>::max(), std::numeric_limits<double>::infinity()});
  return rc::gen::weightedOneOf<Update>({{1, rc::gen::just(Update{})},
                                         {8, rc::gen::map(natural, some)},
                                         {4, rc::gen::map(close, some)},
                                         {2, rc::gen::map(near_the_tolerance, some)},
                                         {6, rc::gen::map(real_of_any_size(-40, 45), some)},
                                         {3, rc::gen::map(real_of_any_size(-33, -8), some)},
                                         {1, rc::gen::map(real_of_any_size(45, 1022), some)},
                                         {1, rc::gen::map(extreme, some)}});
}

/// One end of a window: none, somewhere, or close to the index of a step not far from `from`.
inline rc::Gen<std::optional<double>> any_bound(std::int64_t from, std::int64_t steps) {
  using Bound = std::optional<double>;
  const auto index = [=](std::int64_t ahead) {
    return (static_cast<double>(from) + static_cast<double>(ahead)) / static_cast<double>(steps);
  };
  const auto nearby = rc::gen::map(rc::gen::pair(evenly<std::int64_t>(-20, 2000), evenly(-3, 3)),
                                   [=](std::pair<std::int64_t, int> drawn) {
                                     return Bound{nudged(index(drawn.first), drawn.second)};
                                   });
  const auto between = rc::gen::map(
      rc::gen::pair(evenly<std::int64_t>(-20, 500), evenly(1, 99)),
      [=](std::pair<std::int64_t, int> drawn) {
        return Bound{index(drawn.first) + drawn.second * 0.01 / static_cast<double>(steps)};
      });
  const auto somewhere = rc::gen::map(real_of_any_size(-10, 64), [](double x) { return Bound{x}; });
  return rc::gen::weightedOneOf<Bound>({{10, rc::gen::just(Bound{})},
                                        {3, nearby},
                                        {2, between},
                                        {1, somewhere},
                                        {1, rc::gen::just(Bound{-1.0})},
                                        {1, rc::gen::just(Bound{0.0})}});
}

inline rc::Gen<std::int64_t> any_start_step() {
  return rc::gen::weightedOneOf<std::int64_t>(
      {{1, rc::gen::just<std::int64_t>(0)},
       {8, whole_of_any_size(40)},
       {1, rc::gen::map(evenly(41, 61), [](int bits) { return (std::int64_t{1} << bits) - 3; })},
       {1, whole_of_any_size(63)},
       {1, rc::gen::map(evenly<std::int64_t>(0, 4000), [](std::int64_t before_the_last) {
          return std::numeric_limits<std::int64_t>::max() - before_the_last;
        })}});
}

inline rc::Gen<Question> any_question() {
  using Counters = std::tuple<std::optional<std::int64_t>, std::int64_t, bool>;
  return rc::gen::mapcat(
      rc::gen::tuple(any_steps_per_epoch(), any_start_step(), rc::gen::arbitrary<bool>()),
      [](const Counters& counters) {
        const auto [steps_per_epoch, from, far] = counters;
        const std::int64_t steps = steps_per_epoch.value_or(1);
        const Reach reach = far ? Reach::far : Reach::near;
        const double horizon = (static_cast<double>(from) + 0x1p32) / static_cast<double>(steps);
        using Numbers = std::tuple<std::optional<double>, std::optional<double>,
                                   std::optional<double>, std::uint64_t>;
        return rc::gen::map(
            rc::gen::tuple(any_update(steps), any_bound(from, steps), any_bound(from, steps),
                           evenly<std::uint64_t>(0, std::uint64_t{1} << 63)),
            [question = Question{{}, steps_per_epoch, from}, reach, horizon](const Numbers& drawn) {
              auto [update, start, end, noise] = drawn;
              if (reach == Reach::near) {
                end = std::min(end.value_or(horizon), horizon);
                if (start && *start > horizon) start.reset();
              }
              if (start && end && *end < *start) std::swap(start, end);
              Question result = question;
              result.cadence = {start, end, update};
              result.noise = noise;
              return result;
            });
      });
}

/// The answer by definition: the first due step in [from, from + limit), asked one by one.
inline std::optional<std::int64_t> step_through(const Question& question, std::int64_t limit) {
  const std::int64_t room = std::numeric_limits<std::int64_t>::max() - question.from;
  for (std::int64_t ahead = 0; ahead < limit && ahead <= room; ++ahead) {
    if (question.due(question.from + ahead)) return question.from + ahead;
  }
  return std::nullopt;
}

/// A due step in [from, end) found by looking where one is likely: at random steps, and at the
/// steps around multiples of the update. None may be found before the first one.
inline std::optional<std::int64_t> find_by_chance(const Question& question, std::int64_t from,
                                                  std::int64_t end, int samples) {
  std::uint64_t noise = question.noise;
  const auto random = [&] {
    noise = noise * 6364136223846793005U + 1442695040888963407U;
    return noise >> 11;
  };
  const auto length = static_cast<std::uint64_t>(end - from);
  const double stride =
      question.cadence.update.value_or(0.0) * static_cast<double>(question.steps());
  for (int i = 0; i < samples && length > 0; ++i) {
    // Early steps as often as late ones.
    const std::uint64_t ahead = ((random() << 10 | random() >> 43) >> (random() % 64)) % length;
    const std::int64_t step = from + static_cast<std::int64_t>(ahead);
    std::array<std::int64_t, 4> tries{step, step, step, step};
    const double multiple = std::round(static_cast<double>(step) / stride) * stride;
    if (multiple >= 1.0 && multiple < 0x1p62) {
      const auto middle = static_cast<std::int64_t>(std::round(multiple));
      tries = {step, middle - 1, middle, middle + 1};
    }
    for (const std::int64_t candidate : tries) {
      if (candidate >= from && candidate < end && question.due(candidate)) return candidate;
    }
  }
  return std::nullopt;
}

}  // namespace takt::test

#endif
