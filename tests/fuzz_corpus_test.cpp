// SPDX-License-Identifier: BSL-1.0
// The cases that the fuzz targets start from, and those that they once failed at.
#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cstddef>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "fuzz/calls_target.hpp"
#include "fuzz/checkpoint_target.hpp"
#include "fuzz/recipe_target.hpp"
#include "fuzz/trace_target.hpp"

namespace {

std::filesystem::path corpus_folder(const std::string& target) {
  return std::filesystem::path{TAKT_FUZZ_CORPUS} / target;
}

std::vector<std::filesystem::path> corpus_of(const std::string& target) {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator{corpus_folder(target)}) {
    files.push_back(entry.path());
  }
  std::ranges::sort(files);
  return files;
}

std::string bytes_of(const std::filesystem::path& file) {
  std::ifstream stream{file, std::ios::binary};
  return {std::istreambuf_iterator<char>{stream}, {}};
}

}  // namespace

BOOST_AUTO_TEST_SUITE(fuzz_corpus)

BOOST_AUTO_TEST_CASE(
    every_recipe_of_the_corpus_is_refused_or_reads_back_from_what_it_is_written_as) {
  std::size_t read = 0;
  for (const std::filesystem::path& file : corpus_of("recipe")) {
    const std::string text = bytes_of(file);
    if (takt::fuzz::recipe_in(text)) ++read;
    try {
      takt::fuzz::check_recipe(text);
    } catch (const std::exception& error) {
      BOOST_ERROR(file.filename().string() << ": " << error.what());
    }
  }
  BOOST_TEST(read >= 10U);
}

BOOST_AUTO_TEST_CASE(what_repeats_too_much_goes_too_deep_or_is_no_text_is_refused) {
  for (const char* const name :
       {"alias_bomb", "args_bomb", "args_text_bomb", "chain_of_args", "deep_aliases", "deep_args",
        "deep_list", "long_name", "makes_eval", "no_utf8", "noncharacter", "stage_twice",
        "stage_without_name", "tagged_merge_as_name", "text_bomb"}) {
    const std::string text = bytes_of(corpus_folder("recipe") / (std::string{name} + ".yaml"));
    BOOST_TEST(!text.empty(), name);
    BOOST_TEST(!takt::fuzz::recipe_in(text).has_value(), name);
  }
}

BOOST_AUTO_TEST_CASE(every_trace_of_the_corpus_is_refused_or_reads_back_and_is_replayed) {
  std::size_t read = 0;
  std::size_t replayed = 0;
  std::size_t equal = 0;
  for (const std::filesystem::path& file : corpus_of("trace")) {
    const std::string text = bytes_of(file);
    if (takt::fuzz::trace_in(text)) ++read;
    try {
      takt::fuzz::check_trace(text);
      const auto comparison = takt::fuzz::replay_of(text);
      if (comparison) ++replayed;
      if (comparison && comparison->equal()) ++equal;
    } catch (const std::exception& error) {
      BOOST_ERROR(file.filename().string() << ": " << error.what());
    }
  }
  BOOST_TEST(read >= 20U);
  BOOST_TEST(replayed >= 15U);
  BOOST_TEST(equal >= 10U);
}

BOOST_AUTO_TEST_CASE(runs_as_they_are_recorded_replay_as_equal) {
  for (const char* const name :
       {"bare", "empty_run", "one_batch", "window", "epochs", "aborts", "calibration",
        "silent_pairs", "huge_invocations", "last_counters", "several_steps", "joins_and_leaves",
        "throws_quarantine", "losses", "windows_lines"}) {
    const std::string text = bytes_of(corpus_folder("trace") / (std::string{name} + ".jsonl"));
    const auto comparison = takt::fuzz::replay_of(text);
    BOOST_TEST_REQUIRE(comparison.has_value(), name);
    BOOST_TEST(comparison->equal(), name << ": " << *comparison);
  }
}

BOOST_AUTO_TEST_CASE(traces_that_no_bus_has_made_are_refused) {
  for (const char* const name : {"empty", "torn_header", "bad_middle", "deep", "nul", "no_utf8",
                                 "other_version", "joins_twice", "leaves_twice", "two_of_a_name"}) {
    const std::string text = bytes_of(corpus_folder("trace") / (std::string{name} + ".jsonl"));
    BOOST_TEST(!takt::fuzz::trace_in(text).has_value(), name);
  }
}

BOOST_AUTO_TEST_CASE(every_sequence_of_calls_in_the_corpus_does_what_the_rules_say) {
  std::size_t made = 0;
  for (const std::filesystem::path& file : corpus_of("calls")) {
    try {
      takt::fuzz::check_calls(bytes_of(file));
      ++made;
    } catch (const std::exception& error) {
      BOOST_ERROR(file.filename().string() << ": " << error.what());
    }
  }
  BOOST_TEST(made >= 20U);
}

BOOST_AUTO_TEST_CASE(the_sequences_of_calls_reach_all_that_can_happen) {
  std::set<std::string> heard;
  std::set<std::pair<takt::OrderPolicy, takt::ErrorPolicy>> policies;
  const auto hear = [&](const std::string& line) {
    heard.insert(line.starts_with("accepts ") || line.starts_with("refuses ")
                     ? line
                     : line.substr(0, line.find(' ')));
  };
  for (const std::filesystem::path& file : corpus_of("calls")) {
    const std::string bytes = bytes_of(file);
    takt::fuzz::Choices choices{bytes};
    const takt::BusOptions options = takt::fuzz::cast_in(choices).options;
    policies.emplace(options.order, options.errors);
    takt::fuzz::check_calls(bytes, hear);
  }
  BOOST_TEST(policies.size() == 6U);
  for (const takt::BusCall call : takt::test::every_call) {
    BOOST_TEST(heard.contains("accepts " + to_string(call)), call);
    BOOST_TEST(heard.contains("refuses " + to_string(call)), call);
  }
  BOOST_TEST(heard.contains("accepts checkpoint"));
  BOOST_TEST(heard.contains("refuses checkpoint"));
  for (const char* const word : {"before", "after", "added", "taken", "too", "removed", "unknown",
                                 "refused", "quarantined"}) {
    BOOST_TEST(heard.contains(word), word);
  }
}

BOOST_AUTO_TEST_CASE(every_checkpoint_of_the_corpus_is_refused_or_goes_on) {
  std::size_t loaded = 0;
  for (const std::filesystem::path& file : corpus_of("checkpoint")) {
    try {
      if (takt::fuzz::check_checkpoint(bytes_of(file))) ++loaded;
    } catch (const std::exception& error) {
      BOOST_ERROR(file.filename().string() << ": " << error.what());
    }
  }
  BOOST_TEST(loaded >= 12U);
}

BOOST_AUTO_TEST_SUITE_END()
