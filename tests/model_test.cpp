// SPDX-License-Identifier: BSL-1.0
#include "takt/model.hpp"

#include <boost/test/unit_test.hpp>
#include <string>
#include <utility>
#include <vector>

#include "error_text.hpp"
#include "takt/error.hpp"

namespace {

using Positions = std::vector<std::size_t>;
using Names = std::vector<std::string>;

/// A model of parameters without values.
class Outline : public takt::Model {
 public:
  struct Entry {
    std::string name;
    std::vector<std::int64_t> shape;
    std::string kind;
  };

  explicit Outline(std::vector<Entry> entries) : entries_{std::move(entries)} {}

  [[nodiscard]] std::size_t parameter_count() const override { return entries_.size(); }
  [[nodiscard]] takt::Parameter parameter(std::size_t i) override {
    const Entry& entry = entries_.at(i);
    return {.name = entry.name, .shape = entry.shape, .kind = entry.kind};
  }

 private:
  std::vector<Entry> entries_;
};

struct Network : Outline {
  Network()
      : Outline{{{"conv.weight", {8, 3, 5, 5}, "Conv2d"},
                 {"conv.bias", {8}, "Conv2d"},
                 {"fc1.weight", {64, 32}, "Linear"},
                 {"fc1.bias", {64}, "Linear"},
                 {"fc10.weight", {10, 64}, "Linear"},
                 {"scale", {}, ""}}} {}

  Positions chosen(const Names& targets, const Names& ignore = {}) {
    return takt::select(*this, targets, ignore);
  }

  std::string refusal(const Names& targets, const Names& ignore = {}) {
    try {
      (void)chosen(targets, ignore);
    } catch (const takt::TargetError& error) {
      return error.what();
    }
    return "";
  }
};

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

#define TAKT_CHECK_POSITIONS(actual, ...) \
  BOOST_TEST((actual) == (Positions{__VA_ARGS__}), boost::test_tools::per_element())

BOOST_FIXTURE_TEST_SUITE(model, Network)

BOOST_AUTO_TEST_CASE(a_target_is_the_exact_name_of_a_parameter) {
  TAKT_CHECK_POSITIONS(chosen({"fc1.weight"}), 2);
  TAKT_CHECK_POSITIONS(chosen({"scale"}), 5);
}

BOOST_AUTO_TEST_CASE(a_part_of_a_name_is_no_target) {
  BOOST_CHECK_THROW(chosen({"fc1"}), takt::TargetError);
  BOOST_CHECK_THROW(chosen({"weight"}), takt::TargetError);
  BOOST_CHECK_THROW(chosen({"FC1.weight"}), takt::TargetError);
}

BOOST_AUTO_TEST_CASE(a_target_is_the_kind_of_a_layer) {
  TAKT_CHECK_POSITIONS(chosen({"Linear"}), 2, 3, 4);
  TAKT_CHECK_POSITIONS(chosen({"Conv2d"}), 0, 1);
}

BOOST_AUTO_TEST_CASE(a_regular_expression_matches_from_the_beginning_of_a_name) {
  TAKT_CHECK_POSITIONS(chosen({"re:fc1"}), 2, 3, 4);
  TAKT_CHECK_POSITIONS(chosen({"re:c"}), 0, 1);
  BOOST_CHECK_THROW(chosen({"re:weight"}), takt::TargetError);
}

BOOST_AUTO_TEST_CASE(a_regular_expression_may_leave_the_end_of_a_name_open) {
  TAKT_CHECK_POSITIONS(chosen({"re:.*weight"}), 0, 2, 4);
  TAKT_CHECK_POSITIONS(chosen({"re:fc1\\."}), 2, 3);
  TAKT_CHECK_POSITIONS(chosen({R"(re:fc\d+\.weight$)"}), 2, 4);
}

BOOST_AUTO_TEST_CASE(a_regular_expression_does_not_match_kinds) {
  BOOST_CHECK_THROW(chosen({"re:Linear"}), takt::TargetError);
}

BOOST_AUTO_TEST_CASE(an_exact_name_is_not_read_as_a_regular_expression) {
  BOOST_CHECK_THROW(chosen({"fc1.weigh."}), takt::TargetError);
}

BOOST_AUTO_TEST_CASE(all_means_every_parameter) {
  TAKT_CHECK_POSITIONS(chosen({"__ALL__"}), 0, 1, 2, 3, 4, 5);
}

BOOST_AUTO_TEST_CASE(all_prunable_means_the_parameters_of_rank_two_and_more) {
  TAKT_CHECK_POSITIONS(chosen({"__ALL_PRUNABLE__"}), 0, 2, 4);
}

BOOST_AUTO_TEST_CASE(several_targets_choose_in_the_order_of_the_model_and_once_each) {
  TAKT_CHECK_POSITIONS(chosen({"re:fc10", "Conv2d", "conv.bias", "fc10.weight"}), 0, 1, 4);
}

BOOST_AUTO_TEST_CASE(one_target_of_several_may_match_nothing) {
  TAKT_CHECK_POSITIONS(chosen({"absent", "scale"}), 5);
}

BOOST_AUTO_TEST_CASE(what_is_ignored_is_left_out) {
  TAKT_CHECK_POSITIONS(chosen({"__ALL__"}, {"scale"}), 0, 1, 2, 3, 4);
  TAKT_CHECK_POSITIONS(chosen({"__ALL_PRUNABLE__"}, {"Conv2d"}), 2, 4);
  TAKT_CHECK_POSITIONS(chosen({"Linear"}, {"re:.*bias"}), 2, 4);
  TAKT_CHECK_POSITIONS(chosen({"__ALL__"}, {"__ALL_PRUNABLE__"}), 1, 3, 5);
}

BOOST_AUTO_TEST_CASE(what_is_ignored_need_not_match_anything) {
  TAKT_CHECK_POSITIONS(chosen({"scale"}, {"absent"}), 5);
}

BOOST_AUTO_TEST_CASE(targets_that_match_nothing_are_refused_with_the_names_there_are) {
  const std::string message = refusal({"absent", "re:gone"});
  for (const char* part : {"absent", "re:gone", "conv.weight", "conv.bias", "fc1.weight",
                           "fc1.bias", "fc10.weight", "scale", "Linear", "Conv2d"}) {
    BOOST_TEST(contains(message, part), "the message lacks " << part);
  }
}

BOOST_AUTO_TEST_CASE(no_targets_at_all_match_nothing) {
  BOOST_CHECK_THROW(chosen({}), takt::TargetError);
}

BOOST_AUTO_TEST_CASE(an_empty_target_matches_no_parameter_of_unknown_kind) {
  BOOST_CHECK_THROW(chosen({""}), takt::TargetError);
}

BOOST_AUTO_TEST_CASE(targets_that_are_all_ignored_are_refused_and_it_is_said_why) {
  const std::string message = refusal({"fc1.weight"}, {"Linear"});
  BOOST_TEST(contains(message, "ignored"));
  BOOST_TEST(contains(message, "'Linear'"));
  BOOST_TEST(contains(message, "fc10.weight"));
}

BOOST_AUTO_TEST_CASE(a_model_without_parameters_matches_nothing) {
  Outline empty{{}};
  const Names targets{"__ALL__"};
  BOOST_CHECK_THROW((void)takt::select(empty, targets), takt::TargetError);
}

BOOST_AUTO_TEST_CASE(a_regular_expression_that_cannot_be_read_is_refused_by_its_text) {
  BOOST_TEST(contains(refusal({"re:fc[1"}), "re:fc[1"));
  BOOST_TEST(contains(refusal({"scale", "re:(open"}), "re:(open"));
}

BOOST_AUTO_TEST_CASE(an_expression_or_a_name_that_is_too_long_to_match_is_refused) {
  BOOST_TEST(contains(refusal({"re:" + std::string(100'000, '(')}), "1000 at most"));
  BOOST_TEST(contains(refusal({"re:" + std::string(998, 'x')}), "1000 at most"));
  BOOST_TEST(!contains(refusal({"re:" + std::string(997, 'x')}), "1000 at most"));

  const auto refusal_of_a_name = [](std::size_t length) {
    Outline outline{{{std::string(length, 'x'), {4}, ""}}};
    return takt::test::message_of<takt::TargetError>(
        [&] { (void)takt::select(outline, std::vector<std::string>{"re:x"}); });
  };
  BOOST_TEST(contains(refusal_of_a_name(1001), "they look at 1000 characters at most"));
  BOOST_TEST(refusal_of_a_name(1000) == "nothing was thrown");
}

BOOST_AUTO_TEST_CASE(an_ignored_regular_expression_that_cannot_be_read_is_refused_as_well) {
  BOOST_TEST(contains(refusal({"__ALL__"}, {"re:*"}), "re:*"));
}

BOOST_AUTO_TEST_SUITE_END()
