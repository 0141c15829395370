// SPDX-License-Identifier: BSL-1.0
#include <boost/test/unit_test.hpp>
#include <string>
#include <takt/error.hpp>
#include <takt/modifiers/mask_structure.hpp>

using takt::mask_structure_from_string;
using takt::MaskStructure;
using Kind = takt::MaskStructure::Kind;

BOOST_AUTO_TEST_SUITE(mask_structure)

BOOST_AUTO_TEST_CASE(each_of_the_five_forms_is_read) {
  BOOST_TEST((mask_structure_from_string("unstructured") == MaskStructure{}));
  BOOST_TEST((mask_structure_from_string("channel") == MaskStructure{.kind = Kind::channel}));
  BOOST_TEST((mask_structure_from_string("filter") == MaskStructure{.kind = Kind::filter}));
  BOOST_TEST((mask_structure_from_string("2:4") ==
              MaskStructure{.kind = Kind::n_of_m, .kept = 2, .group = 4}));
  BOOST_TEST((mask_structure_from_string("1:16") ==
              MaskStructure{.kind = Kind::n_of_m, .kept = 1, .group = 16}));
  BOOST_TEST((mask_structure_from_string("block_4,1") ==
              MaskStructure{.kind = Kind::block, .rows = 4, .columns = 1}));
}

BOOST_AUTO_TEST_CASE(anything_else_is_refused_with_the_forms_there_are) {
  for (const char* const text : {"",
                                 "random",
                                 "Unstructured",
                                 "filter ",
                                 "2:",
                                 ":4",
                                 "2:4:8",
                                 "2;4",
                                 "0:4",
                                 "4:4",
                                 "5:4",
                                 "-1:4",
                                 " 2:4",
                                 "2:4 ",
                                 "2: 4",
                                 "1.5:4",
                                 "2:99999999999999999999",
                                 "block_",
                                 "block_4",
                                 "block_4,",
                                 "block_0,1",
                                 "block_1,-1",
                                 "block_4,1,1",
                                 "block4,1"}) {
    try {
      (void)mask_structure_from_string(text);
      BOOST_ERROR("not refused: \"" << text << "\"");
    } catch (const takt::InvalidModifier& error) {
      const std::string message = error.what();
      BOOST_TEST(message.find("\"" + std::string{text} + "\"") != std::string::npos, message);
      for (const char* const form : {"unstructured", "N:M", "channel", "filter", "block_R,C"}) {
        BOOST_TEST(message.find(form) != std::string::npos, message);
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(the_text_of_a_structure_reads_back_as_it) {
  for (const char* const text : {"unstructured", "2:4", "channel", "filter", "block_8,16"}) {
    BOOST_TEST(to_string(mask_structure_from_string(text)) == text);
  }
}

BOOST_AUTO_TEST_SUITE_END()
