// SPDX-License-Identifier: BSL-1.0
#include <c10/util/StringUtil.h>
#include <c10/util/Type.h>

#include <span>
#include <string>
#include <typeinfo>
#include <unordered_set>
#include <utility>

#include "class_name.hpp"
#include "takt/error.hpp"
#include "takt/libtorch.hpp"

namespace takt::libtorch {
namespace {

std::string kind_of(const torch::nn::Module& module) {
  const std::string type = c10::demangle(typeid(module).name());
  const std::string& name = module.name();
  return name == type ? class_name(type) : name;
}

/// What keeps a tensor from being shown as a span of floats; nothing when empty.
std::string oddity(const torch::Tensor& tensor) {
  if (tensor.layout() != torch::kStrided) return c10::str("of layout ", tensor.layout());
  if (!tensor.device().is_cpu()) return "on " + tensor.device().str();
  if (tensor.scalar_type() != torch::kFloat32)
    return "of type " + std::string{tensor.dtype().name()};
  if (!tensor.is_contiguous()) return "not contiguous";
  return {};
}

void count_as_written(const torch::Tensor& tensor) {
  if (!tensor.is_inference()) tensor.unsafeGetTensorImpl()->bump_version();
}

std::span<float> values_of(const torch::Tensor& tensor) {
  return {tensor.data_ptr<float>(), static_cast<std::size_t>(tensor.numel())};
}

torch::nn::Module& pointed_to(const std::shared_ptr<torch::nn::Module>& module) {
  if (!module) throw InvalidModel("there is no module: the pointer or holder is empty");
  return *module;
}

constexpr const char* what_is_right =
    "modifiers work on contiguous float32 on the CPU: module.to(torch::kCPU, torch::kFloat32), and "
    "set_data(tensor.contiguous())";

void require_shown(const std::string& name, const torch::Tensor& tensor) {
  const std::string problem = oddity(tensor);
  if (problem.empty()) return;
  throw InvalidModel("parameter '" + name + "' is " + problem + "; " + what_is_right);
}

}  // namespace

Model::Model(torch::nn::Module& module) {
  std::unordered_set<const c10::TensorImpl*> seen;
  std::string refused;
  module.apply([&](const std::string& path, torch::nn::Module& part) {
    const std::string kind = kind_of(part);
    for (const auto& item : part.named_parameters(false)) {
      if (!seen.insert(item.value().unsafeGetTensorImpl()).second) continue;
      std::string name = path.empty() ? item.key() : path + "." + item.key();
      if (const std::string problem = oddity(item.value()); !problem.empty()) {
        refused.append("\n  ").append(name).append(" is ").append(problem);
      }
      entries_.push_back({std::move(name), kind, item.value()});
    }
  });
  if (!refused.empty()) {
    throw InvalidModel("the module has parameters that modifiers can't work on:" + refused + "\n" +
                       what_is_right);
  }
}

Model::Model(const std::shared_ptr<torch::nn::Module>& module) : Model{pointed_to(module)} {}

Parameter Model::parameter(std::size_t i) {
  const Entry& entry = entries_.at(i);
  const torch::Tensor& tensor = entry.tensor;
  require_shown(entry.name, tensor);
  Parameter parameter{.name = entry.name,
                      .shape = {tensor.sizes().data(), tensor.sizes().size()},
                      .values = values_of(tensor),
                      .kind = entry.kind};
  if (const torch::Tensor& gradient = tensor.grad(); gradient.defined()) {
    if (const std::string problem = oddity(gradient); !problem.empty()) {
      throw InvalidModel("the gradient of parameter '" + entry.name + "' is " + problem +
                         "; modifiers work on contiguous float32 on the CPU");
    }
    if (gradient.sizes() != tensor.sizes()) {
      throw InvalidModel("the gradient of parameter '" + entry.name +
                         "' has another shape than the parameter; clear it: zero_grad(true)");
    }
    parameter.gradients = values_of(gradient);
    count_as_written(gradient);
  }
  count_as_written(tensor);
  return parameter;
}

std::span<float> Model::values(std::size_t i) {
  const Entry& entry = entries_.at(i);
  require_shown(entry.name, entry.tensor);
  count_as_written(entry.tensor);
  return values_of(entry.tensor);
}

}  // namespace takt::libtorch
