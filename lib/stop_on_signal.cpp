// SPDX-License-Identifier: BSL-1.0
#include "takt/stop_on_signal.hpp"

#include <limits>
#include <stdexcept>

#include "signal_watch.hpp"
#include "takt/event_bus.hpp"

namespace takt {

StopOnSignal::StopOnSignal(EventBus& bus, const std::vector<int>& signals) {
  if (signals.empty()) {
    throw std::invalid_argument(
        "there is no signal to stop on; name one or more, such as SIGINT and SIGTERM");
  }
  std::vector<detail::SignalMark> marks;
  for (const int signal : signals) {
    watches_.push_back(std::make_unique<detail::SignalWatch>(signal));
    marks.push_back(watches_.back()->mark());
  }
  // Marks of its own, as it may be running on the loop's thread while this is destroyed on another.
  const auto interrupt = [&bus, marks](const Event&, const State&) {
    Control& control = bus.state().control;
    if (control.stop_requested()) return;
    for (const detail::SignalMark& mark : marks) {
      if (!mark.received()) continue;
      return control.interrupt(detail::name_of_signal(mark.signal) +
                               ": the process was asked to stop");
    }
  };
  constexpr int before_others = std::numeric_limits<int>::min();
  connection_ = bus.connect(EventType::BATCH_END, before_others, interrupt, At::before);
}

StopOnSignal::~StopOnSignal() = default;

std::optional<int> StopOnSignal::received() const noexcept {
  for (const auto& watch : watches_) {
    if (watch->mark().received()) return watch->mark().signal;
  }
  return std::nullopt;
}

}  // namespace takt
