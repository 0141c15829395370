// SPDX-License-Identifier: BSL-1.0
/// \file
/// Shows modifiers a LibTorch module and a LibTorch optimizer. The one header that needs LibTorch,
/// 1.13 or later: `<takt/takt.hpp>` does not include it, and the target is `takt::libtorch`.
///
///     takt::libtorch::Model model{net};
///     takt::libtorch::Optimizer rates{optimizer};
///     bus.state().set(model);
///     bus.state().set(rates);
#ifndef TAKT_LIBTORCH_HPP
#define TAKT_LIBTORCH_HPP

// Before any other header of LibTorch, and so this header before those too. <ATen/core/List.h> has
// a class with a std::vector<c10::IValue> where IValue is not complete yet. In C++20 the members of
// std::vector are constexpr, and clang++ instantiates those where they are named, not at the end of
// the file, and finds no IValue. This header defines it first.
#include <ATen/core/ivalue.h>

#include <torch/nn/module.h>
#include <torch/nn/pimpl.h>
#include <torch/optim/optimizer.h>

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "takt/model.hpp"
#include "takt/optimizer.hpp"

namespace takt::libtorch {

/// The parameters of a module, as modifiers see them, where they lie: nothing is copied.
///
/// They are those that the module has when this is made, in the order and with the names of
/// `named_parameters()`. A tensor that is there several times, as a module is that two others
/// share, is one parameter, under the first of its names. The kind is the class of the module that
/// holds it, without namespaces, template arguments and a last `Impl`: "Linear" for
/// `torch::nn::LinearImpl`, "Block" for a user's `BlockImpl<float>`; it is the module's `name()`
/// where the module was given one.
///
/// The module is not owned, and need not outlive this; its tensors are, as by any handle of them.
/// So `to()`, `load()` and `set_data()`, which put other storage into the same tensors, are seen at
/// the next access, where pointers, shapes and gradients are fetched anew. A tensor that is
/// registered later is not seen; make a new `Model` then.
///
/// What a modifier writes, autograd does not see. So each access counts as a write: it bumps the
/// tensor's version counter, and the gradient's. A backward that needs the values of a forward
/// before the access throws `c10::Error` ("modified by an inplace operation") instead of computing
/// gradients from what was written since. So between a forward and its backward, at
/// LOSS_CALCULATED, modifiers leave a model alone, and takt's own do. Every other event of a batch
/// is safe, as are several batches with a forward and a backward each before one optimizer step.
/// Tensors made in inference mode have no version counter, and no gradient to be wrong.
///
/// Not thread-safe; a module that other threads train at the same time needs their synchronization.
class Model final : public takt::Model {
 public:
  /// Throws `InvalidModel` when a parameter is not contiguous float32 on the CPU. The message names
  /// all such, and says what each is. A network that keeps some of its parameters otherwise, such
  /// as an embedding in half precision that is not trained, can show the rest of it: a `Model` of
  /// the submodule that is trained.
  explicit Model(torch::nn::Module& module);
  /// The same for what a pointer points to. Throws `InvalidModel` when it is null.
  explicit Model(const std::shared_ptr<torch::nn::Module>& module);
  /// The same for what a holder holds, such as a `torch::nn::Sequential`.
  template <class T>
  explicit Model(const torch::nn::ModuleHolder<T>& holder)
      : Model{holder.is_empty() ? std::shared_ptr<torch::nn::Module>{} : holder.ptr()} {}

  [[nodiscard]] std::size_t parameter_count() const override { return entries_.size(); }

  /// An undefined gradient is an empty span.
  /// Throws `InvalidModel`, with the parameter's name, when by now it is not contiguous float32 on
  /// the CPU, or when its gradient is not: sparse, as `torch::nn::Embedding` makes it when asked
  /// to, or left in another type by `to()`. Throws `std::out_of_range` when there is no parameter
  /// `i`.
  [[nodiscard]] Parameter parameter(std::size_t i) override;
  /// Whatever the gradient is. Throws like `parameter` for the values themselves.
  [[nodiscard]] std::span<float> values(std::size_t i) override;

 private:
  struct Entry {
    std::string name{};
    std::string kind{};
    torch::Tensor tensor{};
  };

  std::vector<Entry> entries_;
};

/// The learning rates of an optimizer: of all its groups together, and of each.
///
/// Serves every optimizer whose options have a `get_lr` and a `set_lr`, as all of LibTorch's do.
/// The optimizer is not owned, and must outlive this. Rates are read from it at each call, so that
/// one that is set past this is seen. Not thread-safe, like the optimizer.
class Optimizer final : public takt::Optimizer {
 public:
  /// Throws `InvalidModel` when there is no group, or when the first group's rate is 0 and that of
  /// another is not: then there is no ratio to keep.
  explicit Optimizer(torch::optim::Optimizer& optimizer);

  /// The first group's.
  [[nodiscard]] double learning_rate() const override;
  /// Gives the first group this rate, and each other the rate that is to it as it was when this was
  /// made: with groups at 0.1 and 0.01, a rate of 0.05 makes them 0.05 and 0.005. Groups that were
  /// all at 0 get the same rate. The ratio of a group that was added since is that of the rates at
  /// this call.
  /// Throws, and changes nothing: `std::invalid_argument` when the rate is negative, infinite or
  /// NaN, `InvalidModel` when a group was added with a rate while the first group's was 0.
  void set_learning_rate(double rate) override;

  [[nodiscard]] std::size_t group_count() const noexcept;
  /// Throws `std::out_of_range` when there is no such group; the first is 0.
  [[nodiscard]] double learning_rate(std::size_t group) const;
  /// Of this group only, and until the next `set_learning_rate` of all, such as that of a
  /// `LearningRateModifier`: that one brings the ratios back. Throws as the others do.
  void set_learning_rate(std::size_t group, double rate);

 private:
  void find_ratios();

  torch::optim::Optimizer& optimizer_;
  std::vector<double> ratios_;  // each group's rate to the first group's
};

}  // namespace takt::libtorch

#endif
