// SPDX-License-Identifier: BSL-1.0
/// \file
/// Signals of the operating system that end a run where it can be resumed.
#ifndef TAKT_STOP_ON_SIGNAL_HPP
#define TAKT_STOP_ON_SIGNAL_HPP

#include <boost/signals2/connection.hpp>
#include <csignal>
#include <memory>
#include <optional>
#include <vector>

namespace takt {

class EventBus;

namespace detail {
class SignalWatch;
}

/// Asks a bus's loop to stop when the process gets a signal, so that a scheduler's eviction, or
/// Ctrl-C, ends with a whole batch, and with a checkpoint where one is taken then:
///
/// ```
/// const takt::StopOnSignal stop{bus};
/// while (!bus.state().control.stop_requested()) bus.batch(train);
/// bus.finalize();
/// ```
///
/// The signal is only taken note of. The BATCH_END that comes next, before its modifiers and its
/// other observers run, turns it into `state().control.interrupt("SIGTERM: the process was asked to
/// stop")`: this process stops, and a resumed run goes on. A batch that is aborted has no
/// BATCH_END. A loop that has none for long, or that waits between batches, may ask `received()`.
///
/// *The second signal.* Each signal is taken once. From then on it does what it did before this was
/// made, so that a second Ctrl-C ends a loop that hangs. The destructor makes it do that too. A
/// signal that the process ignores when this is made stays ignored, as under `nohup`.
///
/// *Several at once.* Those for several buses, one after the other, one in the other or side by
/// side, are all told of a signal that comes while they live and wait for it; the signal does what
/// it did before once none of them waits. A handler that someone else installs over theirs stays
/// until its owner restores it, and they hear what it passes on.
///
/// *Threads.* May be made, asked and destroyed on any thread, while the loop runs too; the signal
/// may reach any. The handler uses lock-free atomics, `sigaction` (with SA_RESTART, so that reading
/// and writing go on) and `raise`; where there is no POSIX, `std::signal`.
class StopOnSignal {
 public:
  /// The bus may be destroyed first. Throws `std::invalid_argument` for an empty list, or a signal
  /// that can't be caught, and then all signals do what they did.
  explicit StopOnSignal(EventBus& bus, const std::vector<int>& signals = {SIGINT, SIGTERM});
  ~StopOnSignal();
  StopOnSignal(const StopOnSignal&) = delete;
  StopOnSignal& operator=(const StopOnSignal&) = delete;

  /// The signal that has come since this was made, whether or not it has been turned into a stop;
  /// of several the one named first. Nothing when none has.
  [[nodiscard]] std::optional<int> received() const noexcept;

 private:
  boost::signals2::scoped_connection connection_;
  std::vector<std::unique_ptr<detail::SignalWatch>> watches_;  // gone before the connection is
};

}  // namespace takt

#endif
