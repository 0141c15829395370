// SPDX-License-Identifier: BSL-1.0
/// \file
/// Weights that stand in a model in place of those that are trained.
#ifndef TAKT_MODIFIERS_SUBSTITUTED_WEIGHTS_HPP
#define TAKT_MODIFIERS_SUBSTITUTED_WEIGHTS_HPP

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <takt/model.hpp>
#include <takt/state.hpp>
#include <utility>
#include <vector>

namespace takt {

/// How the numbers are made that stand in place of weights.
enum class Substitution : std::uint8_t {
  anew,  ///< as they are made where a batch starts
  held   ///< with what is known of the weights already, such as scales
};

/// Something that puts other numbers in place of a model's weights for a while, such as their
/// quantized values or averages of them, and keeps the weights meanwhile.
class WeightSubstitute {
 public:
  WeightSubstitute() = default;
  WeightSubstitute(const WeightSubstitute&) = delete;
  WeightSubstitute& operator=(const WeightSubstitute&) = delete;

  /// The positions of its parameters in the model, in order.
  [[nodiscard]] virtual std::span<const std::size_t> positions() const noexcept = 0;
  /// Keeps the weights that are there, and puts its numbers in their place. When it throws, the
  /// weights are there.
  virtual void put_in(Model& model, Substitution how) = 0;
  /// Puts the kept weights back.
  virtual void take_out(Model& model) = 0;

 protected:
  ~WeightSubstitute() = default;
};

/// Who has put something in place of the weights of one bus's model, in order: each one keeps what
/// it found there. The state has it. On the loop's thread.
class SubstitutedWeights : public std::enable_shared_from_this<SubstitutedWeights> {
 public:
  /// The state's; it is made when there is none. Shared, because a substitute may be taken out when
  /// the bus is gone. Each one that is going to be put in calls this, which makes room for it.
  [[nodiscard]] static std::shared_ptr<SubstitutedWeights> of(State& state);

  [[nodiscard]] bool contains(const WeightSubstitute& substitute) const noexcept;
  /// Puts one in, over those that are in already. It is not in now, and has to be taken out, or
  /// forgotten, before it is destroyed. Throws what its `put_in` throws, and then it is not in.
  void put_in(WeightSubstitute& substitute, Model& model);
  /// Takes one out; nothing happens when it is not in. When one over it has a parameter of its,
  /// those over it are taken out before, and put in again, anew, so that they keep the right ones.
  /// Throws what any `take_out` or `put_in` throws: one that could not be taken out is still in,
  /// one that could not be put in is not.
  void take_out(WeightSubstitute& substitute, Model& model);
  /// Drops one as if it had been taken out. The model stays as it is.
  void forget(const WeightSubstitute& substitute) noexcept;

  /// \name For a checkpoint
  /// Between two calls of the loop. Who is in, and in which order, is nobody's but theirs to save:
  /// each saves its own place, and takes it up when it is loaded.
  /// @{

  /// How many are under it; nothing when it is not in.
  [[nodiscard]] std::optional<std::uint64_t> place(
      const WeightSubstitute& substitute) const noexcept;
  /// It is in from now on, over those that took up a lower place and under those with a higher one,
  /// in whichever order they come; without a place it is not in. Wherever it was in before, it is
  /// not there any more. The model stays as it is: it was saved with what was in. Room was made for
  /// it with `of`. Any place will do.
  void take_place(WeightSubstitute& substitute, std::optional<std::uint64_t> place) noexcept;
  /// @}

  /// Runs `run()` with all of them out, the last one first, and puts them in again, also when it
  /// throws. Throws like `take_out`, before anything has run, and what `run` throws.
  template <class Callable>
  void without(Model& model, Callable&& run, Substitution again = Substitution::held) {
    if (out_from_ == 0) return std::forward<Callable>(run)();
    const std::size_t stay_out = in_.size() - out_from_;
    take_out_from(0, model);
    try {
      std::forward<Callable>(run)();
    } catch (...) {
      put_in_quietly(stay_out, model, again);
      throw;
    }
    put_in_again(stay_out, model, again);
  }

 private:
  struct In {
    WeightSubstitute* substitute;
    std::uint64_t place;  // that was taken up; of no meaning once all of a checkpoint are loaded
  };

  [[nodiscard]] std::size_t index_of(const WeightSubstitute& substitute) const noexcept;
  void take_out_from(std::size_t first, Model& model);
  void put_in_again(std::size_t stay_out, Model& model, Substitution how);
  void put_in_quietly(std::size_t stay_out, Model& model, Substitution how) noexcept;

  std::vector<In> in_;        // in the order in which they were put in
  std::size_t room_ = 0;      // for how many there is room
  std::size_t out_from_ = 0;  // those from here on are out, to be put in again
};

/// Runs `run()` with the trained weights in the state's model, whoever has put something in their
/// place. For everything that looks at weights, or changes them, at BATCH_START, when a window
/// opens, or when a batch is aborted: quantized weights may be in by then, or not yet, as modifiers
/// were added. What was in is put in again afterwards, made from the weights as `run` leaves them;
/// `anew` where a modifier changes the weights that a batch starts with, so that it is as if it had
/// come first.
template <class Callable>
void with_trained_weights(State& state, Model& model, Callable&& run,
                          Substitution again = Substitution::held) {
  auto* const substituted = state.find<SubstitutedWeights>();
  if (substituted == nullptr) return std::forward<Callable>(run)();
  substituted->without(model, std::forward<Callable>(run), again);
}

}  // namespace takt

#endif
