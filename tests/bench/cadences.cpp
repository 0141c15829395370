// SPDX-License-Identifier: BSL-1.0
// should_update and next_update alone.
#include <cmath>
#include <vector>

#include "hard_question.hpp"
#include "peers.hpp"
#include "workload.hpp"

namespace takt::bench {
namespace {

constexpr std::int64_t searched_questions = 400'000;

/// The cadences of everyday recipes, in steps and in epochs, each from several steps on.
std::vector<Question> everyday_questions() {
  std::vector<Question> questions;
  for (const std::int64_t step : {0, 1, 999, 12'345, 1'000'003}) {
    const Event steps{.global_step = step};
    questions.push_back({{.update = 1}, steps});
    questions.push_back({{.update = 100}, steps});
    questions.push_back({{.start = 500, .end = 2e7, .update = 250}, steps});
    for (const std::int64_t steps_per_epoch : {7, 100, 390}) {
      const Event epochs{.steps_per_epoch = steps_per_epoch, .global_step = step};
      questions.push_back({{.update = 0.5}, epochs});
      questions.push_back({{.update = 0.3}, epochs});
      questions.push_back({{.start = 1, .end = 1e6, .update = 0.1}, epochs});
    }
  }
  return questions;
}

template <class Ask>
void ask_everyday(benchmark::State& state, Ask ask) {
  const std::vector<Question> questions = everyday_questions();
  for (auto _ : state) {
    for (const Question& question : questions) benchmark::DoNotOptimize(ask(question));
  }
  measure_each(state, static_cast<std::int64_t>(questions.size()), "call");
}

void textbook(benchmark::State& state) {
  std::vector<Textbook> cadences;
  std::vector<Event> events;
  for (const auto& [cadence, event] : everyday_questions()) {
    cadences.push_back({.start = cadence.start.value_or(0.0),
                        .end = cadence.end.value_or(HUGE_VAL),
                        .update = cadence.update.value_or(1.0)});
    events.push_back(event);
  }
  for (auto _ : state) {
    for (std::size_t i = 0; i < events.size(); ++i) {
      benchmark::DoNotOptimize(cadences[i].due(events[i]));
    }
  }
  measure_each(state, static_cast<std::int64_t>(events.size()), "call");
}

void worst(benchmark::State& state) {
  static const Question question = hardest_of(searched_questions);
  for (auto _ : state) {
    benchmark::DoNotOptimize(question.cadence.next_update(question.event));
  }
  measure_each(state, 1, "call", to_string(question));
}

}  // namespace

void define_cadences() {
  define("should_update/takt", [](benchmark::State& state) {
    ask_everyday(state, [](const Question& q) {
      return q.event.should_update(q.cadence.start, q.cadence.end, q.cadence.update);
    });
  });
  define("should_update/textbook", textbook);
  define("next_update/everyday", [](benchmark::State& state) {
    ask_everyday(state, [](const Question& q) { return q.cadence.next_update(q.event); });
  });
  define("next_update/worst", worst);
}

}  // namespace takt::bench
