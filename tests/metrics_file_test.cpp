// SPDX-License-Identifier: BSL-1.0
// Files that are gone on with, files that can't be written, and any file read back.
#include <rapidcheck.h>

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <string_view>
#include <takt/takt.hpp>
#include <utility>
#include <vector>

#include "csv_text.hpp"
#include "metrics_cases.hpp"
#include "number_text.hpp"
#include "small_disk.hpp"

namespace {

using takt::MetricsFormat;
using takt::MetricsSettings;
using takt::test::has;
using takt::test::SmallDisk;
using takt::test::metrics::Files;
using takt::test::metrics::Loop;
using takt::test::metrics::milliseconds;
using takt::test::metrics::Rate;

std::string initialize_error(MetricsSettings settings) {
  return takt::test::message_of<takt::ModifierError>([&] { const Loop loop{std::move(settings)}; });
}

}  // namespace

BOOST_AUTO_TEST_SUITE(metrics_file)

// ---- Going on with a file -----------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(a_resumed_run_goes_on_with_its_file) {
  const Files files;
  for (const std::int64_t first : {0, 2}) {
    for (const char* const name : {"m.csv", "m.jsonl"}) {
      Loop loop{{.file = files.name(name), .append = true},
                {.global_step = first, .global_batch = first}};
      if (first == 2) loop.metrics()["accuracy"] = 0.5;
      loop.step(1.0);
      loop.step(1.0);
      loop.bus.finalize();
    }
  }
  BOOST_TEST(files.text("m.csv") ==
             "step,batch,loss,accuracy\n0,0,1,\n1,1,1,\n2,2,1,0.5\n3,3,1,0.5\n");
  BOOST_TEST(files.text("m.jsonl") ==
             "{\"step\":0,\"batch\":0,\"loss\":1.0}\n{\"step\":1,\"batch\":1,\"loss\":1.0}\n"
             "{\"step\":2,\"batch\":2,\"loss\":1.0,\"accuracy\":0.5}\n"
             "{\"step\":3,\"batch\":3,\"loss\":1.0,\"accuracy\":0.5}\n");
}

BOOST_AUTO_TEST_CASE(a_table_is_gone_on_with_under_its_own_header) {
  const Files files;
  (void)files.file("m.csv", "step,batch,\"a,b\",loss,gone\r\n0,0,1,2,3\r\n");
  Loop loop{{.file = files.name("m.csv"), .append = true}};
  loop.metrics() = {{"a,b", 7}, {"new", 8}};
  loop.step(9.0);
  loop.bus.finalize();
  BOOST_TEST(files.text("m.csv") == "step,batch,\"a,b\",loss,gone,new\n0,0,1,2,3,\n0,0,7,9,,8\n");
}

BOOST_AUTO_TEST_CASE(half_a_row_at_the_end_is_dropped) {
  const Files files;
  for (const auto& [name, text] : std::vector<std::pair<std::string, std::string>>{
           {"m.csv", "step,batch,loss\n0,0,1\n1,1,0.12"},
           {"m.jsonl", "{\"step\":0,\"batch\":0,\"loss\":1.0}\n{\"step\":1,\"bat"}}) {
    (void)files.file(name, text);
    Loop loop{{.file = files.name(name), .append = true}, {.global_step = 1, .global_batch = 1}};
    loop.step(1.0);
    loop.bus.finalize();
  }
  BOOST_TEST(files.text("m.csv") == "step,batch,loss\n0,0,1\n1,1,1\n");
  BOOST_TEST(files.text("m.jsonl") ==
             "{\"step\":0,\"batch\":0,\"loss\":1.0}\n{\"step\":1,\"batch\":1,\"loss\":1.0}\n");
}

BOOST_AUTO_TEST_CASE(a_file_of_another_kind_is_not_gone_on_with) {
  const Files files;
  for (const char* const text :
       {"time,batch\n1,2\n", "step,value\n1,2\n", "step\n1\n", "no line break", "\"step"}) {
    (void)files.file("m.csv", text);
    const std::string message = initialize_error({.file = files.name("m.csv"), .append = true});
    BOOST_TEST(has(message, "m.csv is no CSV to go on with"), message);
    BOOST_TEST(files.text("m.csv") == text);
  }
  (void)files.file("m.jsonl", "step,batch\n");
  const std::string message = initialize_error({.file = files.name("m.jsonl"), .append = true});
  BOOST_TEST(has(message, "m.jsonl is no JSON Lines file"), message);
  BOOST_TEST(files.text("m.jsonl") == "step,batch\n");
}

BOOST_AUTO_TEST_CASE(an_empty_file_is_begun) {
  const Files files;
  (void)files.file("m.csv", "");
  Loop loop{{.file = files.name("m.csv"), .append = true}};
  loop.step(1.0);
  loop.bus.finalize();
  BOOST_TEST(files.text("m.csv") == "step,batch,loss\n0,0,1\n");
}

// ---- What can't be written ----------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(a_file_that_can_not_be_opened_is_an_error_of_initialize) {
  const Files files;
  BOOST_TEST(has(initialize_error({.name = "log", .file = files.name("none/m.csv")}),
                 "metrics modifier \"log\": "));
  BOOST_TEST(has(initialize_error({.file = files.name("none/m.csv")}), "No such file"));
  std::filesystem::create_directory(files / "m.csv");
  BOOST_TEST(has(initialize_error({.file = files.name("m.csv")}), "is a folder"));
}

BOOST_AUTO_TEST_CASE(a_full_disk_is_told_once_and_the_file_keeps_whole_rows) {
  const Files files;
  for (const char* const name : {"m.csv", "m.jsonl"}) {
    Loop loop{{.file = files.name(name)}};
    int errors = 0;
    {
      const SmallDisk disk{205};
      for (int i = 0; i < 100; ++i) {
        loop.time += milliseconds{1000};
        try {
          loop.step(0.5);
        } catch (const takt::ModifierError& error) {
          BOOST_TEST(has(error.what(), "can't be written any more"), error.what());
          ++errors;
        }
      }
    }
    loop.step(0.5);
    loop.bus.finalize();
    BOOST_TEST(errors == 1);
    BOOST_TEST(loop.bus.now().global_step == 101);
    const std::string text = files.text(name);
    BOOST_TEST(text.size() > 160U);
    BOOST_TEST(text.ends_with(has(name, "csv") ? ",0.5\n" : ":0.5}\n"), text);
  }
}

BOOST_AUTO_TEST_CASE(a_disk_too_full_for_the_table_anew_leaves_the_one_that_was) {
  const Files files;
  Loop loop{{.file = files.name("m.csv")}};
  for (int i = 0; i < 10; ++i) loop.step(0.5);
  loop.metrics()["late"] = 1;
  {
    const SmallDisk disk{100};
    BOOST_CHECK_THROW(loop.step(0.5), takt::ModifierError);
  }
  loop.step(0.5);
  loop.bus.finalize();
  const std::string text = files.text("m.csv");
  BOOST_TEST(text.starts_with("step,batch,loss\n0,0,0.5\n"), text);
  BOOST_TEST(text.ends_with(",0.5\n"), text);
  BOOST_TEST(!files.has("m.csv.new"));
}

BOOST_AUTO_TEST_CASE(a_disk_that_is_full_after_the_table_was_written_anew_costs_no_whole_row) {
  const Files files;
  Loop loop{{.file = files.name("m.csv")}};
  loop.step(0.5);
  loop.step(0.5);
  loop.metrics()["late"] = 1;
  loop.step(0.5);
  const std::string before = "step,batch,loss,late\n0,0,0.5,\n1,1,0.5,\n";
  BOOST_TEST(files.text("m.csv") == before);
  {
    const SmallDisk disk{before.size() + 3};
    loop.time += milliseconds{1000};
    BOOST_CHECK_THROW(loop.step(0.5), takt::ModifierError);
  }
  BOOST_TEST(files.text("m.csv") == before);
}

BOOST_AUTO_TEST_CASE(a_full_disk_is_left_to_quarantine_when_that_is_the_policy) {
  Loop loop{{.file = "/dev/full", .format = MetricsFormat::jsonl},
            {},
            {.errors = takt::ErrorPolicy::quarantine}};
  loop.step(0.5);
  loop.step(0.5);
  BOOST_TEST(loop.bus.quarantined().size() == 1U);
  BOOST_CHECK_NO_THROW(loop.bus.finalize());
}

BOOST_AUTO_TEST_CASE(a_device_needs_columns_for_a_table) {
  const std::string message = initialize_error({.file = "/dev/null", .format = MetricsFormat::csv});
  BOOST_TEST(has(message, "columns is not set; /dev/null"), message);
  Loop loop{{.file = "/dev/null", .format = MetricsFormat::csv, .columns = {"a"}}};
  loop.step(1.0);
  Rate optimizer;
  loop.bus.state().set(optimizer);
  BOOST_CHECK_NO_THROW(loop.step(1.0));
  BOOST_CHECK_NO_THROW(loop.bus.finalize());
}

// ---- Any run ------------------------------------------------------------------------------------

/// The metrics of each step, by names that need quoting at times.
using Course = std::vector<std::map<std::string, double>>;

Course draw_course() {
  using Drawn = std::vector<std::pair<std::string, double>>;
  const auto name = rc::gen::element<std::string>("a", "b,c", "\"", "two\nlines", "loss", "");
  const auto metrics = rc::gen::container<Drawn>(rc::gen::pair(name, rc::gen::arbitrary<double>()));
  Course course;
  for (const Drawn& drawn : *rc::gen::container<std::vector<Drawn>>(metrics)) {
    course.emplace_back(drawn.begin(), drawn.end());
  }
  return course;
}

std::vector<std::vector<std::string>> records_in(std::string_view text) {
  std::vector<std::vector<std::string>> records;
  while (const auto record = takt::detail::first_csv_record(text)) {
    records.push_back(record->fields);
    text.remove_prefix(record->size);
  }
  BOOST_TEST_REQUIRE(text.empty());
  return records;
}

BOOST_AUTO_TEST_CASE(any_run_reads_back_from_its_file) {
  const Files files;
  BOOST_TEST(rc::check("each metric of each step, in both formats", [&] {
    const Course course = draw_course();
    const auto resumed = *rc::gen::inRange<std::size_t>(0, course.size() + 1);
    std::filesystem::remove(files / "m.csv");
    std::filesystem::remove(files / "m.jsonl");
    for (const auto& [first, last] :
         {std::pair{std::size_t{0}, resumed}, std::pair{resumed, course.size()}}) {
      const auto at = static_cast<std::int64_t>(first);
      for (const char* const name : {"m.csv", "m.jsonl"}) {
        Loop loop{{.file = files.name(name), .append = true}, {.global_step = at}};
        for (std::size_t i = first; i < last; ++i) {
          loop.time += milliseconds{*rc::gen::element(0, 1000)};
          loop.metrics() = course[i];
          loop.step(1.0);
        }
        if (*rc::gen::arbitrary<bool>()) loop.bus.finalize();
      }
    }
    const auto table = records_in(files.text("m.csv"));
    RC_ASSERT(table.size() == (course.empty() ? 0 : course.size() + 1));
    std::istringstream lines{files.text("m.jsonl")};
    for (std::size_t i = 0; i < course.size(); ++i) {
      std::string line;
      std::getline(lines, line);
      const auto object = nlohmann::json::parse(line);
      RC_ASSERT(object.size() == 3 + course[i].size());
      RC_ASSERT(table[i + 1].size() == table[0].size());
      std::size_t written = 0;
      for (const std::string& field : table[i + 1]) written += field.empty() ? 0 : 1;
      RC_ASSERT(written == 3 + course[i].size());
      RC_ASSERT(table[i + 1][0] == std::to_string(i));
      for (const auto& [metric, value] : course[i]) {
        const std::string name = metric == "loss" ? "metrics/loss" : metric;
        const auto column = std::find(table[0].begin(), table[0].end(), name) - table[0].begin();
        RC_ASSERT(table[i + 1].at(static_cast<std::size_t>(column)) ==
                  takt::detail::text_of(value));
        if (std::isfinite(value)) RC_ASSERT(object.at(name) == value);
      }
    }
  }));
}

BOOST_AUTO_TEST_SUITE_END()
