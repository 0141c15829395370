// SPDX-License-Identifier: BSL-1.0
/// \file
/// The time in which hooks run.
#ifndef TAKT_LIB_HOOKS_RUN_HPP
#define TAKT_LIB_HOOKS_RUN_HPP

#include <optional>

#include "lifecycle.hpp"

namespace takt::detail {

/// As long as one of these lives, hooks and observers of that call run, whatever they throw; or
/// those that a checkpoint is made of.
class HooksRun {
 public:
  HooksRun(Lifecycle& lifecycle, std::optional<BusCall> call) noexcept : lifecycle_{lifecycle} {
    lifecycle_.begin_hooks(call);
  }
  HooksRun(Lifecycle& lifecycle, EventType type) noexcept : HooksRun{lifecycle, call_for(type)} {}
  ~HooksRun() { lifecycle_.end_hooks(); }
  HooksRun(const HooksRun&) = delete;
  HooksRun& operator=(const HooksRun&) = delete;

 private:
  Lifecycle& lifecycle_;
};

}  // namespace takt::detail

#endif
