// SPDX-License-Identifier: BSL-1.0
/// \file
/// A signal of the operating system that is taken note of, once, and then does again what it did.
#ifndef TAKT_LIB_SIGNAL_WATCH_HPP
#define TAKT_LIB_SIGNAL_WATCH_HPP

#include <cstdint>
#include <string>

namespace takt::detail {

/// A signal and how often it had been taken note of; a value that may outlive the watch it is of.
struct SignalMark {
  int signal = 0;
  std::uint32_t arrivals = 0;

  /// Whether it has come since. One atomic read.
  [[nodiscard]] bool received() const noexcept;
};

/// Takes note of the first time that a signal comes while this lives. From then on, or from the end
/// of this, the signal does what it did before.
///
/// All watches of one signal share one handler, which is installed while any of them waits: the
/// signal's next arrival is that of all of them. Where another part of the process has put its own
/// handler over that, it stays, and is passed over. A signal that is ignored stays so.
///
/// May be made, asked and destroyed on any thread.
class SignalWatch {
 public:
  /// Throws `std::invalid_argument` for what is no signal, or one that can't be caught.
  explicit SignalWatch(int signal);
  ~SignalWatch();
  SignalWatch(const SignalWatch&) = delete;
  SignalWatch& operator=(const SignalWatch&) = delete;

  [[nodiscard]] const SignalMark& mark() const noexcept { return mark_; }

 private:
  SignalMark mark_;
  bool waits_ = false;  ///< false when the signal is ignored
};

/// "SIGTERM"; "signal 40" for one that has no name of its own.
std::string name_of_signal(int signal);

}  // namespace takt::detail

#endif
