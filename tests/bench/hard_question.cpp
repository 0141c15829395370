// SPDX-License-Identifier: BSL-1.0
#include "hard_question.hpp"

#include <benchmark/benchmark.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <limits>
#include <random>
#include <vector>

namespace takt::bench {
namespace {

class Dice {
 public:
  explicit Dice(std::uint64_t seed) : engine_{seed} {}

  /// In [0, end).
  std::int64_t below(std::int64_t end) {
    return std::uniform_int_distribution<std::int64_t>{0, end - 1}(engine_);
  }
  bool one_in(std::int64_t n) { return below(n) == 0; }
  double between(double low, double high) {
    return std::uniform_real_distribution<double>{low, high}(engine_);
  }
  /// In [0, 2^bits), any number of bits as likely as any other.
  std::int64_t whole(int bits) { return below(std::int64_t{1} << below(bits + 1)); }
  /// In [2^low, 2^high), any power of two as likely as any other.
  double real(int low, int high) {
    return std::ldexp(between(1.0, 2.0), static_cast<int>(low + below(high - low)));
  }

 private:
  std::mt19937_64 engine_;
};

std::optional<std::int64_t> any_steps_per_epoch(Dice& dice) {
  constexpr std::array<std::int64_t, 8> usual{7, 10, 100, 390, 937, 1000, 5004, 65'536};
  if (dice.one_in(8)) return std::nullopt;
  if (dice.one_in(3)) return usual.at(static_cast<std::size_t>(dice.below(usual.size())));
  return 1 + dice.whole(dice.one_in(2) ? 20 : 40);
}

double any_update(Dice& dice, double steps) {
  const auto some = [&] { return static_cast<double>(1 + dice.whole(16)); };
  double update = 1.0;
  switch (dice.below(6)) {
    case 0:
      update = some() / steps;
      break;
    case 1:
      update = some() / (some() * steps);
      break;
    case 2:
      update = some() * std::pow(10.0, -static_cast<double>(dice.below(9)));
      break;
    case 3:  // of the size of the tolerance
      update = dice.real(-33, -26);
      break;
    default:
      update = dice.real(-40, 64);
  }
  if (dice.one_in(3)) update += dice.real(-50, -20) * update;
  if (dice.one_in(4)) update += dice.real(-40, -28);
  for (std::int64_t ulps = dice.one_in(2) ? dice.below(9) : 0; ulps > 0; --ulps) {
    update = std::nextafter(update, HUGE_VAL);
  }
  return update;
}

Question any_question(Dice& dice) {
  Question question;
  question.event.steps_per_epoch = any_steps_per_epoch(dice);
  question.event.global_step = dice.whole(40);
  const auto steps = static_cast<double>(question.event.steps_per_epoch.value_or(1));
  question.cadence.update = any_update(dice, steps);
  const double index = question.event.current_index();
  if (dice.one_in(8)) question.cadence.start = index + dice.real(-20, 40);
  if (dice.one_in(8))
    question.cadence.end = question.cadence.start.value_or(index) + dice.real(-20, 50);
  return question;
}

/// A neighbour in one respect.
Question varied(Question question, Dice& dice) {
  Event& event = question.event;
  double& update = *question.cadence.update;
  constexpr std::int64_t end = std::int64_t{1} << 40;
  switch (dice.below(6)) {
    case 0:
      event.global_step = std::min(end - 1, event.global_step / 2 + dice.whole(39));
      break;
    case 1:
      event.global_step = std::max<std::int64_t>(0, event.global_step - dice.whole(20));
      break;
    case 2:
      if (event.steps_per_epoch)
        *event.steps_per_epoch = 1 + (*event.steps_per_epoch + dice.whole(8)) % end;
      break;
    case 3:
      update *= 1.0 + dice.between(-1.0, 1.0) * dice.real(-53, -3);
      break;
    case 4:
      update = std::nextafter(update, dice.one_in(2) ? 0.0 : HUGE_VAL);
      break;
    default:
      question.cadence.start.reset();
      question.cadence.end.reset();
      update = std::ldexp(update, dice.one_in(2) ? 1 : -1);
  }
  update = std::clamp(update, 1e-12, 0x1p64);
  return question;
}

/// The slowest questions so far.
class Slowest {
 public:
  void consider(const Question& question) {
    if (nanoseconds_for(question, 1) <= threshold()) return;
    // The first time may have been an interruption's.
    const double time = nanoseconds_for(question, 9);
    if (time <= threshold()) return;
    entries_.push_back({time, question});
    std::ranges::sort(entries_, std::greater{}, &Entry::time);
    if (entries_.size() > kept) entries_.pop_back();
  }

  [[nodiscard]] const Question& one_of(Dice& dice) const {
    return entries_[static_cast<std::size_t>(
                        dice.below(static_cast<std::int64_t>(entries_.size())))]
        .question;
  }
  [[nodiscard]] const Question& first() const { return entries_.front().question; }

 private:
  static constexpr std::size_t kept = 32;
  struct Entry {
    double time;
    Question question;
  };
  [[nodiscard]] double threshold() const {
    return entries_.size() < kept ? 0.0 : entries_.back().time;
  }
  std::vector<Entry> entries_;
};

/// Ends the program when a question is not answered in seconds, and says which one that is.
class Watchdog {
 public:
  Watchdog() { std::signal(SIGALRM, bark); }
  Watchdog(const Watchdog&) = delete;
  Watchdog& operator=(const Watchdog&) = delete;
  ~Watchdog() {
    alarm(0);
    std::signal(SIGALRM, SIG_DFL);
  }

  void watch(const Question& question) {
    asked = &question;
    alarm(seconds);
  }

 private:
  static constexpr unsigned seconds = 5;

  // The signal comes in the middle of next_update, which neither allocates nor prints, so that this
  // may do both.
  static void bark(int) {
    std::cerr << "takt-bench: next_update takes longer than " << seconds
              << " seconds: " << to_string(*asked) << std::endl;
    std::_Exit(2);
  }

  static inline const Question* asked = nullptr;
};

}  // namespace

double nanoseconds_for(const Question& question, int times) {
  double least = std::numeric_limits<double>::infinity();
  for (int i = 0; i < times; ++i) {
    const auto before = std::chrono::steady_clock::now();
    benchmark::DoNotOptimize(question.cadence.next_update(question.event));
    const std::chrono::duration<double, std::nano> time = std::chrono::steady_clock::now() - before;
    least = std::min(least, time.count());
  }
  return least;
}

Question hardest_of(std::int64_t count, std::uint64_t seed) {
  Dice dice{seed};
  Slowest slowest;
  Watchdog watchdog;
  for (std::int64_t i = 0; i < count; ++i) {
    const bool vary = i >= count - count / 4;
    const Question question = vary ? varied(slowest.one_of(dice), dice) : any_question(dice);
    watchdog.watch(question);
    slowest.consider(question);
  }
  return slowest.first();
}

std::string to_string(const Question& question) {
  const auto number = [](const char* name, std::optional<double> value) {
    if (!value) return std::string{};
    std::array<char, 64> text{};
    std::snprintf(text.data(), text.size(), "%s %.17g, ", name, *value);
    return std::string{text.data()};
  };
  std::string text = number("start", question.cadence.start) + number("end", question.cadence.end) +
                     number("update", question.cadence.update);
  if (question.event.steps_per_epoch) {
    text += std::to_string(*question.event.steps_per_epoch) + " steps per epoch, ";
  }
  return text + "step " + std::to_string(question.event.global_step);
}

}  // namespace takt::bench
