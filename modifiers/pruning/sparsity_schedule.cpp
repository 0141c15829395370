// SPDX-License-Identifier: BSL-1.0
#include "takt/modifiers/sparsity_schedule.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <iterator>
#include <string_view>

#include "index.hpp"
#include "number_text.hpp"
#include "takt/error.hpp"

namespace takt {
namespace {

using detail::text_of;

// In the order of the enumeration.
constexpr std::array<std::string_view, 5> schedule_names{"linear", "cubic", "polynomial",
                                                         "polynomial_decay", "multi_step"};

void require_sparsity(const std::string& field, double value) {
  if (value >= 0.0 && value <= 1.0) return;
  throw InvalidModifier(field + " is " + text_of(value) + "; a sparsity is a number from 0 to 1");
}

void require_no_decrease(const std::string& field, double value, double before) {
  if (value >= before) return;
  throw InvalidModifier(field + " is " + text_of(value) + ", after " + text_of(before) +
                        "; a sparsity does not decrease, what is pruned does not come back");
}

std::string milestone_text(std::size_t i, const char* field) {
  return "milestones[" + std::to_string(i) + "]." + field;
}

}  // namespace

SparsitySchedule::SparsitySchedule(const SparsityScheduleSettings& settings)
    : kind_{kind_of(settings.name)}, init_{settings.init_sparsity}, start_{settings.start} {
  require_sparsity("init_sparsity", init_);
  if (settings.final_sparsity) require_sparsity("final_sparsity", *settings.final_sparsity);
  if (!std::isfinite(start_)) {
    throw InvalidModifier("start is " + text_of(start_) + "; it is a finite index");
  }
  if (settings.exponent && kind_ != Kind::polynomial && kind_ != Kind::polynomial_decay) {
    throw InvalidModifier("the " + settings.name +
                          " schedule has no exponent; leave it unset, or choose polynomial or "
                          "polynomial_decay");
  }
  if (kind_ == Kind::multi_step) {
    take_milestones(settings);
  } else {
    take_curve(settings);
  }
}

SparsitySchedule::Kind SparsitySchedule::kind_of(const std::string& name) {
  const auto* const found = std::ranges::find(schedule_names, name);
  if (found != schedule_names.end()) return static_cast<Kind>(found - schedule_names.begin());
  std::string known;
  for (const std::string_view each : schedule_names) {
    known += known.empty() ? "" : ", ";
    known += each;
  }
  throw InvalidModifier("unknown update_scheduler \"" + name + "\"; the schedules are " + known);
}

void SparsitySchedule::take_milestones(const SparsityScheduleSettings& settings) {
  milestones_ = settings.milestones;
  if (milestones_.empty()) {
    throw InvalidModifier(
        "the multi_step schedule has no milestones; give it at least one {index, sparsity}");
  }
  double sparsity = init_;
  for (std::size_t i = 0; i < milestones_.size(); ++i) {
    const SparsityMilestone& milestone = milestones_[i];
    if (!std::isfinite(milestone.index)) {
      throw InvalidModifier(milestone_text(i, "index") + " is " + text_of(milestone.index) +
                            "; it is a finite index");
    }
    if (i > 0 && milestone.index <= milestones_[i - 1].index) {
      throw InvalidModifier(milestone_text(i, "index") + " is " + text_of(milestone.index) +
                            ", after " + text_of(milestones_[i - 1].index) +
                            "; milestones come in the order of their indices");
    }
    if (settings.end && milestone.index > *settings.end) {
      throw InvalidModifier(milestone_text(i, "index") + " is " + text_of(milestone.index) +
                            ", after the end, " + text_of(*settings.end) +
                            "; all milestones are reached by then");
    }
    require_sparsity(milestone_text(i, "sparsity"), milestone.sparsity);
    require_no_decrease(milestone_text(i, "sparsity"), milestone.sparsity, sparsity);
    sparsity = milestone.sparsity;
  }
  final_ = sparsity;
  if (settings.final_sparsity.value_or(final_) != final_) {
    throw InvalidModifier("final_sparsity is " + text_of(*settings.final_sparsity) +
                          ", but the last milestone has " + text_of(final_) +
                          "; make them equal, or leave final_sparsity unset");
  }
}

void SparsitySchedule::take_curve(const SparsityScheduleSettings& settings) {
  const std::string schedule = "the " + settings.name + " schedule";
  if (!settings.milestones.empty()) {
    throw InvalidModifier(schedule + " has no milestones; leave them out, or choose multi_step");
  }
  if (!settings.final_sparsity) {
    throw InvalidModifier("final_sparsity is not set; " + schedule +
                          " needs one, a number from 0 to 1");
  }
  final_ = *settings.final_sparsity;
  require_no_decrease("final_sparsity", final_, init_);
  if (!settings.end) {
    throw InvalidModifier(schedule + " runs from start to end; give its cadence an end");
  }
  end_ = *settings.end;
  if (!std::isfinite(end_) || end_ <= start_) {
    throw InvalidModifier(schedule + " runs from start to end; its cadence ends at " +
                          text_of(end_) + ", and the end is a finite index after the start, " +
                          text_of(start_));
  }
  exponent_ = kind_ == Kind::linear ? 1.0 : settings.exponent.value_or(2.0);
  if (kind_ == Kind::cubic) exponent_ = 3.0;
  if (!std::isfinite(exponent_) || exponent_ <= 0.0) {
    throw InvalidModifier("exponent is " + text_of(exponent_) + "; it is a number, more than 0");
  }
}

std::vector<std::string> SparsitySchedule::names() {
  return {schedule_names.begin(), schedule_names.end()};
}

double SparsitySchedule::at(double index) const noexcept {
  if (kind_ == Kind::multi_step) return milestone_at(index);
  const double t = std::clamp((index - start_) / (end_ - start_), 0.0, 1.0);
  const bool decays = kind_ == Kind::cubic || kind_ == Kind::polynomial_decay;
  const double share = decays ? 1.0 - std::pow(1.0 - t, exponent_) : std::pow(t, exponent_);
  return std::lerp(init_, final_, share);  // exact at both of its ends
}

double SparsitySchedule::milestone_at(double index) const noexcept {
  const double reached = index + detail::index_tolerance(std::abs(index));
  const auto next = std::ranges::upper_bound(milestones_, reached, {}, &SparsityMilestone::index);
  return next == milestones_.begin() ? init_ : std::prev(next)->sparsity;
}

}  // namespace takt
