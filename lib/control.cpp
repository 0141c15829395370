// SPDX-License-Identifier: BSL-1.0
#include "takt/control.hpp"

#include <utility>

namespace takt {

void Control::stop(std::string reason) {
  const std::scoped_lock lock{mutex_};
  if (lasting_stop_reason_) return;
  if (!stop_requested_.load(std::memory_order_relaxed)) stop_reason_ = reason;
  lasting_stop_reason_ = std::move(reason);
  interrupted_.store(false, std::memory_order_release);
  stop_requested_.store(true, std::memory_order_release);
}

void Control::interrupt(std::string reason) {
  const std::scoped_lock lock{mutex_};
  if (stop_requested_.load(std::memory_order_relaxed)) return;
  stop_reason_ = std::move(reason);
  interrupted_.store(true, std::memory_order_release);
  stop_requested_.store(true, std::memory_order_release);
}

void Control::forget_stop() {
  const std::scoped_lock lock{mutex_};
  if (!lasting_stop_reason_) return;
  const bool interrupted = stop_reason_ != *lasting_stop_reason_;
  lasting_stop_reason_.reset();
  if (!interrupted) stop_reason_.clear();
  interrupted_.store(interrupted, std::memory_order_release);
  stop_requested_.store(interrupted, std::memory_order_release);
}

std::string Control::stop_reason() const {
  const std::scoped_lock lock{mutex_};
  return stop_reason_;
}

std::optional<std::string> Control::lasting_stop_reason() const {
  const std::scoped_lock lock{mutex_};
  return lasting_stop_reason_;
}

}  // namespace takt
