// SPDX-License-Identifier: BSL-1.0
#include <boost/test/unit_test.hpp>
#include <string>
#include <takt/error.hpp>
#include <takt/modifiers/select_prunable.hpp>
#include <vector>

#include "vector_model.hpp"

namespace {

using Names = std::vector<std::string>;

struct Network {
  VectorModel model{{{.name = "conv.weight", .shape = {8, 3, 5, 5}, .kind = "Conv2d"},
                     {.name = "conv.bias", .shape = {8}, .kind = "Conv2d"},
                     {.name = "fc.weight", .shape = {4, 8}, .kind = "Linear"},
                     {.name = "fc.bias", .shape = {4}, .kind = "Linear"},
                     {.name = "norm.scale", .shape = {8}, .kind = "LayerNorm"},
                     {.name = "temperature"}}};

  std::string chosen(const Names& targets, const Names& ignore = {}) {
    std::string names;
    for (const std::size_t i : takt::select_prunable(model, targets, ignore)) {
      names += (names.empty() ? "" : " ") + model[i].name;
    }
    return names;
  }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(select_prunable, Network)

BOOST_AUTO_TEST_CASE(a_kind_means_the_weights_of_its_layers) {
  BOOST_TEST(chosen({"Linear"}) == "fc.weight");
  BOOST_TEST(chosen({"Linear", "Conv2d"}) == "conv.weight fc.weight");
}

BOOST_AUTO_TEST_CASE(all_means_all_of_rank_2_and_more) {
  BOOST_TEST(chosen({"__ALL__"}) == "conv.weight fc.weight");
  BOOST_TEST(chosen({"__ALL_PRUNABLE__"}) == "conv.weight fc.weight");
}

BOOST_AUTO_TEST_CASE(a_vector_that_is_named_stays) {
  BOOST_TEST(chosen({"fc.bias"}) == "fc.bias");
  BOOST_TEST(chosen({"temperature"}) == "temperature");
  BOOST_TEST(chosen({"re:.*bias"}) == "conv.bias fc.bias");
  BOOST_TEST(chosen({"Linear", "fc.bias"}) == "fc.weight fc.bias");
  BOOST_TEST(chosen({"__ALL__", "re:conv"}) == "conv.weight conv.bias fc.weight");
}

BOOST_AUTO_TEST_CASE(what_is_ignored_is_left_out) {
  BOOST_TEST(chosen({"__ALL__", "fc.bias"}, {"fc.bias"}) == "conv.weight fc.weight");
  BOOST_TEST(chosen({"__ALL__"}, {"Conv2d"}) == "fc.weight");
}

BOOST_AUTO_TEST_CASE(targets_that_leave_nothing_to_prune_are_refused) {
  BOOST_CHECK_THROW(chosen({"fc1.weight"}), takt::TargetError);
  BOOST_CHECK_EXCEPTION(chosen({"LayerNorm"}), takt::TargetError, [](const auto& error) {
    return std::string{error.what()}.find("norm.scale") != std::string::npos;
  });
}

BOOST_AUTO_TEST_SUITE_END()
