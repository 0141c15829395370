// SPDX-License-Identifier: BSL-1.0
// Progress that is shown in a run that is cut and resumed.
#include <boost/test/unit_test.hpp>
#include <chrono>
#include <memory>
#include <ostream>
#include <sstream>
#include <string>
#include <string_view>
#include <takt/modifiers/progress.hpp>
#include <takt/takt.hpp>
#include <utility>

#include "error_text.hpp"
#include "resumed_run.hpp"

namespace {

using std::chrono::milliseconds;
using takt::ProgressMode;
using takt::ProgressModifier;
using takt::ProgressSettings;
using takt::test::has;

/// A clock that a test sets.
struct Shown {
  explicit Shown(ProgressSettings settings) {
    settings.stream = &out;
    settings.clock = [this] { return std::chrono::steady_clock::time_point{time}; };
    run.add<ProgressModifier>(std::move(settings));
  }

  void call(std::string_view letters) { (void)takt::test::seen_in(run, letters, {}); }
  /// What was written since the last time.
  std::string written() { return std::exchange(out, std::ostringstream{}).str(); }

  std::ostringstream out;
  milliseconds time{5000};
  takt::test::CutRun run;
};

/// Time stands still, so that no rate is shown, which is that of the resumed run only.
takt::test::Setup lines(const ProgressSettings& settings) {
  return [=](takt::test::CutRun& run) {
    const auto out = std::make_shared<std::ostringstream>();
    ProgressSettings with_stream = settings;
    with_stream.stream = out.get();
    with_stream.mode = ProgressMode::lines;
    with_stream.clock = [] { return std::chrono::steady_clock::time_point{}; };
    run.add<ProgressModifier>(with_stream);
    run.sights.push_back([out](std::ostream& seen) { seen << out->str(); });
  };
}

}  // namespace

BOOST_AUTO_TEST_SUITE(progress_resume)

BOOST_AUTO_TEST_CASE(cut_anywhere_the_same_lines_are_written) {
  constexpr const char* batches = "islpPeslpPaslpPeslesplpPecslpPeCsPepPeslpPaf";
  for (const double update : {0.0, 1.0, 2.0}) {
    takt::test::check_cuts(lines({.cadence = {.update = update}, .total_steps = 4}), batches);
    takt::test::check_cuts(lines({.cadence = {.start = 1, .end = 3, .update = update}}), batches,
                           {.steps_per_epoch = 2});
  }
}

BOOST_AUTO_TEST_CASE(cut_anywhere_the_last_line_has_the_loss_of_the_last_batch) {
  takt::test::check_cuts(lines({}), "islpPesaf");
}

BOOST_AUTO_TEST_CASE(the_rate_is_that_of_the_steps_since_the_run_was_resumed) {
  for (const std::string_view open : {"", "slp", "slpP"}) {
    Shown shown{{.cadence = {.update = 1}, .total_steps = 20, .mode = ProgressMode::lines}};
    shown.call("i");
    for (int i = 0; i < 4; ++i) shown.call("slpPe");
    shown.call(open);
    (void)shown.written();
    shown.run.cut();
    shown.time += milliseconds{1000};
    shown.call(std::string_view{"slpPe"}.substr(open.size()));
    (void)shown.written();
    shown.time += milliseconds{1000};
    shown.call("slpPe");
    const std::string line = shown.written();
    BOOST_TEST(has(line, "6/20"), line);
    // The step that the open batch had taken was taken before.
    BOOST_TEST(has(line, open == "slpP" ? "0.50 steps/s" : "1.00 steps/s"), line);
  }
}

BOOST_AUTO_TEST_CASE(a_last_line_follows_steps_that_were_not_shown_before_the_cut) {
  Shown shown{{.mode = ProgressMode::lines}};
  shown.call("islpPeslpPe");
  BOOST_TEST(shown.written() == "");
  shown.run.cut();
  shown.call("f");
  const std::string line = shown.written();
  BOOST_TEST(has(line, "2 steps"), line);
  BOOST_TEST(has(line, "loss"), line);
}

BOOST_AUTO_TEST_CASE(a_bar_is_drawn_where_the_run_is_resumed) {
  Shown shown{{.total_steps = 4, .mode = ProgressMode::bar, .columns = 40}};
  shown.call("islpPeslpP");
  (void)shown.written();
  shown.run.keeps_states = false;
  shown.run.cut();
  const std::string bar = shown.written();
  BOOST_TEST(bar.starts_with("\n\r"), bar);  // the line of the one before ends
  BOOST_TEST(has(bar, "50%"), bar);
  BOOST_TEST(has(bar, "2/4"), bar);
  shown.call("ef");
  BOOST_TEST(shown.written().ends_with("\n"));
}

BOOST_AUTO_TEST_CASE(a_bar_of_a_load_that_is_taken_back_ends_its_line) {
  Shown shown{{.total_steps = 4, .mode = ProgressMode::bar, .columns = 40}};
  shown.call("i");
  const std::string before = shown.run.states().front();
  shown.call("s");
  (void)shown.written();
  takt::test::load(shown.run.modifier<ProgressModifier>(), takt::Phase::initialized, before,
                   shown.run.bus->state(), shown.run.bus->now());
  BOOST_TEST(shown.written() == "\n");
}

BOOST_AUTO_TEST_CASE(bytes_of_something_else_are_refused_or_lead_nowhere_bad) {
  takt::test::check_bytes(lines({.total_steps = 4}), "islpPeslpP", "eslpPef");
}

BOOST_AUTO_TEST_SUITE_END()
