// SPDX-License-Identifier: BSL-1.0
/// \file
/// How sparse a model is to be at each point of its pruning.
#ifndef TAKT_MODIFIERS_SPARSITY_SCHEDULE_HPP
#define TAKT_MODIFIERS_SPARSITY_SCHEDULE_HPP

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace takt {

/// From `index` on, this sparsity.
struct SparsityMilestone {
  double index = 0.0;     ///< finite; in epochs or steps, like a cadence
  double sparsity = 0.0;  ///< 0 to 1
};

/// What a `SparsitySchedule` is built with. A sparsity is the share of weights that are zero, 0 to
/// 1. With i an index, t = (i - start) / (end - start), held between 0 and 1, and s(p) the sparsity
/// at the share p of the way from `init_sparsity` to `final_sparsity`, the schedules are
///
///     linear             s(t)
///     cubic              s(1 - (1 - t)^3)
///     polynomial         s(t^exponent)
///     polynomial_decay   s(1 - (1 - t)^exponent)
///     multi_step         that of the last milestone whose index is at most i;
///                        init_sparsity before the first
///
/// "cubic" prunes fast at first, while there is much to spare, and ever slower towards the end (Zhu
/// and Gupta, 2017, "To prune, or not to prune", arXiv:1710.01878, equation 1). A milestone's index
/// counts as reached within the tolerance of `Event::should_update`.
struct SparsityScheduleSettings {
  std::string name = "cubic";              ///< one of the five above
  double init_sparsity = 0.05;             ///< at the start
  std::optional<double> final_sparsity{};  ///< at the end, `init_sparsity` or more; required, but
                                           ///< for multi_step, where it is the last milestone's
  double start = 0.0;                      ///< index at which it begins; finite
  std::optional<double> end{};             ///< index at which it arrives; required and finite, but
                                           ///< for multi_step; after the start
  std::optional<double> exponent{};        ///< polynomial and polynomial_decay only; more than 0;
                                           ///< unset = 2
  std::vector<SparsityMilestone>
      milestones{};  ///< multi_step only, at least one; indices increase,
                     ///< sparsities do not decrease, none after the end
};

/// A sparsity for each index, which never decreases: what is pruned does not come back. A value;
/// its members may be called from several threads.
class SparsitySchedule {
 public:
  /// Throws `InvalidModifier` for an unknown name, and for settings that are missing, out of their
  /// range, or given to a schedule that has no use for them.
  explicit SparsitySchedule(const SparsityScheduleSettings& settings);

  /// What a schedule may be called.
  [[nodiscard]] static std::vector<std::string> names();

  /// The sparsity at an index; `init_sparsity` before the start, and from the end on exactly
  /// `final_sparsity`.
  [[nodiscard]] double at(double index) const noexcept;
  /// The sparsity that it arrives at.
  [[nodiscard]] double final_sparsity() const noexcept { return final_; }

 private:
  enum class Kind : std::uint8_t { linear, cubic, polynomial, polynomial_decay, multi_step };

  static Kind kind_of(const std::string& name);
  void take_milestones(const SparsityScheduleSettings& settings);
  void take_curve(const SparsityScheduleSettings& settings);
  [[nodiscard]] double milestone_at(double index) const noexcept;

  Kind kind_;
  double init_ = 0.0;
  double final_ = 0.0;
  double start_ = 0.0;
  double end_ = 1.0;
  double exponent_ = 1.0;
  std::vector<SparsityMilestone> milestones_;
};

}  // namespace takt

#endif
