// SPDX-License-Identifier: BSL-1.0
#include "takt/modifiers/substituted_weights.hpp"

#include <algorithm>
#include <iterator>

namespace takt {
namespace {

/// Both lists are in order.
bool share_any(std::span<const std::size_t> a, std::span<const std::size_t> b) noexcept {
  while (!a.empty() && !b.empty()) {
    if (a.front() == b.front()) return true;
    (a.front() < b.front() ? a : b) = (a.front() < b.front() ? a : b).subspan(1);
  }
  return false;
}

}  // namespace

std::shared_ptr<SubstitutedWeights> SubstitutedWeights::of(State& state) {
  std::shared_ptr<SubstitutedWeights> weights;
  if (auto* const found = state.find<SubstitutedWeights>()) {
    weights = found->shared_from_this();
  } else {
    weights = std::make_shared<SubstitutedWeights>();
    state.own(weights);
  }
  weights->in_.reserve(++weights->room_);
  return weights;
}

bool SubstitutedWeights::contains(const WeightSubstitute& substitute) const noexcept {
  return std::ranges::find(in_, &substitute) != in_.end();
}

// In `without`, it is under those that are out.
void SubstitutedWeights::put_in(WeightSubstitute& substitute, Model& model) {
  in_.insert(in_.begin() + static_cast<std::ptrdiff_t>(out_from_), &substitute);
  try {
    substitute.put_in(model, Substitution::anew);
  } catch (...) {
    in_.erase(in_.begin() + static_cast<std::ptrdiff_t>(out_from_));
    throw;
  }
  ++out_from_;
}

void SubstitutedWeights::take_out(WeightSubstitute& substitute, Model& model) {
  const auto found = std::ranges::find(in_, &substitute);
  if (found == in_.end()) return;
  const auto place = static_cast<std::size_t>(found - in_.begin());
  if (place >= out_from_) return forget(substitute);

  const std::size_t stay_out = in_.size() - out_from_;
  const std::span over = std::span{in_}.subspan(place + 1, out_from_ - place - 1);
  if (std::ranges::none_of(over, [&](const WeightSubstitute* other) {
        return share_any(other->positions(), substitute.positions());
      })) {
    substitute.take_out(model);
    return forget(substitute);
  }
  take_out_from(place + 1, model);
  try {
    substitute.take_out(model);
  } catch (...) {
    put_in_quietly(stay_out, model, Substitution::held);
    throw;
  }
  forget(substitute);
  put_in_again(stay_out, model, Substitution::anew);
}

void SubstitutedWeights::forget(const WeightSubstitute& substitute) noexcept {
  const auto found = std::ranges::find(in_, &substitute);
  if (found == in_.end()) return;
  if (static_cast<std::size_t>(found - in_.begin()) < out_from_) --out_from_;
  in_.erase(found);
}

void SubstitutedWeights::take_out_from(std::size_t first, Model& model) {
  const std::size_t stay_out = in_.size() - out_from_;
  try {
    while (out_from_ > first) {
      in_[out_from_ - 1]->take_out(model);
      --out_from_;
    }
  } catch (...) {
    put_in_quietly(stay_out, model, Substitution::held);
    throw;
  }
}

/// All but the last so many, which are out for somebody else. One that can't be put in is not in
/// any more, nor are those that were over it.
void SubstitutedWeights::put_in_again(std::size_t stay_out, Model& model, Substitution how) {
  const std::size_t end = in_.size() - std::min(stay_out, in_.size());
  while (out_from_ < end) {
    try {
      in_[out_from_]->put_in(model, how);
    } catch (...) {
      in_.erase(in_.begin() + static_cast<std::ptrdiff_t>(out_from_),
                in_.begin() + static_cast<std::ptrdiff_t>(end));
      throw;
    }
    ++out_from_;
  }
}

void SubstitutedWeights::put_in_quietly(std::size_t stay_out, Model& model,
                                        Substitution how) noexcept {
  try {
    put_in_again(stay_out, model, how);
  } catch (...) {  // the trained weights are in; another error is on its way
  }
}

}  // namespace takt
