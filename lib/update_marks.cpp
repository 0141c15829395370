// SPDX-License-Identifier: BSL-1.0
#include "update_marks.hpp"

#include <algorithm>
#include <optional>
#include <utility>

namespace takt::detail {
namespace {

constexpr double least_width = 1.4;

enum class Kind { clear, every_step, merged };

/// Steps that have one mark.
struct Stretch {
  std::int64_t first = 0;
  std::int64_t last = 0;
  Kind kind = Kind::clear;
};

class Marker {
 public:
  Marker(const TimeScale& scale, double length, double least_pitch)
      : scale_{scale},
        length_{length},
        least_pitch_{least_pitch},
        step_width_{length / (static_cast<double>(scale.last() - scale.first()) + 1.0)} {}

  void add(const StepRun& run) {
    const double pitch = step_width_ * static_cast<double>(run.stride);
    if (run.count > 1 && run.stride == 1) {
      add(Stretch{run.first, run.last(), Kind::every_step});
    } else if (run.count > 1 && pitch < least_pitch_) {
      add(Stretch{run.first, run.last(), Kind::merged});
    } else {
      for (std::int64_t i = 0; i < run.count; ++i) {
        const std::int64_t step = run.first + i * run.stride;
        add(Stretch{step, step, Kind::clear});
      }
    }
  }

  [[nodiscard]] UpdateMarks marks() && {
    flush();
    return std::move(marks_);
  }

 private:
  void add(Stretch next) {
    // What is not much wider than one update can't be told from it.
    if (next.kind == Kind::every_step && width(next) < least_pitch_) next.kind = Kind::clear;
    const bool stays_alone = next.kind == Kind::every_step;
    if (!open_ || stays_alone || open_->kind == Kind::every_step || !close(*open_, next)) {
      flush();
      open_ = next;
      return;
    }
    if (next.first != open_->last + 1 || next.kind != open_->kind) open_->kind = Kind::merged;
    open_->last = next.last;
  }

  void flush() {
    if (!open_) return;
    (open_->kind == Kind::merged ? marks_.merged : marks_.clear).push_back(mark(*open_));
    open_.reset();
  }

  [[nodiscard]] double width(const Stretch& stretch) const {
    return step_width_ * (static_cast<double>(stretch.last - stretch.first) + 1.0);
  }
  [[nodiscard]] UpdateMark mark(const Stretch& stretch) const {
    const double from = length_ * scale_.fraction(stretch.first);
    const double wide = std::max(width(stretch), least_width);
    return {std::min(from, length_ - wide), std::min(from, length_ - wide) + wide};
  }
  [[nodiscard]] bool close(const Stretch& before, const Stretch& next) const {
    return next.first == before.last + 1 ||
           mark(next).from - mark(before).to < least_pitch_ - least_width;
  }

  const TimeScale& scale_;
  double length_;
  double least_pitch_;
  double step_width_;
  std::optional<Stretch> open_;  // not among the marks yet
  UpdateMarks marks_;
};

}  // namespace

UpdateMarks update_marks(const std::vector<StepRun>& runs, const TimeScale& scale, double length,
                         double least_pitch) {
  Marker marker{scale, length, least_pitch};
  for (const StepRun& run : runs) {
    if (const StepRun part = scale.part_of(run); part.count > 0) marker.add(part);
  }
  return std::move(marker).marks();
}

}  // namespace takt::detail
