// SPDX-License-Identifier: BSL-1.0
/// \file
/// The question to a cadence that takes the longest to answer.
#ifndef TAKT_BENCH_HARD_QUESTION_HPP
#define TAKT_BENCH_HARD_QUESTION_HPP

#include <cstdint>
#include <string>

#include "takt/cadence.hpp"

namespace takt::bench {

/// "From this event on, when is this cadence due?"
struct Question {
  Cadence cadence{};
  Event event{};
};

std::string to_string(const Question& question);

/// How long an answer takes, in nanoseconds: the least of several times.
double nanoseconds_for(const Question& question, int times);

/// The slowest of `count` random questions, of which the last quarter are variations of the
/// slowest ones before. Steps and steps per epoch are below 2^40. The same ones at every run.
Question hardest_of(std::int64_t count, std::uint64_t seed = 1);

}  // namespace takt::bench

#endif
