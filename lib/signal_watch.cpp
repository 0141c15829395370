// SPDX-License-Identifier: BSL-1.0
#include "signal_watch.hpp"

#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstring>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <utility>

namespace takt::detail {
namespace {

// What a signal does. `ask` is false when there is no such signal.
#if defined(__unix__) || defined(__APPLE__)

using Action = struct sigaction;

bool ask(int signal, Action& action) noexcept { return sigaction(signal, nullptr, &action) == 0; }
bool set(int signal, const Action& action) noexcept {
  return sigaction(signal, &action, nullptr) == 0;
}
bool is(const Action& action, void (*handler)(int)) noexcept {
  return (action.sa_flags & SA_SIGINFO) == 0 && action.sa_handler == handler;
}
bool same(const Action& a, const Action& b) noexcept {
  const bool handlers = (a.sa_flags & SA_SIGINFO) != 0 ? a.sa_sigaction == b.sa_sigaction
                                                       : a.sa_handler == b.sa_handler;
  return a.sa_flags == b.sa_flags && handlers &&
         std::memcmp(&a.sa_mask, &b.sa_mask, sizeof a.sa_mask) == 0;
}
Action action_of(void (*handler)(int)) noexcept {
  Action action{};
  action.sa_handler = handler;
  action.sa_flags = SA_RESTART;
  sigemptyset(&action.sa_mask);
  return action;
}

#else

struct Action {
  void (*handler)(int) = SIG_DFL;
};

bool set(int signal, const Action& action) noexcept {
  return std::signal(signal, action.handler) != SIG_ERR;
}
bool ask(int signal, Action& action) noexcept {
  action.handler = std::signal(signal, SIG_DFL);
  return action.handler != SIG_ERR && set(signal, action);
}
bool is(const Action& action, void (*handler)(int)) noexcept { return action.handler == handler; }
bool same(const Action& a, const Action& b) noexcept { return a.handler == b.handler; }
Action action_of(void (*handler)(int)) noexcept { return {handler}; }

#endif

/// What a signal was found to do. It is kept for good, as the handler may run late, on any thread;
/// there are as many as differ.
struct Found {
  Action action{};
  const Found* next = nullptr;
};

/// How often a signal was taken note of, and how many watches wait for it, which change together.
/// Aligned so that clang++, too, changes it without a lock.
struct alignas(8) Count {
  std::uint32_t arrivals = 0;
  std::uint32_t waiting = 0;
};

struct Watched {
  std::atomic<Count> count{};
  std::atomic<const Found*> before{nullptr};  ///< what it did when it was last found
};

// What a handler may use.
static_assert(std::atomic<Count>::is_always_lock_free);
static_assert(std::atomic<const Found*>::is_always_lock_free);

constexpr int signal_limit = 129;  // more than any system has

std::array<Watched, signal_limit>& table() noexcept {
  static constinit std::array<Watched, signal_limit> all{};
  return all;
}
Watched& watched(int signal) noexcept { return table()[static_cast<std::size_t>(signal)]; }

/// Held by who changes what a signal does, other than the handler.
std::mutex& changes() {
  static std::mutex mutex;
  return mutex;
}

/// Tells all that wait; false when none does.
bool tell(Watched& it) noexcept {
  Count count = it.count.load();
  while (count.waiting != 0) {
    if (it.count.compare_exchange_weak(count, {count.arrivals + 1, 0})) return true;
  }
  return false;
}

// In this order: a watch that is made by another thread between the two is told, or is made with
// the handler that it needs. A signal that nobody waits for, because its watch is just going or a
// handler put over this one passed it on, is one for whoever was there before.
void on_signal(int signal) noexcept {
  const int error = errno;
  Watched& it = watched(signal);
  set(signal, it.before.load()->action);
  if (!tell(it)) std::raise(signal);
  errno = error;
}

/// The record of an action, an old one when there is one that is equal.
const Found* record(const Action& action) {
  static const Found* all = nullptr;
  for (const Found* found = all; found != nullptr; found = found->next) {
    if (same(found->action, action)) return found;
  }
  all = std::make_unique<Found>(Found{action, all}).release();
  return all;
}

[[noreturn]] void refuse(int signal) {
  throw std::invalid_argument(
      name_of_signal(signal) +
      " is no signal that can be caught; give one that can, such as SIGINT or SIGTERM");
}

}  // namespace

bool SignalMark::received() const noexcept {
  return watched(signal).count.load().arrivals != arrivals;
}

SignalWatch::SignalWatch(int signal) : mark_{signal} {
  if (signal < 1 || signal >= signal_limit) refuse(signal);
  const std::scoped_lock lock{changes()};
  Watched& it = watched(signal);
  Count count = it.count.load();
  if (count.waiting == 0) {
    Action now{};
    if (!ask(signal, now)) refuse(signal);
    if (is(now, SIG_IGN)) {
      mark_.arrivals = count.arrivals;
      return;
    }
    if (!is(now, on_signal)) it.before = record(now);
  }
  while (!it.count.compare_exchange_weak(count, {count.arrivals, count.waiting + 1})) {
  }
  mark_.arrivals = count.arrivals;
  waits_ = true;
  if (count.waiting == 0 && !set(signal, action_of(on_signal))) {
    it.count = {count.arrivals, 0};
    refuse(signal);
  }
}

SignalWatch::~SignalWatch() {
  if (!waits_) return;
  const std::scoped_lock lock{changes()};
  Watched& it = watched(mark_.signal);
  Count count = it.count.load();
  do {
    if (count.arrivals != mark_.arrivals) return;  // it was told, and the signal does what it did
  } while (!it.count.compare_exchange_weak(count, {count.arrivals, count.waiting - 1}));
  Action now{};
  if (count.waiting == 1 && ask(mark_.signal, now) && is(now, on_signal)) {
    set(mark_.signal, it.before.load()->action);
  }
}

std::string name_of_signal(int signal) {
  static constexpr std::array names {
    std::pair{SIGINT, "SIGINT"}, std::pair{SIGTERM, "SIGTERM"}, std::pair{SIGABRT, "SIGABRT"},
#if defined(__unix__) || defined(__APPLE__)
        std::pair{SIGHUP, "SIGHUP"}, std::pair{SIGQUIT, "SIGQUIT"}, std::pair{SIGUSR1, "SIGUSR1"},
        std::pair{SIGUSR2, "SIGUSR2"}, std::pair{SIGALRM, "SIGALRM"}, std::pair{SIGXCPU, "SIGXCPU"},
        std::pair{SIGKILL, "SIGKILL"}, std::pair{SIGSTOP, "SIGSTOP"}, std::pair{SIGCONT, "SIGCONT"},
        std::pair{SIGTSTP, "SIGTSTP"},
#endif
  };
  for (const auto& [number, name] : names) {
    if (number == signal) return name;
  }
  return "signal " + std::to_string(signal);
}

}  // namespace takt::detail
