// SPDX-License-Identifier: BSL-1.0
// The format of a trace: what is written, and that it reads back.
#include "takt/trace.hpp"

#include <rapidcheck.h>

#include <array>
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <cstdint>
#include <limits>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include "takt/error.hpp"
#include "trace_cases.hpp"

namespace {

using boost::test_tools::per_element;
using takt::BusCall;
using takt::EventSet;
using takt::EventType;
using takt::Hook;
using takt::HookRun;
using takt::Trace;
using takt::TracedModifier;
using takt::TraceEntry;
using takt::TraceKind;
using takt::test::bare_header;
using takt::test::lines_of;
using takt::test::same;
using takt::test::trace_in;
using takt::test::written;

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();
constexpr std::int64_t most = std::numeric_limits<std::int64_t>::max();

/// A run with each kind of line, as it is written.
const std::string every_kind =
    R"({"takt_trace":1,"start":{"step":3,"batch":5,"steps_per_epoch":44,"batches_per_step":2,"invocations_per_step":2},"order":"several_steps","errors":"collect","modifiers":[{"name":"prune","start":4,"end":28,"update":0.5,"group":0,"due":["batch_start"],"every":["optim_post_step"]},{"name":"log","group":-7,"due":[],"every":[]}]}
{"event":"initialize","step":3,"batch":5,"t":12,"hooks":[{"modifier":"prune","hook":"on_initialize","ns":1240},{"modifier":"log","hook":"on_initialize","ns":90210}]}
{"event":"batch_start","step":3,"batch":5,"t":100}
{"event":"loss_calculated","step":3,"batch":5,"t":200,"loss":0.25}
{"event":"loss_calculated","step":3,"batch":5,"t":201}
{"event":"optim_pre_step","step":3,"batch":5,"t":300}
{"event":"optim_post_step","step":3,"batch":5,"t":400}
{"event":"batch_end","step":3,"batch":5,"t":500,"hooks":[{"modifier":"log","hook":"on_update","ns":7,"error":"disk full"}]}
{"add":{"name":"late","end":"inf","group":1,"due":["batch_end"],"every":["batch_start"]},"step":4,"batch":6,"t":600,"hooks":[{"modifier":"late","hook":"on_initialize","ns":5}]}
{"remove":"prune","step":4,"batch":6,"t":700,"hooks":[{"modifier":"prune","hook":"on_end","ns":1},{"modifier":"prune","hook":"on_finalize","ns":2}]}
{"event":"calibration_epoch_start","step":4,"batch":6,"t":800}
{"event":"sequential_epoch_end","step":4,"batch":6,"t":900,"layers":["fc1","fc2"]}
{"event":"calibration_epoch_end","step":4,"batch":6,"t":1000}
{"call":"abort_calibration_epoch","step":4,"batch":6,"t":1100}
{"call":"abort_batch","step":4,"batch":6,"t":1200,"hooks":[{"modifier":"late","hook":"on_abort","ns":3}]}
{"event":"finalize","step":4,"batch":6,"t":1300}
)";

/// The error of one hook, written and read.
std::string read_back(const std::string& error) {
  Trace trace;
  trace.header.modifiers = {{.name = "m"}};
  trace.entries = {{.hooks = {{.error = error}}}};
  return trace_in(written(trace)).entries.at(0).hooks.at(0).error.value();
}

std::string loss_as_text(double loss) {
  Trace trace;
  trace.entries = {{.call = BusCall::loss_calculated, .loss = loss}};
  const std::string line = lines_of(written(trace, false)).at(1);
  const std::string before = R"({"event":"loss_calculated","step":0,"batch":0,"loss":)";
  BOOST_TEST_REQUIRE(line.starts_with(before));
  return line.substr(before.size(), line.size() - before.size() - 1);
}

// ---- Any trace ----------------------------------------------------------------------------------

std::int64_t any_count() {
  return *rc::gen::oneOf(rc::gen::inRange<std::int64_t>(0, 1000),
                         rc::gen::inRange<std::int64_t>(0, most),
                         rc::gen::element<std::int64_t>(0, 1, most - 1, most));
}

double any_number() {
  return *rc::gen::oneOf(
      rc::gen::arbitrary<double>(),
      rc::gen::element(not_a_number, infinity, -infinity, 0.0, -0.0, 0.1, 5e-324, -1e-310,
                       1.7976931348623157e308, 9007199254740993.0, 1e15, 1e16, 1e22, 1e23,
                       9223372036854775808.0, -9223372036854775808.0, 18446744073709551616.0));
}

/// One character as UTF-8.
std::string utf8(std::uint32_t c) {
  const auto byte = [](std::uint32_t value) { return static_cast<char>(value); };
  const auto tail = [&](unsigned shift) { return byte(0x80U | ((c >> shift) & 0x3fU)); };
  if (c < 0x80) return {byte(c)};
  if (c < 0x800) return {byte(0xc0U | c >> 6U), tail(0)};
  if (c < 0x10000) return {byte(0xe0U | c >> 12U), tail(6), tail(0)};
  return {byte(0xf0U | c >> 18U), tail(12), tail(6), tail(0)};
}

std::string any_text() {
  std::string text;
  const auto characters = *rc::gen::container<std::vector<std::uint32_t>>(rc::gen::oneOf(
      rc::gen::inRange<std::uint32_t>(0, 0x80), rc::gen::inRange<std::uint32_t>(0x80, 0xd800),
      rc::gen::inRange<std::uint32_t>(0xe000, 0x110000),
      rc::gen::element<std::uint32_t>('"', '\\', '\n', '\r', 0, 0x7f, 0x2028, 0xfeff, 0xffff)));
  for (const std::uint32_t c : characters) text += utf8(c);
  return text;
}

EventSet any_events() {
  EventSet events;
  for (const EventType type : EventSet::all()) {
    if (*rc::gen::arbitrary<bool>()) events |= type;
  }
  return events;
}

takt::Cadence any_cadence() {
  takt::Cadence cadence;
  if (*rc::gen::arbitrary<bool>()) {
    const double start = any_number();
    cadence.start = std::isfinite(start) ? start : -2.5;
  }
  if (*rc::gen::arbitrary<bool>()) {
    const double end = any_number();
    cadence.end = end >= cadence.start.value_or(-infinity) ? end : infinity;
  }
  if (*rc::gen::arbitrary<bool>()) {
    const double update = std::abs(any_number());
    cadence.update = std::isnan(update) ? infinity : update;
  }
  return cadence;
}

/// Builds a trace in which names mean what they say.
class AnyTrace {
 public:
  Trace make() {
    trace_.header.start = {.invocations_per_step = 1 + any_count() / 2,
                           .global_step = any_count(),
                           .global_batch = any_count()};
    if (*rc::gen::arbitrary<bool>()) trace_.header.start.steps_per_epoch = 1 + any_count() / 2;
    if (*rc::gen::arbitrary<bool>()) trace_.header.start.batches_per_step = 1 + any_count() / 2;
    trace_.header.options.order = *rc::gen::element(takt::OrderPolicy::one_step,  //
                                                    takt::OrderPolicy::several_steps);
    trace_.header.options.errors = *rc::gen::element(
        takt::ErrorPolicy::propagate, takt::ErrorPolicy::collect, takt::ErrorPolicy::quarantine);
    const int there = *rc::gen::inRange(0, 4);
    for (int i = 0; i < there; ++i) trace_.header.modifiers.push_back(joins());
    const int count = *rc::gen::inRange(0, 12);
    for (int i = 0; i < count; ++i) add_entry();
    return trace_;
  }

 private:
  TracedModifier joins() {
    std::string name = any_text();
    while (!names_.insert(name).second || name.empty()) name += 'x';
    here_.push_back(trace_.header.modifiers.size() + trace_.added.size());
    return {.name = name,
            .cadence = any_cadence(),
            .interests = {.due = any_events(), .every = any_events()},
            .group = *rc::gen::arbitrary<int>()};
  }

  void add_entry() {
    TraceEntry entry{.step = any_count(), .batch = any_count(), .nanoseconds = any_count()};
    const int what = *rc::gen::inRange(0, 8);
    if (what == 0) {
      entry.kind = TraceKind::addition;
      trace_.added.push_back(joins());
      entry.modifier = here_.back();
    } else if (what == 1 && !here_.empty()) {
      entry.kind = TraceKind::removal;
      entry.modifier = *rc::gen::elementOf(here_);
    } else {
      entry.call = static_cast<BusCall>(*rc::gen::inRange<int>(0, takt::bus_call_count));
      if (entry.call == BusCall::loss_calculated) entry.loss = any_number();
      if (entry.call == BusCall::sequential_epoch_end) entry.layers = {any_text(), any_text()};
    }
    for (int left = *rc::gen::inRange(0, 4); left > 0 && !here_.empty(); --left) {
      HookRun run{.modifier = *rc::gen::elementOf(here_),
                  .hook = static_cast<Hook>(*rc::gen::inRange(0, 7)),
                  .nanoseconds = any_count()};
      if (*rc::gen::inRange(0, 4) == 0) run.error = any_text();
      entry.hooks.push_back(run);
    }
    if (entry.kind == TraceKind::removal) {
      names_.erase(trace_.modifier(entry.modifier).name);
      std::erase(here_, entry.modifier);
    }
    trace_.entries.push_back(entry);
  }

  Trace trace_;
  std::vector<std::size_t> here_;
  std::set<std::string> names_;
};

}  // namespace

BOOST_AUTO_TEST_SUITE(trace)

BOOST_AUTO_TEST_CASE(each_kind_of_line_is_read) {
  const Trace trace = trace_in(every_kind);
  const takt::TraceHeader& header = trace.header;
  BOOST_TEST((header.start == takt::Event{.steps_per_epoch = 44,
                                          .batches_per_step = 2,
                                          .invocations_per_step = 2,
                                          .global_step = 3,
                                          .global_batch = 5}));
  BOOST_TEST((header.options.order == takt::OrderPolicy::several_steps));
  BOOST_TEST((header.options.errors == takt::ErrorPolicy::collect));
  BOOST_TEST(
      same(header.modifiers, {{.name = "prune",
                               .cadence = {.start = 4.0, .end = 28.0, .update = 0.5},
                               .interests = {EventType::BATCH_START, EventType::OPTIM_POST_STEP}},
                              {.name = "log", .group = -7}}));
  BOOST_TEST(same(trace.added, {{.name = "late",
                                 .cadence = {.end = infinity},
                                 .interests = {EventType::BATCH_END, EventType::BATCH_START},
                                 .group = 1}}));

  const auto at = [](TraceEntry entry, std::int64_t nanoseconds, bool later = true) {
    entry.step = later ? 4 : 3;
    entry.batch = later ? 6 : 5;
    entry.nanoseconds = nanoseconds;
    return entry;
  };
  const std::vector<TraceEntry> entries{
      at({.hooks = {{0, Hook::on_initialize, 1240, {}}, {1, Hook::on_initialize, 90210, {}}}}, 12,
         false),
      at({.call = BusCall::batch_start}, 100, false),
      at({.call = BusCall::loss_calculated, .loss = 0.25}, 200, false),
      at({.call = BusCall::loss_calculated}, 201, false),
      at({.call = BusCall::optim_pre_step}, 300, false),
      at({.call = BusCall::optim_post_step}, 400, false),
      at({.call = BusCall::batch_end, .hooks = {{1, Hook::on_update, 7, "disk full"}}}, 500, false),
      at({.kind = TraceKind::addition, .modifier = 2, .hooks = {{2, Hook::on_initialize, 5, {}}}},
         600),
      at({.kind = TraceKind::removal,
          .modifier = 0,
          .hooks = {{0, Hook::on_end, 1, {}}, {0, Hook::on_finalize, 2, {}}}},
         700),
      at({.call = BusCall::calibration_epoch_start}, 800),
      at({.call = BusCall::sequential_epoch_end, .layers = {"fc1", "fc2"}}, 900),
      at({.call = BusCall::calibration_epoch_end}, 1000),
      at({.call = BusCall::abort_calibration_epoch}, 1100),
      at({.call = BusCall::abort_batch, .hooks = {{2, Hook::on_abort, 3, {}}}}, 1200),
      at({.call = BusCall::finalize}, 1300)};
  BOOST_TEST_REQUIRE(trace.entries.size() == entries.size());
  for (std::size_t i = 0; i < entries.size(); ++i) {
    BOOST_TEST(same(trace.entries[i], entries[i]), "entry " << i);
  }
}

BOOST_AUTO_TEST_CASE(what_was_written_is_written_again_as_it_was) {
  BOOST_TEST(lines_of(written(trace_in(every_kind))) == lines_of(every_kind), per_element());
  BOOST_TEST(written(trace_in(every_kind)) == every_kind);
}

BOOST_AUTO_TEST_CASE(without_times_two_runs_that_went_the_same_way_are_the_same_text) {
  Trace trace = trace_in(every_kind);
  const std::string text = written(trace, false);
  BOOST_TEST(text.find("\"t\":") == std::string::npos);
  BOOST_TEST(text.find("\"ns\":") == std::string::npos);
  BOOST_TEST(lines_of(text).at(8) ==
             R"({"add":{"name":"late","end":"inf","group":1,"due":["batch_end"],)"
             R"("every":["batch_start"]},"step":4,"batch":6,)"
             R"("hooks":[{"modifier":"late","hook":"on_initialize"}]})");
  for (TraceEntry& entry : trace.entries) {
    entry.nanoseconds += 17;
    for (HookRun& run : entry.hooks) run.nanoseconds *= 3;
  }
  BOOST_TEST(written(trace, false) == text);
  BOOST_TEST(written(trace_in(text), false) == text);
}

BOOST_AUTO_TEST_CASE(what_a_header_and_a_line_may_leave_out_is_as_it_is_by_default) {
  const Trace trace = trace_in(bare_header + "\n" + R"({"event":"initialize","step":1,"batch":2})");
  BOOST_TEST((trace.header.start == takt::Event{}));
  BOOST_TEST((trace.header.options.order == takt::OrderPolicy::one_step));
  BOOST_TEST((trace.header.options.errors == takt::ErrorPolicy::propagate));
  BOOST_TEST(trace.header.modifiers.empty());
  BOOST_TEST(same(trace.entries, {{.step = 1, .batch = 2}}));
  const Trace with_modifier =
      trace_in(R"({"takt_trace":1,"start":{"step":0,"batch":0},"modifiers":[{"name":"a"}]})");
  BOOST_TEST(same(with_modifier.header.modifiers, {{.name = "a"}}));
}

BOOST_AUTO_TEST_CASE(losses_are_the_shortest_numbers_that_read_back_as_they_were) {
  BOOST_TEST(loss_as_text(0.0) == "0");
  BOOST_TEST(loss_as_text(-0.0) == "-0.0");
  BOOST_TEST(loss_as_text(0.1) == "0.1");
  BOOST_TEST(loss_as_text(-3.0) == "-3");
  BOOST_TEST(loss_as_text(1.0 / 3.0) == "0.3333333333333333");
  BOOST_TEST(loss_as_text(5e-324) == "5e-324");
  BOOST_TEST(loss_as_text(infinity) == R"("inf")");
  BOOST_TEST(loss_as_text(-infinity) == R"("-inf")");
  BOOST_TEST(loss_as_text(not_a_number) == R"("nan")");
  BOOST_TEST(loss_as_text(-not_a_number) == R"("nan")");
}

BOOST_AUTO_TEST_CASE(texts_read_back_as_they_were) {
  for (const std::string& text :
       {std::string{""}, std::string{"\"quoted\" \\ and \t tab"}, std::string{"two\nlines\r\n"},
        std::string{"caf\xc3\xa9 \xf0\x9f\xa5\x81"}, std::string{"a\0b", 3},
        std::string{"\x7f\x1b[0m"}}) {
    BOOST_TEST(read_back(text) == text);
  }
}

BOOST_AUTO_TEST_CASE(bytes_that_are_no_utf8_are_replaced) {
  BOOST_TEST(read_back("a\xff"
                       "b") ==
             "a\xef\xbf\xbd"
             "b");
  BOOST_TEST(read_back("cut \xc3") == "cut \xef\xbf\xbd");
  BOOST_TEST(read_back("\xed\xa0\x80").find('\xed') == std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_line_is_one_line_whatever_its_texts) {
  Trace trace;
  trace.header.modifiers = {{.name = "a\nb\r\n"}};
  trace.entries = {{.call = BusCall::sequential_epoch_end,
                    .layers = {"\n", "\n\n"},
                    .hooks = {{.error = "\n"}}}};
  BOOST_TEST(lines_of(written(trace)).size() == 2U);
}

BOOST_AUTO_TEST_CASE(a_name_that_is_free_again_may_be_another_modifiers) {
  const std::string text =
      R"({"takt_trace":1,"start":{"step":0,"batch":0,"invocations_per_step":1},"order":"one_step","errors":"propagate","modifiers":[{"name":"m","group":0,"due":[],"every":[]}]}
{"remove":"m","step":1,"batch":1,"t":0,"hooks":[{"modifier":"m","hook":"on_finalize","ns":0}]}
{"add":{"name":"m","group":0,"due":[],"every":[]},"step":1,"batch":1,"t":0}
{"event":"batch_start","step":1,"batch":1,"t":0,"hooks":[{"modifier":"m","hook":"on_start","ns":0}]}
{"remove":"m","step":1,"batch":1,"t":0}
{"add":{"name":"m","group":5,"due":[],"every":[]},"step":1,"batch":1,"t":0}
{"event":"batch_end","step":1,"batch":1,"t":0,"hooks":[{"modifier":"m","hook":"on_end","ns":0}]}
)";
  const Trace trace = trace_in(text);
  BOOST_TEST(trace.entries.at(0).hooks.at(0).modifier == 0U);
  BOOST_TEST(trace.entries.at(2).hooks.at(0).modifier == 1U);
  BOOST_TEST(trace.entries.at(5).hooks.at(0).modifier == 2U);
  BOOST_TEST(trace.modifier(2).group == 5);
  BOOST_TEST(written(trace) == text);
}

BOOST_AUTO_TEST_CASE(modifiers_are_counted_over_the_headers_and_those_that_joined) {
  Trace trace;
  trace.header.modifiers = {{.name = "a"}, {.name = "b"}};
  trace.added = {{.name = "c"}};
  BOOST_TEST(trace.modifier(0).name == "a");
  BOOST_TEST(trace.modifier(1).name == "b");
  BOOST_TEST(trace.modifier(2).name == "c");
  BOOST_CHECK_THROW((void)trace.modifier(3), std::out_of_range);
}

BOOST_AUTO_TEST_CASE(any_trace_reads_back_as_it_was) {
  BOOST_TEST(rc::check("a trace is read as it was written", [] {
    const Trace trace = AnyTrace{}.make();
    const std::string text = written(trace);
    const Trace again = trace_in(text);
    RC_ASSERT(same(again, trace));
    RC_ASSERT(written(again) == text);
  }));
}

BOOST_AUTO_TEST_CASE(every_beginning_of_a_trace_reads_as_the_lines_that_are_whole) {
  const Trace whole = trace_in(every_kind);
  const std::size_t header_end = every_kind.find('\n');
  for (std::size_t length = 0; length <= every_kind.size(); ++length) {
    std::istringstream in{every_kind.substr(0, length)};
    if (length < header_end) {
      BOOST_CHECK_THROW(takt::TraceReader{in}, takt::TraceError);
      continue;
    }
    takt::TraceReader reader{in};
    std::size_t count = 0;
    for (TraceEntry entry; reader.next(entry); ++count) {
      BOOST_TEST_REQUIRE(same(entry, whole.entries.at(count)));
    }
    // A line counts from its last brace on; the newline behind that may be missing.
    std::size_t ends = 0;
    for (std::size_t at = header_end + 1; at < length + 1 && at < every_kind.size(); ++at) {
      if (every_kind[at] == '\n') ++ends;
    }
    const bool at_line_end =
        length == header_end || every_kind[length - 1] == '\n' || every_kind[length] == '\n';
    BOOST_TEST_REQUIRE(count == ends);
    BOOST_TEST_REQUIRE(reader.torn() == !at_line_end);
  }
}

BOOST_AUTO_TEST_SUITE_END()
