// SPDX-License-Identifier: BSL-1.0
/// \file
/// Runs the program in a test, and says what came of it.
#ifndef TAKT_TESTS_CLI_RUN_HPP
#define TAKT_TESTS_CLI_RUN_HPP

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cstddef>
#include <cstdint>
#include <fstream>
#include <iterator>
#include <memory>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include "cli/program.hpp"
#include "cli/screen.hpp"
#include "error_text.hpp"
#include "takt/event_bus.hpp"
#include "takt/trace_recorder.hpp"

namespace takt::test {

struct Outcome {
  int code = -1;
  std::string out{};
  std::string err{};
};

/// `columns`: of the terminal that it runs in.
inline Outcome run_takt(const std::vector<std::string>& args, const std::string& input = "",
                        std::optional<int> columns = std::nullopt) {
  std::istringstream in{input};
  std::ostringstream out;
  std::ostringstream err;
  const int code = cli::run(args, {in, out, err, columns});
  return {code, out.str(), err.str()};
}

/// Bad input, of which nothing is told but what is wrong, in these words.
inline void check_refused(const Outcome& outcome, const std::vector<std::string>& words) {
  BOOST_TEST(outcome.code == 2);
  BOOST_TEST(outcome.out.empty(), outcome.out);
  BOOST_TEST(outcome.err.starts_with("takt: "), outcome.err);
  for (const std::string& word : words) {
    BOOST_TEST(has(outcome.err, word), word << " is not in " << outcome.err);
  }
}

/// In characters of UTF-8.
inline int widest_row(const std::string& text) {
  std::istringstream rows{text};
  int widest = 0;
  for (std::string row; std::getline(rows, row);) widest = std::max(widest, cli::width_of(row));
  return widest;
}

template <class Path>
std::string content_of(const Path& file) {
  std::ifstream in{file, std::ios::binary};
  return {std::istreambuf_iterator<char>{in}, {}};
}

/// The trace of `steps` steps, four to an epoch, with a loss that falls: "prune" is due at every
/// other step from step 2 to 6, "watch" has an event at each BATCH_END.
inline std::string recorded_text(std::int64_t steps, double first_loss = 2.0) {
  std::ostringstream out;
  EventBus bus{Event{.steps_per_epoch = 4}};
  bus.add(std::make_shared<Modifier>("prune", Cadence{.start = 0.5, .end = 1.5, .update = 0.5},
                                     Interests{.due = EventType::BATCH_START}));
  bus.add(std::make_shared<Modifier>("watch", Cadence{}, Interests{.every = EventType::BATCH_END}));
  TraceRecorder recorder{bus, out};
  bus.initialize();
  for (std::int64_t step = 0; step < steps; ++step) {
    bus.batch([&](Batch& batch) {
      batch.loss(first_loss / static_cast<double>(step + 1));
      batch.step([] {});
    });
  }
  bus.finalize();
  recorder.close();
  return out.str();
}

}  // namespace takt::test

#endif
