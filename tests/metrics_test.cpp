// SPDX-License-Identifier: BSL-1.0
// What a run writes, and when.
#include <boost/test/unit_test.hpp>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <string>
#include <takt/modifiers/metrics.hpp>
#include <takt/takt.hpp>
#include <tuple>
#include <utility>
#include <vector>

#include "metrics_cases.hpp"

namespace {

using takt::MetricsFormat;
using takt::MetricsModifier;
using takt::MetricsSettings;
using takt::test::has;
using takt::test::metrics::Files;
using takt::test::metrics::Loop;
using takt::test::metrics::milliseconds;
using takt::test::metrics::Rate;

constexpr double infinity = std::numeric_limits<double>::infinity();

std::string refusal(const MetricsSettings& settings) {
  return takt::test::message_of<takt::InvalidModifier>(
      [&] { const MetricsModifier modifier{settings}; });
}

}  // namespace

BOOST_AUTO_TEST_SUITE(metrics)

BOOST_AUTO_TEST_CASE(a_csv_has_a_header_and_a_row_for_each_due_step) {
  const Files files;
  Loop loop{{.cadence = {.update = 2}, .file = files.name("m.csv")}, {.steps_per_epoch = 4}};
  Rate optimizer;
  loop.bus.state().set(optimizer);
  loop.metrics()["accuracy"] = 0.5;
  for (int i = 0; i < 9; ++i) loop.step(1.0 / (1 + i));
  optimizer.rate = 0.01;
  loop.step(2.5);
  loop.bus.finalize();
  BOOST_TEST(files.text("m.csv") ==
             "step,batch,epoch,loss,learning_rate,accuracy\n"
             "0,0,0,1,0.1,0.5\n"
             "8,8,2,0.1111111111111111,0.1,0.5\n");
}

BOOST_AUTO_TEST_CASE(json_lines_have_an_object_for_each_due_step) {
  const Files files;
  Loop loop{{.cadence = {.update = 2}, .file = files.name("m.jsonl")}};
  Rate optimizer;
  loop.step(1.0);
  loop.step(1.0);
  loop.bus.state().set(optimizer);
  loop.metrics() = {{"f1", 0.25}, {"accuracy", 3}};
  loop.step();
  loop.bus.finalize();
  BOOST_TEST(files.text("m.jsonl") ==
             R"({"step":0,"batch":0,"loss":1.0})"
             "\n"
             R"({"step":2,"batch":2,"learning_rate":0.1,"accuracy":3.0,"f1":0.25})"
             "\n");
}

BOOST_AUTO_TEST_CASE(the_format_is_told_by_the_ending_or_set) {
  const Files files;
  for (const auto& [name, format, is_csv] :
       std::vector<std::tuple<std::string, MetricsFormat, bool>>{
           {"a.csv", MetricsFormat::automatic, true},
           {"a.CSV", MetricsFormat::automatic, true},
           {"a.jsonl", MetricsFormat::automatic, false},
           {"a.ndjson", MetricsFormat::automatic, false},
           {"a.txt", MetricsFormat::csv, true},
           {"b.csv", MetricsFormat::jsonl, false}}) {
    Loop loop{{.file = files.name(name), .format = format}};
    loop.step(1.0);
    loop.bus.finalize();
    BOOST_TEST(files.text(name).starts_with(is_csv ? "step," : "{\"step\":"), name);
  }
}

BOOST_AUTO_TEST_CASE(a_metric_that_comes_later_adds_its_column) {
  const Files files;
  Loop loop{{.file = files.name("m.csv")}};
  loop.metrics() = {{"b", 1}};
  loop.step(0.5);
  loop.step(0.5);
  loop.metrics() = {{"a", 2}, {"b", 3}, {"c,d", 4}};
  loop.step(0.25);
  BOOST_TEST(files.text("m.csv") == "step,batch,loss,b,a,\"c,d\"\n0,0,0.5,1,,\n1,1,0.5,1,,\n");
  loop.metrics() = {{"a", 5}, {"e", 6}};
  loop.step();
  loop.bus.finalize();
  BOOST_TEST(files.text("m.csv") ==
             "step,batch,loss,b,a,\"c,d\",e\n0,0,0.5,1,,,\n1,1,0.5,1,,,\n2,2,0.25,3,2,4,\n"
             "3,3,,,5,,6\n");
  BOOST_TEST(!files.has("m.csv.new"));
}

BOOST_AUTO_TEST_CASE(columns_choose_the_metrics_and_their_order) {
  const Files files;
  Loop table{{.file = files.name("m.csv"), .columns = {"f1", "accuracy"}}};
  Loop lines{{.file = files.name("m.jsonl"), .columns = {"f1", "accuracy"}}};
  for (Loop* const loop : {&table, &lines}) {
    loop->step(1.0);
    loop->metrics() = {{"accuracy", 0.5}, {"f1", 0.25}, {"other", 1}};
    loop->step(1.0);
    loop->bus.finalize();
  }
  BOOST_TEST(files.text("m.csv") == "step,batch,loss,f1,accuracy\n0,0,1,,\n1,1,1,0.25,0.5\n");
  BOOST_TEST(has(files.text("m.jsonl"), R"("loss":1.0,"f1":0.25,"accuracy":0.5})"));
  BOOST_TEST(has(files.text("m.jsonl"), R"({"step":0,"batch":0,"loss":1.0})"));
}

BOOST_AUTO_TEST_CASE(a_metric_that_is_called_like_a_column_of_its_own_is_told_apart) {
  const Files files;
  Loop table{{.file = files.name("m.csv")}};
  Loop lines{{.file = files.name("m.jsonl")}};
  for (Loop* const loop : {&table, &lines}) {
    loop->metrics() = {{"loss", 2}, {"step", 3}};
    loop->step(1.0);
    loop->bus.finalize();
  }
  BOOST_TEST(files.text("m.csv") == "step,batch,loss,metrics/loss,metrics/step\n0,0,1,2,3\n");
  BOOST_TEST(files.text("m.jsonl") ==
             R"({"step":0,"batch":0,"loss":1.0,"metrics/loss":2.0,"metrics/step":3.0})"
             "\n");
}

BOOST_AUTO_TEST_CASE(numbers_that_are_not_finite_are_words) {
  const Files files;
  Loop table{{.file = files.name("m.csv")}};
  Loop lines{{.file = files.name("m.jsonl")}};
  for (Loop* const loop : {&table, &lines}) {
    loop->metrics() = {{"a", infinity}, {"b", -infinity}};
    loop->step(std::numeric_limits<double>::quiet_NaN());
    loop->bus.finalize();
  }
  BOOST_TEST(files.text("m.csv") == "step,batch,loss,a,b\n0,0,nan,inf,-inf\n");
  BOOST_TEST(files.text("m.jsonl") == R"({"step":0,"batch":0,"loss":"nan","a":"inf","b":"-inf"})"
                                      "\n");
}

BOOST_AUTO_TEST_CASE(a_name_that_is_no_utf8_is_written_all_the_same) {
  const Files files;
  Loop loop{{.file = files.name("m.jsonl")}};
  loop.metrics() = {{"gr\xFCn", 1}};
  loop.step(1.0);
  loop.bus.finalize();
  BOOST_TEST(has(files.text("m.jsonl"), "\"gr\xEF\xBF\xBDn\":1.0"));
}

BOOST_AUTO_TEST_CASE(a_step_of_several_batches_has_one_row) {
  const Files files;
  Loop loop{{.file = files.name("m.csv")}};
  for (int i = 0; i < 2; ++i) {
    loop.bus.batch([](takt::Batch& batch) { batch.loss(9.0); });
    loop.step(1.0);
  }
  loop.bus.finalize();
  BOOST_TEST(files.text("m.csv") == "step,batch,loss\n0,1,1\n1,3,1\n");
}

BOOST_AUTO_TEST_CASE(a_batch_that_is_aborted_has_no_row) {
  const Files files;
  Loop loop{{.file = files.name("m.csv")}};
  loop.bus.batch_start();
  loop.bus.optim_pre_step();
  loop.bus.optim_post_step();
  loop.bus.abort_batch();
  loop.bus.batch([](takt::Batch& batch) { batch.loss(9.0); });
  loop.step(1.0);
  loop.bus.finalize();
  BOOST_TEST(files.text("m.csv") == "step,batch,loss\n0,1,1\n");
}

BOOST_AUTO_TEST_CASE(rows_are_written_at_first_and_then_each_second) {
  const Files files;
  Loop loop{{.file = files.name("m.csv")}};
  loop.step(1.0);
  BOOST_TEST(files.text("m.csv") == "step,batch,loss\n0,0,1\n");
  loop.time += milliseconds{999};
  loop.step(2.0);
  BOOST_TEST(files.text("m.csv") == "step,batch,loss\n0,0,1\n");
  loop.time += milliseconds{1};
  loop.step(3.0);
  BOOST_TEST(files.text("m.csv") == "step,batch,loss\n0,0,1\n1,1,2\n2,2,3\n");
  loop.step(4.0);
  loop.bus.finalize();
  BOOST_TEST(has(files.text("m.csv"), "\n3,3,4\n"));
}

BOOST_AUTO_TEST_CASE(many_rows_are_written_without_waiting_and_each_line_is_whole) {
  const Files files;
  Loop loop{{.file = files.name("m.csv")}};
  std::uintmax_t size = 0;
  for (int i = 0; i < 10'000; ++i) {
    loop.step(0.5);
    const std::uintmax_t now = std::filesystem::file_size(files / "m.csv");
    if (std::exchange(size, now) != now) BOOST_TEST(files.text("m.csv").ends_with('\n'));
  }
  BOOST_TEST(size > 100'000U);
}

BOOST_AUTO_TEST_CASE(what_is_left_is_written_when_the_window_closes_and_when_the_bus_is_gone) {
  const Files files;
  {
    Loop loop{{.cadence = {.end = 1}, .file = files.name("m.csv")}};
    for (int i = 0; i < 4; ++i) loop.step(1.0);
    BOOST_TEST(files.text("m.csv") == "step,batch,loss\n0,0,1\n1,1,1\n");
  }
  {
    Loop loop{{.file = files.name("n.csv")}};
    for (int i = 0; i < 2; ++i) loop.step(1.0);
  }
  BOOST_TEST(files.text("n.csv") == "step,batch,loss\n0,0,1\n1,1,1\n");
}

BOOST_AUTO_TEST_CASE(a_file_is_replaced_with_the_first_row_and_not_before) {
  const Files files;
  (void)files.file("m.csv", "kept");
  {
    Loop loop{{.cadence = {.start = 1}, .file = files.name("m.csv")}};
    loop.step(1.0);
    BOOST_TEST(files.text("m.csv") == "kept");
    BOOST_TEST(files.has("m.csv.new"));
  }
  BOOST_TEST(files.text("m.csv") == "kept");
  BOOST_TEST(!files.has("m.csv.new"));
  Loop loop{{.file = files.name("m.csv")}};
  loop.step(1.0);
  BOOST_TEST(files.text("m.csv") == "step,batch,loss\n0,0,1\n");
}

BOOST_AUTO_TEST_CASE(a_constructor_touches_no_file) {
  const Files files;
  const MetricsModifier modifier{{.file = files.name("no/such/folder/m.csv")}};
  const MetricsModifier other{{.file = files.name("m.csv")}};
  BOOST_TEST(std::filesystem::is_empty(files.path()));
}

BOOST_AUTO_TEST_CASE(settings_that_make_no_sense_are_refused) {
  BOOST_TEST(has(refusal({}), "file is not set"));
  BOOST_TEST(has(refusal({.name = "log", .file = "m.txt"}), "\"log\": m.txt does not say"));
  BOOST_TEST(has(refusal({.file = "m"}), ".csv, .jsonl or .ndjson"));
  BOOST_TEST(has(refusal({.file = "m.csv", .columns = {"a", ""}}), "empty name"));
  BOOST_TEST(has(refusal({.file = "m.csv", .columns = {"a", "b", "a"}}), "columns has a twice"));
  BOOST_TEST(has(refusal({.file = "m.csv", .columns = {"loss"}}), "loss, which is written anyway"));
  BOOST_CHECK_THROW((MetricsModifier{{.cadence = {.update = -1}, .file = "m.csv"}}),
                    takt::InvalidCadence);
}

BOOST_AUTO_TEST_CASE(a_registry_makes_it) {
  const takt::Registry& registry = takt::Registry::builtin();
  const Files files;
  takt::EventBus bus;
  bus.add(registry.make("MetricsModifier", {{"file", files.name("m.csv")}, {"columns", "a"}}));
  bus.initialize();
  bus.batch([](takt::Batch& batch) { batch.step([] {}); });
  bus.finalize();
  BOOST_TEST(files.text("m.csv") == "step,batch,loss,a\n0,0,,\n");
  BOOST_CHECK_THROW((void)registry.make("MetricsModifier"), takt::SettingError);
  BOOST_CHECK_THROW((void)registry.make("MetricsModifier", {{"file", "m.csv"}, {"format", "tsv"}}),
                    takt::SettingError);
}

BOOST_AUTO_TEST_SUITE_END()
