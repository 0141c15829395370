// SPDX-License-Identifier: BSL-1.0
#include <cmath>

#include "takt/error.hpp"
#include "takt/libtorch.hpp"

namespace takt::libtorch {
namespace {

double rate_of(const torch::optim::OptimizerParamGroup& group) { return group.options().get_lr(); }

void check_rate(double rate) {
  if (std::isfinite(rate) && rate >= 0.0) return;
  throw std::invalid_argument("a learning rate of " + std::to_string(rate) +
                              "; it is a finite number, 0 or more");
}

double ratio(double rate, double first) {
  if (first != 0.0) return rate / first;
  if (rate == 0.0) return 1.0;
  throw InvalidModel(
      "the optimizer's first group has a learning rate of 0 and another has one of " +
      std::to_string(rate) + ", so that there is no ratio to keep; give the first group a rate");
}

}  // namespace

Optimizer::Optimizer(torch::optim::Optimizer& optimizer) : optimizer_{optimizer} {
  if (optimizer.param_groups().empty()) {
    throw InvalidModel("the optimizer has no parameter group, and so no learning rate");
  }
  find_ratios();
}

void Optimizer::find_ratios() {
  const auto& groups = optimizer_.param_groups();
  std::vector<double> ratios = ratios_;
  while (ratios.size() < groups.size()) {
    ratios.push_back(ratio(rate_of(groups[ratios.size()]), rate_of(groups.front())));
  }
  ratios_ = std::move(ratios);
}

double Optimizer::learning_rate() const { return learning_rate(0); }

void Optimizer::set_learning_rate(double rate) {
  check_rate(rate);
  find_ratios();
  for (std::size_t group = 0; group < group_count(); ++group) {
    optimizer_.param_groups()[group].options().set_lr(rate * ratios_[group]);
  }
}

std::size_t Optimizer::group_count() const noexcept { return optimizer_.param_groups().size(); }

double Optimizer::learning_rate(std::size_t group) const {
  return rate_of(optimizer_.param_groups().at(group));
}

void Optimizer::set_learning_rate(std::size_t group, double rate) {
  check_rate(rate);
  optimizer_.param_groups().at(group).options().set_lr(rate);
}

}  // namespace takt::libtorch
