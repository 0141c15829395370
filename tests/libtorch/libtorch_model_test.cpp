// SPDX-License-Identifier: BSL-1.0
#include <boost/test/unit_test.hpp>
#include <cstdint>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <takt/error.hpp>
#include <takt/libtorch.hpp>
#include <takt/state.hpp>
#include <utility>
#include <vector>

#include "error_text.hpp"
#include "scratch_folder.hpp"
#include "torch.hpp"

namespace {

using takt::libtorch::Model;
using takt::test::has;
using takt::test::message_of;
using Names = std::vector<std::string>;
using Numbers = std::vector<float>;

struct TwoLayersImpl : torch::nn::Module {
  TwoLayersImpl() {
    scale = register_parameter("scale", torch::ones({1}));
    conv = register_module("conv", torch::nn::Conv2d{torch::nn::Conv2dOptions{1, 2, 3}});
    fc = register_module("fc", torch::nn::Linear{torch::nn::LinearOptions{4, 3}.bias(false)});
    register_buffer("count", torch::zeros({1}));
  }

  torch::Tensor scale{};
  torch::nn::Conv2d conv{nullptr};
  torch::nn::Linear fc{nullptr};
};
TORCH_MODULE(TwoLayers);

template <class T>
struct BlockImpl : torch::nn::Module {
  BlockImpl() { register_parameter("gain", torch::ones({2})); }
};

struct Holds : torch::nn::Module {
  explicit Holds(torch::Tensor first) { register_parameter("first", std::move(first)); }
  Holds(torch::Tensor first, torch::Tensor second) : Holds{std::move(first)} {
    register_parameter("second", std::move(second));
  }
};

Names names_of(takt::Model& model) {
  Names names;
  for (std::size_t i = 0; i < model.parameter_count(); ++i) {
    names.emplace_back(model.parameter(i).name);
  }
  return names;
}

Names kinds_of(takt::Model& model) {
  Names kinds;
  for (std::size_t i = 0; i < model.parameter_count(); ++i) {
    kinds.emplace_back(model.parameter(i).kind);
  }
  return kinds;
}

Numbers numbers(std::span<const float> span) { return {span.begin(), span.end()}; }

torch::Tensor half() { return torch::ones({2}, torch::kHalf); }

/// What a model says of a module with this parameter, named "first".
std::string refusal(const torch::Tensor& parameter) {
  Holds module{parameter};
  return message_of<takt::InvalidModel>([&] { Model{module}; });
}

BOOST_AUTO_TEST_SUITE(libtorch_model)

BOOST_AUTO_TEST_CASE(names_are_those_of_named_parameters_in_their_order) {
  TwoLayers net;
  Model model{net};
  BOOST_TEST(names_of(model) == net->named_parameters().keys(), boost::test_tools::per_element());
  BOOST_TEST(names_of(model) == (Names{"scale", "conv.weight", "conv.bias", "fc.weight"}),
             boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(kinds_are_the_classes_of_the_modules_that_hold_the_parameters) {
  TwoLayers net;
  Model model{net};
  BOOST_TEST(kinds_of(model) == (Names{"TwoLayers", "Conv2d", "Conv2d", "Linear"}),
             boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(the_kind_of_a_class_template_has_no_arguments) {
  BlockImpl<std::vector<float>> block;
  Model model{block};
  BOOST_TEST(model.parameter(0).kind == "Block");
}

BOOST_AUTO_TEST_CASE(a_module_that_was_given_a_name_is_of_that_kind) {
  torch::nn::Module module{"my::encoder"};
  module.register_parameter("weight", torch::ones({2}));
  Model model{module};
  BOOST_TEST(model.parameter(0).kind == "my::encoder");
}

BOOST_AUTO_TEST_CASE(shapes_values_and_gradients_are_the_tensors_own) {
  TwoLayers net;
  net->fc->weight.mutable_grad() = torch::full({3, 4}, 0.5);
  Model model{net};
  const takt::Parameter weight = model.parameter(3);
  BOOST_TEST(std::vector<std::int64_t>(weight.shape.begin(), weight.shape.end()) ==
                 (std::vector<std::int64_t>{3, 4}),
             boost::test_tools::per_element());
  BOOST_TEST(weight.values.data() == net->fc->weight.data_ptr<float>());
  BOOST_TEST(weight.values.size() == 12U);
  BOOST_TEST(weight.gradients.data() == net->fc->weight.grad().data_ptr<float>());
  weight.values[5] = 7.0F;
  BOOST_TEST(net->fc->weight[1][1].item<float>() == 7.0F);
}

BOOST_AUTO_TEST_CASE(a_module_that_two_others_share_is_there_once_under_its_first_name) {
  torch::nn::Module net;
  torch::nn::Linear shared{2, 2};
  net.register_module("encoder", shared.ptr());
  net.register_module("decoder", shared.ptr());
  Model model{net};
  BOOST_TEST(names_of(model) == (Names{"encoder.weight", "encoder.bias"}),
             boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_tensor_that_two_modules_share_is_there_once) {
  torch::nn::Embedding embedding{5, 3};
  torch::nn::Module net;
  net.register_module("embedding", embedding.ptr());
  net.register_module("output", std::make_shared<Holds>(embedding->weight));
  Model model{net};
  BOOST_TEST(names_of(model) == (Names{"embedding.weight"}), boost::test_tools::per_element());
  BOOST_TEST(model.parameter(0).kind == "Embedding");
}

BOOST_AUTO_TEST_CASE(is_made_of_a_module_a_pointer_or_a_holder) {
  TwoLayers holder;
  const std::shared_ptr<TwoLayersImpl> pointer = holder.ptr();
  TwoLayersImpl& module = *pointer;
  torch::nn::Sequential sequential{torch::nn::Linear{2, 2}, torch::nn::ReLU{}};
  BOOST_TEST(Model{holder}.parameter_count() == 4U);
  BOOST_TEST(Model{pointer}.parameter_count() == 4U);
  BOOST_TEST(Model{module}.parameter_count() == 4U);
  BOOST_TEST(names_of(*std::make_unique<Model>(sequential)) == (Names{"0.weight", "0.bias"}),
             boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_module_on_the_stack_serves) {
  TwoLayersImpl net;
  BOOST_TEST(Model{net}.parameter_count() == 4U);
}

BOOST_AUTO_TEST_CASE(an_empty_pointer_or_holder_is_refused) {
  const std::shared_ptr<torch::nn::Module> nothing;
  const TwoLayers empty{nullptr};
  BOOST_CHECK_THROW(Model{nothing}, takt::InvalidModel);
  BOOST_CHECK_THROW(Model{empty}, takt::InvalidModel);
}

BOOST_AUTO_TEST_CASE(a_module_without_parameters_is_a_model_without_any) {
  torch::nn::ReLU relu;
  BOOST_TEST(Model{relu}.parameter_count() == 0U);
}

BOOST_AUTO_TEST_CASE(outlives_its_module) {
  auto net = std::make_unique<TwoLayersImpl>();
  Model model{*net};
  net.reset();
  BOOST_TEST(model.parameter(0).values[0] == 1.0F);
  BOOST_TEST(model.parameter(0).kind == "TwoLayers");
}

BOOST_AUTO_TEST_CASE(there_is_no_parameter_past_the_last) {
  TwoLayers net;
  Model model{net};
  BOOST_CHECK_THROW((void)model.parameter(4), std::out_of_range);
}

BOOST_AUTO_TEST_CASE(is_what_modifiers_find_in_the_state) {
  TwoLayers net;
  Model model{net};
  takt::State state;
  state.set(model);
  BOOST_TEST(state.find<takt::Model>() == &model);
}

BOOST_AUTO_TEST_CASE(an_undefined_gradient_is_an_empty_span) {
  TwoLayers net;
  Model model{net};
  BOOST_TEST(model.parameter(0).gradients.empty());
  net->scale.sum().backward();
  BOOST_TEST(numbers(model.parameter(0).gradients) == (Numbers{1.0F}),
             boost::test_tools::per_element());
  net->scale.mutable_grad().reset();
  BOOST_TEST(model.parameter(0).gradients.empty());
}

BOOST_AUTO_TEST_CASE(what_a_module_loads_is_seen) {
  const takt::test::ScratchFolder folder;
  TwoLayers saved;
  torch::save(saved, (folder / "net.pt").string());
  TwoLayers net;
  Model model{net};
  torch::load(net, (folder / "net.pt").string());
  for (std::size_t i = 0; i < model.parameter_count(); ++i) {
    const torch::Tensor expected = saved->parameters()[i].flatten();
    BOOST_TEST(
        numbers(model.parameter(i).values) ==
            Numbers(expected.data_ptr<float>(), expected.data_ptr<float>() + expected.numel()),
        boost::test_tools::per_element());
  }
}

BOOST_AUTO_TEST_CASE(storage_that_to_replaces_is_seen) {
  TwoLayers net;
  Model model{net};
  const float* const before = model.parameter(3).values.data();
  net->to(torch::kDouble);
  net->to(torch::kFloat);
  const takt::Parameter after = model.parameter(3);
  BOOST_TEST(after.values.data() == net->fc->weight.data_ptr<float>());
  BOOST_TEST(after.values.data() != before);
}

BOOST_AUTO_TEST_CASE(a_shape_that_set_data_replaces_is_seen) {
  Holds module{torch::ones({2})};
  Model model{module};
  module.parameters()[0].set_data(torch::ones({3, 5}));
  BOOST_TEST(model.parameter(0).shape.size() == 2U);
  BOOST_TEST(model.parameter(0).values.size() == 15U);
}

BOOST_AUTO_TEST_CASE(a_parameter_of_another_type_is_refused_by_name) {
  const std::string message = refusal(torch::ones({2}, torch::kDouble));
  BOOST_TEST(has(message, "first is of type double"));
  BOOST_TEST(has(message, "contiguous float32 on the CPU"));
  BOOST_TEST(has(refusal(half()), "first is of type"));
  BOOST_TEST(has(message_of<std::invalid_argument>([] {
                   Holds module{half()};
                   Model{module};
                 }),
                 "first"));
}

BOOST_AUTO_TEST_CASE(a_parameter_that_is_not_contiguous_is_refused_by_name) {
  BOOST_TEST(has(refusal(torch::ones({2, 3}).t()), "first is not contiguous"));
  BOOST_TEST(has(refusal(torch::ones({1}).expand({4})), "first is not contiguous"));
  BOOST_TEST(has(refusal(torch::ones({2, 3, 4, 4}).contiguous(torch::MemoryFormat::ChannelsLast)),
                 "first is not contiguous"));
}

BOOST_AUTO_TEST_CASE(a_parameter_that_is_sparse_or_on_another_device_is_refused_by_name) {
  BOOST_TEST(has(refusal(torch::ones({2, 2}).to_sparse()), "first is of layout Sparse"));
  BOOST_TEST(has(refusal(torch::ones({2}, torch::kMeta)), "first is on meta"));
}

BOOST_AUTO_TEST_CASE(all_parameters_that_are_refused_are_named) {
  Holds module{half(), torch::ones({2, 3}).t()};
  const std::string message = message_of<takt::InvalidModel>([&] { Model{module}; });
  BOOST_TEST(has(message, "first is of type"));
  BOOST_TEST(has(message, "second is not contiguous"));
}

BOOST_AUTO_TEST_CASE(
    a_parameter_that_changes_its_type_later_is_refused_at_its_access_and_no_other) {
  Holds module{torch::ones({2}), torch::ones({2})};
  Model model{module};
  module.parameters()[0].set_data(torch::ones({2}, torch::kDouble));
  const std::string message = message_of<takt::InvalidModel>([&] { (void)model.parameter(0); });
  BOOST_TEST(has(message, "parameter 'first' is of type double"));
  BOOST_TEST(has(message, "contiguous float32 on the CPU"));
  BOOST_CHECK_NO_THROW((void)model.parameter(1));
  module.parameters()[0].set_data(torch::ones({3, 2}).t());
  BOOST_CHECK_THROW((void)model.parameter(0), takt::InvalidModel);
}

BOOST_AUTO_TEST_CASE(the_part_of_a_module_that_modifiers_can_work_on_is_a_model) {
  torch::nn::Module net;
  torch::nn::Embedding frozen{5, 3};
  frozen->to(torch::kHalf);
  torch::nn::Linear trained{3, 2};
  net.register_module("frozen", frozen.ptr());
  net.register_module("trained", trained.ptr());
  BOOST_CHECK_THROW(Model{net}, takt::InvalidModel);
  BOOST_TEST(Model{trained}.parameter_count() == 2U);
}

BOOST_AUTO_TEST_CASE(a_gradient_that_is_sparse_is_refused_by_name) {
  torch::nn::Embedding embedding{torch::nn::EmbeddingOptions{5, 3}.sparse(true)};
  Model model{embedding};
  embedding->forward(torch::tensor({1, 2})).sum().backward();
  BOOST_TEST(has(message_of<takt::InvalidModel>([&] { (void)model.parameter(0); }),
                 "the gradient of parameter 'weight' is of layout Sparse"));
}

BOOST_AUTO_TEST_CASE(a_gradient_of_another_type_or_layout_is_refused_by_name) {
  Holds module{torch::ones({2, 3})};
  Model model{module};
  torch::Tensor tensor = module.parameters()[0];
  tensor.mutable_grad() = torch::ones({2, 3}, torch::kDouble);
  BOOST_TEST(has(message_of<takt::InvalidModel>([&] { (void)model.parameter(0); }),
                 "the gradient of parameter 'first' is of type double"));
  tensor.mutable_grad() = torch::ones({3, 2}).t();
  BOOST_TEST(has(message_of<takt::InvalidModel>([&] { (void)model.parameter(0); }),
                 "the gradient of parameter 'first' is not contiguous"));
  tensor.mutable_grad() = torch::ones({6});
  BOOST_TEST(has(message_of<takt::InvalidModel>([&] { (void)model.parameter(0); }),
                 "the gradient of parameter 'first' has another shape"));
}

BOOST_AUTO_TEST_CASE(the_gradient_that_to_leaves_in_another_type_is_refused_until_it_is_cleared) {
  torch::nn::Linear fc{2, 1};
  fc->to(torch::kDouble);
  fc->forward(torch::ones({1, 2}, torch::kDouble)).sum().backward();
  fc->to(torch::kFloat);
  Model model{fc};
  BOOST_CHECK_THROW((void)model.parameter(0), takt::InvalidModel);
  fc->zero_grad(true);
  BOOST_TEST(model.parameter(0).gradients.empty());
}

BOOST_AUTO_TEST_CASE(parameters_of_no_elements_and_of_no_dimensions_have_spans_like_any) {
  Holds module{torch::ones({0, 3}), torch::tensor(2.5F)};
  Model model{module};
  BOOST_TEST(model.parameter(0).values.empty());
  BOOST_TEST(model.parameter(0).shape.size() == 2U);
  BOOST_TEST(model.parameter(1).shape.empty());
  BOOST_TEST(numbers(model.parameter(1).values) == (Numbers{2.5F}),
             boost::test_tools::per_element());
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
