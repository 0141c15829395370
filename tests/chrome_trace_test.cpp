// SPDX-License-Identifier: BSL-1.0
#include "takt/chrome_trace.hpp"

#include <rapidcheck.h>

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "probe.hpp"
#include "scripted_run.hpp"
#include "takt/error.hpp"
#include "takt/trace_recorder.hpp"
#include "trace_cases.hpp"

namespace {

using Json = nlohmann::json;
using takt::Event;
using takt::EventType;
using takt::test::bare_header;

/// The events of a trace as viewers have it.
std::vector<Json> chrome_events(const std::string& trace) {
  std::istringstream in{trace};
  takt::TraceReader reader{in};
  std::ostringstream out;
  takt::write_chrome_trace(reader, out);
  const Json json = Json::parse(out.str());
  BOOST_TEST(json.at("displayTimeUnit") == "ns");
  return json.at("traceEvents").get<std::vector<Json>>();
}

std::vector<Json> of_phase(const std::vector<Json>& events, const std::string& phase) {
  std::vector<Json> found;
  for (const Json& event : events) {
    if (event.at("ph") == phase) found.push_back(event);
  }
  return found;
}

/// What a track is called, by its number.
std::map<std::int64_t, std::string> tracks_of(const std::vector<Json>& events) {
  std::map<std::int64_t, std::string> names;
  for (const Json& event : of_phase(events, "M")) {
    if (event.at("name") == "thread_name") {
      names.emplace(event.at("tid").get<std::int64_t>(), event.at("args").at("name"));
    }
  }
  return names;
}

/// What is drawn, in short lines: "B batch 0", "X prune.on_update 3".
std::vector<std::string> told(const std::vector<Json>& events) {
  const auto tracks = tracks_of(events);
  std::vector<std::string> lines;
  for (const Json& event : events) {
    const std::string phase = event.at("ph");
    if (phase == "M") continue;
    std::ostringstream line;
    line << phase << ' ';
    if (phase == "X") line << tracks.at(event.at("tid").get<std::int64_t>()) << '.';
    line << event.at("name").get<std::string>() << ' ' << event.at("ts");
    if (phase == "X") line << " for " << event.at("dur");
    if (phase == "C") line << " is " << event.at("args").at("loss");
    lines.push_back(line.str());
  }
  return lines;
}

/// True when every E closes the B that was opened last, on each track, and nothing stays open.
bool is_balanced(const std::vector<Json>& events) {
  std::map<std::int64_t, std::vector<std::string>> open;
  for (const Json& event : events) {
    const auto track = event.at("tid").get<std::int64_t>();
    if (event.at("ph") == "B") open[track].push_back(event.at("name"));
    if (event.at("ph") != "E") continue;
    if (open[track].empty() || open[track].back() != event.at("name")) return false;
    open[track].pop_back();
  }
  for (const auto& [track, names] : open) {
    if (!names.empty()) return false;
  }
  return true;
}

/// True when times never go back, on each track, and are numbers.
bool is_in_order(const std::vector<Json>& events) {
  std::map<std::int64_t, double> last;
  for (const Json& event : events) {
    if (event.at("ph") == "M") continue;
    const double at = event.at("ts").get<double>();
    double& before = last[event.at("tid").get<std::int64_t>()];
    if (!(at >= before) || !std::isfinite(at)) return false;
    before = at;
    if (event.at("ph") == "X") before += event.at("dur").get<double>();
  }
  return true;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(chrome_trace)

BOOST_AUTO_TEST_CASE(a_step_is_a_batch_with_an_optimizer_step_hooks_and_a_loss) {
  const auto events = chrome_events(
      R"({"takt_trace":1,"start":{"step":0,"batch":0},"modifiers":[{"name":"prune"},{"name":"hold"}]}
{"event":"initialize","step":0,"batch":0,"t":0}
{"event":"batch_start","step":0,"batch":0,"t":1000,"hooks":[{"modifier":"hold","hook":"on_start","ns":200},{"modifier":"prune","hook":"on_update","ns":300}]}
{"event":"loss_calculated","step":0,"batch":0,"t":2000,"loss":0.5}
{"event":"optim_pre_step","step":0,"batch":0,"t":3000}
{"event":"optim_post_step","step":0,"batch":0,"t":4000,"hooks":[{"modifier":"hold","hook":"on_event","ns":50}]}
{"event":"batch_end","step":0,"batch":0,"t":5000,"hooks":[{"modifier":"hold","hook":"on_end","ns":500}]}
{"event":"finalize","step":1,"batch":1,"t":6000}
)");
  const std::vector<std::string> expected{"i initialize 0.0",
                                          "B batch 1.0",
                                          "X hold.on_start 1.0 for 0.2",
                                          "X prune.on_update 1.2 for 0.3",
                                          "C loss 2.0 is 0.5",
                                          "B optimizer step 3.0",
                                          "X hold.on_event 4.0 for 0.05",
                                          "E optimizer step 4.05",
                                          "X hold.on_end 5.0 for 0.5",
                                          "E batch 5.5",
                                          "i finalize 6.0"};
  BOOST_TEST(told(events) == expected, boost::test_tools::per_element());
  const Json update = of_phase(events, "X").at(1);
  BOOST_TEST(update.at("args") ==
                 Json::parse(R"({"modifier":"prune","event":"batch_start","step":0,"batch":0})"),
             update.dump());
  BOOST_TEST(of_phase(events, "B").at(0).at("args") == Json::parse(R"({"step":0,"batch":0})"));
}

BOOST_AUTO_TEST_CASE(each_modifier_has_a_track_and_no_track_is_number_0) {
  const auto events = chrome_events(
      R"({"takt_trace":1,"start":{"step":0,"batch":0},"modifiers":[{"name":"a"},{"name":"b"}]}
{"event":"initialize","step":0,"batch":0}
{"add":{"name":"c"},"step":0,"batch":0,"hooks":[{"modifier":"c","hook":"on_initialize"}]}
{"remove":"c","step":0,"batch":0,"hooks":[{"modifier":"c","hook":"on_finalize"}]}
)");
  const auto tracks = tracks_of(events);
  BOOST_TEST(
      (tracks == std::map<std::int64_t, std::string>{{1, "loop"}, {2, "a"}, {3, "b"}, {4, "c"}}));
  const auto hooks = of_phase(events, "X");
  BOOST_TEST_REQUIRE(hooks.size() == 2U);
  BOOST_TEST(hooks[0].at("tid") == 4);
  BOOST_TEST(hooks[0].at("args").at("event") == "joins");
  BOOST_TEST(hooks[1].at("args").at("event") == "leaves");
}

BOOST_AUTO_TEST_CASE(a_trace_without_events_is_one_with_tracks_only) {
  const auto events =
      chrome_events(R"({"takt_trace":1,"start":{"step":0,"batch":0},"modifiers":[{"name":"a"}]})"
                    "\n");
  BOOST_TEST(tracks_of(events).size() == 2U);
  BOOST_TEST(told(events).empty());
  BOOST_TEST(told(chrome_events(bare_header + "\n")).empty());
}

BOOST_AUTO_TEST_CASE(without_times_each_event_takes_a_microsecond) {
  const auto events = chrome_events(bare_header + R"(
{"event":"initialize","step":0,"batch":0}
{"event":"batch_start","step":0,"batch":0}
{"event":"batch_end","step":0,"batch":0}
{"event":"finalize","step":0,"batch":1}
)");
  const std::vector<std::string> expected{"i initialize 0.0", "B batch 1.0", "E batch 2.0",
                                          "i finalize 3.0"};
  BOOST_TEST(told(events) == expected, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(times_that_go_back_are_put_in_order) {
  const auto events = chrome_events(bare_header + R"(
{"event":"initialize","step":0,"batch":0,"t":9000}
{"event":"batch_start","step":0,"batch":0,"t":4000}
{"event":"batch_end","step":0,"batch":0,"t":12000}
)");
  const std::vector<std::string> expected{"i initialize 9.0", "B batch 9.0", "E batch 12.0"};
  BOOST_TEST(told(events) == expected, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(what_is_aborted_is_closed_with_all_that_is_open_in_it) {
  const auto events = chrome_events(bare_header + R"(
{"event":"calibration_epoch_start","step":0,"batch":0}
{"event":"batch_start","step":0,"batch":0}
{"event":"optim_pre_step","step":0,"batch":0}
{"call":"abort_batch","step":0,"batch":0}
{"call":"abort_calibration_epoch","step":0,"batch":0}
)");
  const std::vector<std::string> expected{
      "B calibration epoch 0.0",       "B batch 1.0",
      "B optimizer step 2.0",          "i abort_batch 3.0",
      "E optimizer step 3.0",          "E batch 3.0",
      "i abort_calibration_epoch 4.0", "E calibration epoch 4.0"};
  BOOST_TEST(told(events) == expected, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_torn_trace_closes_what_is_open) {
  const auto events = chrome_events(bare_header + R"(
{"event":"calibration_epoch_start","step":0,"batch":0}
{"event":"batch_start","step":0,"batch":0}
{"event":"batch_e)");
  BOOST_TEST(is_balanced(events));
  BOOST_TEST(of_phase(events, "E").size() == 2U);
}

BOOST_AUTO_TEST_CASE(an_end_without_a_beginning_is_left_out) {
  const auto events = chrome_events(bare_header + R"(
{"event":"batch_end","step":0,"batch":0}
{"event":"batch_start","step":0,"batch":0}
{"event":"optim_post_step","step":0,"batch":0}
)");
  BOOST_TEST(is_balanced(events));
  BOOST_TEST(of_phase(events, "E").size() == 1U);
}

BOOST_AUTO_TEST_CASE(losses_that_json_has_no_number_for_are_left_out) {
  const auto events = chrome_events(bare_header + R"(
{"event":"loss_calculated","step":0,"batch":0,"loss":"nan"}
{"event":"loss_calculated","step":0,"batch":0}
{"event":"loss_calculated","step":0,"batch":0,"loss":-2.5}
)");
  BOOST_TEST_REQUIRE(of_phase(events, "C").size() == 1U);
  BOOST_TEST(of_phase(events, "C")[0].at("args").at("loss") == -2.5);
}

BOOST_AUTO_TEST_CASE(what_a_hook_threw_stands_with_it) {
  ProbedBus probed{Event{}, {.errors = takt::ErrorPolicy::quarantine}};
  probed.add("bad \"one\"\n", {}, {.every = EventType::BATCH_END})->breaks("on_event");
  std::ostringstream out;
  takt::TraceRecorder recorder{probed.bus, out};
  probed.bus.initialize();
  probed.step();
  recorder.close();
  bool found = false;
  for (const Json& hook : of_phase(chrome_events(out.str()), "X")) {
    if (!hook.at("args").contains("error")) continue;
    found = true;
    BOOST_TEST(hook.at("name") == "on_event");
    BOOST_TEST(hook.at("args").at("error") == "bad \"one\"\n broke on_event");
    BOOST_TEST(hook.at("args").at("modifier") == "bad \"one\"\n");
  }
  BOOST_TEST(found);
}

BOOST_AUTO_TEST_CASE(of_any_run_every_hook_is_drawn_once_in_order_and_all_is_closed) {
  BOOST_TEST(rc::check("random runs", [] {
    const auto run = takt::test::scripted::any_scripted_run();
    RC_LOG() << run;
    std::string text = takt::test::scripted::record_text(run);
    const bool torn = *takt::test::evenly(0, 3) == 0;
    if (torn) {
      const std::size_t header = text.find('\n') + 1;
      text.resize(*takt::test::evenly<std::size_t>(header, text.size()));
    }
    std::istringstream in{text};
    const takt::Trace trace = takt::read_trace(in);
    std::vector<std::string> expected;
    for (const takt::TraceEntry& entry : trace.entries) {
      for (const takt::HookRun& hook : entry.hooks) {
        std::ostringstream line;
        line << trace.modifier(hook.modifier).name << '.' << hook.hook << ' ' << entry.step << '/'
             << entry.batch;
        expected.push_back(line.str());
      }
    }
    const auto events = chrome_events(text);
    const auto tracks = tracks_of(events);
    std::vector<std::string> drawn;
    for (const Json& hook : of_phase(events, "X")) {
      std::ostringstream line;
      line << tracks.at(hook.at("tid").get<std::int64_t>()) << '.'
           << hook.at("name").get<std::string>() << ' ' << hook.at("args").at("step") << '/'
           << hook.at("args").at("batch");
      drawn.push_back(line.str());
    }
    RC_ASSERT(drawn == expected);
    RC_ASSERT(is_balanced(events));
    RC_ASSERT(is_in_order(events));
  }));
}

BOOST_AUTO_TEST_CASE(each_entry_is_told_and_what_is_wrong_passes_on) {
  std::istringstream in{bare_header +
                        "\n{\"event\":\"initialize\",\"step\":0,\"batch\":0}\nnonsense\n"};
  takt::TraceReader reader{in};
  std::ostringstream out;
  int entries = 0;
  BOOST_CHECK_THROW(takt::write_chrome_trace(reader, out, [&] { ++entries; }), takt::TraceError);
  BOOST_TEST(entries == 1);
}

BOOST_AUTO_TEST_SUITE_END()
