// SPDX-License-Identifier: BSL-1.0
#include "takt/control.hpp"

#include <utility>

namespace takt {

void Control::stop(std::string reason) {
  const std::scoped_lock lock{mutex_};
  if (stop_requested_.load(std::memory_order_relaxed)) return;
  stop_reason_ = std::move(reason);
  stop_requested_.store(true, std::memory_order_release);
}

std::string Control::stop_reason() const {
  const std::scoped_lock lock{mutex_};
  return stop_reason_;
}

}  // namespace takt
