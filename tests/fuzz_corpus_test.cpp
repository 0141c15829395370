// SPDX-License-Identifier: BSL-1.0
// The cases that the fuzz targets start from, and those that they once failed at.
#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cstddef>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "fuzz/recipe_target.hpp"

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

BOOST_AUTO_TEST_SUITE_END()
