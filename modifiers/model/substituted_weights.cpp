// SPDX-License-Identifier: BSL-1.0
#include "takt/modifiers/substituted_weights.hpp"

#include <algorithm>
#include <iterator>
#include <limits>

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

/// Of one that was put in: over all that a checkpoint had.
constexpr std::uint64_t last_place = std::numeric_limits<std::uint64_t>::max();

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
  return index_of(substitute) < in_.size();
}

/// As many as there are when it is not in.
std::size_t SubstitutedWeights::index_of(const WeightSubstitute& substitute) const noexcept {
  return static_cast<std::size_t>(std::ranges::find(in_, &substitute, &In::substitute) -
                                  in_.begin());
}

// In `without`, it is under those that are out.
void SubstitutedWeights::put_in(WeightSubstitute& substitute, Model& model) {
  in_.insert(in_.begin() + static_cast<std::ptrdiff_t>(out_from_), In{&substitute, last_place});
  try {
    substitute.put_in(model, Substitution::anew);
  } catch (...) {
    in_.erase(in_.begin() + static_cast<std::ptrdiff_t>(out_from_));
    throw;
  }
  ++out_from_;
}

void SubstitutedWeights::take_out(WeightSubstitute& substitute, Model& model) {
  const std::size_t index = index_of(substitute);
  if (index >= out_from_) return forget(substitute);

  const std::size_t stay_out = in_.size() - out_from_;
  const std::span over = std::span{in_}.subspan(index + 1, out_from_ - index - 1);
  if (std::ranges::none_of(over, [&](const In& other) {
        return share_any(other.substitute->positions(), substitute.positions());
      })) {
    substitute.take_out(model);
    return forget(substitute);
  }
  take_out_from(index + 1, model);
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
  const std::size_t index = index_of(substitute);
  if (index == in_.size()) return;
  if (index < out_from_) --out_from_;
  in_.erase(in_.begin() + static_cast<std::ptrdiff_t>(index));
}

std::optional<std::uint64_t> SubstitutedWeights::place(
    const WeightSubstitute& substitute) const noexcept {
  const std::size_t index = index_of(substitute);
  return index < in_.size() ? std::optional<std::uint64_t>{index} : std::nullopt;
}

void SubstitutedWeights::take_place(WeightSubstitute& substitute,
                                    std::optional<std::uint64_t> place) noexcept {
  forget(substitute);
  if (!place) return;
  const auto over = std::ranges::find_if(in_, [&](const In& in) { return in.place > *place; });
  in_.insert(over, In{&substitute, *place});
  ++out_from_;
}

void SubstitutedWeights::take_out_from(std::size_t first, Model& model) {
  const std::size_t stay_out = in_.size() - out_from_;
  try {
    while (out_from_ > first) {
      in_[out_from_ - 1].substitute->take_out(model);
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
      in_[out_from_].substitute->put_in(model, how);
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
