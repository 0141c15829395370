// SPDX-License-Identifier: BSL-1.0
#include "class_name.hpp"

#include <boost/test/unit_test.hpp>
#include <string>
#include <string_view>

namespace {

// The suite is a namespace of the function's name.
std::string name_of(std::string_view type) { return takt::libtorch::class_name(type); }

BOOST_AUTO_TEST_SUITE(class_name)

BOOST_AUTO_TEST_CASE(has_no_namespace_and_no_impl) {
  BOOST_TEST(name_of("torch::nn::LinearImpl") == "Linear");
  BOOST_TEST(name_of("mine::Net") == "Net");
  BOOST_TEST(name_of("Net") == "Net");
}

BOOST_AUTO_TEST_CASE(drops_impl_only_at_the_end_and_not_all_there_is) {
  BOOST_TEST(name_of("mine::ImplicitNet") == "ImplicitNet");
  BOOST_TEST(name_of("mine::Impl") == "Impl");
}

BOOST_AUTO_TEST_CASE(knows_classes_without_a_name_for_their_namespace) {
  BOOST_TEST(name_of("(anonymous namespace)::NetImpl") == "Net");
  BOOST_TEST(name_of("mine::(anonymous namespace)::Net") == "Net");
}

BOOST_AUTO_TEST_CASE(knows_classes_inside_of_functions_and_classes) {
  BOOST_TEST(name_of("main::Net") == "Net");
  BOOST_TEST(name_of("build(std::map<int, a::B>, ...)::NetImpl") == "Net");
  BOOST_TEST(name_of("Block<a::B>::Net") == "Net");
}

BOOST_AUTO_TEST_CASE(has_no_template_arguments) {
  BOOST_TEST(name_of("mine::BlockImpl<float>") == "Block");
  BOOST_TEST(name_of("mine::Block<std::vector<a::B>, 3>") == "Block");
  BOOST_TEST(name_of("Outer<a::B>::Inner<c::D<e::F> >") == "Inner");
}

BOOST_AUTO_TEST_CASE(of_what_is_no_class_is_the_text_itself) {
  BOOST_TEST(name_of("").empty());
  BOOST_TEST(name_of("a>") == "a>");
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
