// SPDX-License-Identifier: BSL-1.0
/// \file
/// The time in which hooks are recorded.
#ifndef TAKT_LIB_RECORDED_HPP
#define TAKT_LIB_RECORDED_HPP

#include "bus_watcher.hpp"

namespace takt::detail {

/// As long as one of these lives, hooks belong to what the watchers have been told of.
class Recorded {
 public:
  template <class... Parameters, class... Arguments>
  Recorded(const BusWatchers& watchers, void (BusWatcher::*begin)(Parameters...) noexcept,
           const Arguments&... arguments) noexcept
      : watchers_{watchers} {
    if (watchers.any()) [[unlikely]]
      watchers.tell(begin, arguments...);
  }
  ~Recorded() {
    if (watchers_.any()) [[unlikely]]
      watchers_.tell(&BusWatcher::end);
  }
  Recorded(const Recorded&) = delete;
  Recorded& operator=(const Recorded&) = delete;

 private:
  const BusWatchers& watchers_;
};

}  // namespace takt::detail

#endif
