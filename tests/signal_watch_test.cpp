// SPDX-License-Identifier: BSL-1.0
#include "signal_watch.hpp"

#include <boost/test/unit_test.hpp>
#include <csignal>
#include <stdexcept>

#include "error_text.hpp"

#if defined(__unix__) || defined(__APPLE__)

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace {

using takt::detail::name_of_signal;
using takt::detail::SignalMark;
using takt::detail::SignalWatch;

std::atomic<int> others{0};
void other(int) { ++others; }

/// Counts the signals that reach the handler that was there before.
class OtherHandler {
 public:
  explicit OtherHandler(int signal = SIGUSR1) : signal_{signal} {
    others = 0;
    struct sigaction action {};
    action.sa_handler = other;
    action.sa_flags = SA_NODEFER;
    sigaddset(&action.sa_mask, SIGUSR2);
    sigaction(signal_, &action, &before_);
  }
  ~OtherHandler() { sigaction(signal_, &before_, nullptr); }
  OtherHandler(const OtherHandler&) = delete;
  OtherHandler& operator=(const OtherHandler&) = delete;

  [[nodiscard]] bool in_place() const {
    struct sigaction now {};
    sigaction(signal_, nullptr, &now);
    return now.sa_handler == other && (now.sa_flags & SA_NODEFER) != 0 &&
           sigismember(&now.sa_mask, SIGUSR2) == 1;
  }

 private:
  int signal_;
  struct sigaction before_ {};
};

}  // namespace

BOOST_AUTO_TEST_SUITE(signal_watch)

BOOST_AUTO_TEST_CASE(the_first_signal_is_noted_and_the_next_does_what_it_did_before) {
  const OtherHandler before;
  const SignalWatch watch{SIGUSR1};
  BOOST_TEST(!before.in_place());
  BOOST_TEST(!watch.mark().received());
  std::raise(SIGUSR1);
  BOOST_TEST(watch.mark().received());
  BOOST_TEST(others == 0);
  BOOST_TEST(before.in_place());
  std::raise(SIGUSR1);
  BOOST_TEST(others == 1);
  BOOST_TEST(watch.mark().received());
}

BOOST_AUTO_TEST_CASE(what_a_signal_did_is_put_back_with_its_flags_and_mask) {
  const OtherHandler before;
  for (int i = 0; i < 3; ++i) {
    { const SignalWatch watch{SIGUSR1}; }
    BOOST_TEST(before.in_place());
  }
}

BOOST_AUTO_TEST_CASE(reading_and_writing_go_on_after_a_signal) {
  const OtherHandler before;
  const SignalWatch watch{SIGUSR1};
  struct sigaction now {};
  sigaction(SIGUSR1, nullptr, &now);
  BOOST_TEST((now.sa_flags & SA_RESTART) != 0);
}

BOOST_AUTO_TEST_CASE(a_mark_outlives_its_watch) {
  const OtherHandler before;
  auto watch = std::make_unique<SignalWatch>(SIGUSR1);
  const SignalMark quiet = watch->mark();
  watch.reset();
  std::raise(SIGUSR1);
  BOOST_TEST(!quiet.received());
  watch = std::make_unique<SignalWatch>(SIGUSR1);
  const SignalMark told = watch->mark();
  std::raise(SIGUSR1);
  watch.reset();
  BOOST_TEST(told.received());
}

BOOST_AUTO_TEST_CASE(all_that_wait_are_told_whichever_goes_first) {
  for (const bool oldest_first : {true, false}) {
    const OtherHandler before;
    auto a = std::make_unique<SignalWatch>(SIGUSR1);
    auto b = std::make_unique<SignalWatch>(SIGUSR1);
    auto c = std::make_unique<SignalWatch>(SIGUSR1);
    (oldest_first ? a : c).reset();
    std::raise(SIGUSR1);
    BOOST_TEST(others == 0);
    BOOST_TEST(b->mark().received());
    BOOST_TEST((oldest_first ? c : a)->mark().received());
    BOOST_TEST(before.in_place());
  }
}

BOOST_AUTO_TEST_CASE(one_that_comes_after_a_signal_waits_for_the_next) {
  const OtherHandler before;
  const SignalWatch first{SIGUSR1};
  std::raise(SIGUSR1);
  {
    const SignalWatch second{SIGUSR1};
    BOOST_TEST(!second.mark().received());
    std::raise(SIGUSR1);
    BOOST_TEST(second.mark().received());
    BOOST_TEST(others == 0);
  }
  {
    const SignalWatch third{SIGUSR1};
    BOOST_TEST(!before.in_place());
  }
  BOOST_TEST(before.in_place());
}

BOOST_AUTO_TEST_CASE(one_that_was_told_does_not_end_the_wait_of_another) {
  const OtherHandler before;
  auto told = std::make_unique<SignalWatch>(SIGUSR1);
  std::raise(SIGUSR1);
  const SignalWatch waiting{SIGUSR1};
  told.reset();
  std::raise(SIGUSR1);
  BOOST_TEST(waiting.mark().received());
  BOOST_TEST(others == 0);
}

BOOST_AUTO_TEST_CASE(signals_are_watched_one_by_one) {
  const OtherHandler one{SIGUSR1};
  const OtherHandler two{SIGUSR2};
  const SignalWatch first{SIGUSR1};
  const SignalWatch second{SIGUSR2};
  std::raise(SIGUSR2);
  BOOST_TEST(!first.mark().received());
  BOOST_TEST(second.mark().received());
  std::raise(SIGUSR1);
  BOOST_TEST(first.mark().received());
  BOOST_TEST(others == 0);
}

BOOST_AUTO_TEST_CASE(a_signal_that_is_ignored_stays_ignored) {
  const OtherHandler before;
  std::signal(SIGUSR1, SIG_IGN);
  {
    const SignalWatch watch{SIGUSR1};
    std::raise(SIGUSR1);
    BOOST_TEST(!watch.mark().received());
  }
  BOOST_TEST((std::signal(SIGUSR1, SIG_IGN) == SIG_IGN));
}

void (*passed_on_to)(int) = nullptr;
void pass_on(int signal) { passed_on_to(signal); }

BOOST_AUTO_TEST_CASE(a_handler_that_was_put_over_it_stays_and_may_pass_the_signal_on) {
  const OtherHandler before;
  {
    const SignalWatch watch{SIGUSR1};
    passed_on_to = std::signal(SIGUSR1, pass_on);
    {
      const SignalWatch inner{SIGUSR1};
      BOOST_TEST((std::signal(SIGUSR1, pass_on) == pass_on));
    }
  }
  BOOST_TEST((std::signal(SIGUSR1, pass_on) == pass_on));
  std::raise(SIGUSR1);  // nobody waits: it goes to whoever was there first
  BOOST_TEST(others == 1);
  BOOST_TEST(before.in_place());

  const SignalWatch watch{SIGUSR1};
  passed_on_to = std::signal(SIGUSR1, pass_on);
  std::raise(SIGUSR1);
  BOOST_TEST(watch.mark().received());
  BOOST_TEST(others == 1);
}

BOOST_AUTO_TEST_CASE(each_signal_is_noted_or_handled_as_before_while_watches_come_and_go) {
  constexpr int raised = 4000;
  const OtherHandler before;
  std::atomic<int> raising{2};
  std::vector<std::thread> threads;
  for (int i = 0; i < 2; ++i) {
    threads.emplace_back([&] {
      for (int j = 0; j < raised; ++j) std::raise(SIGUSR1);
      --raising;
    });
  }
  int noted = 0;
  while (raising > 0) {
    auto watch = std::make_unique<SignalWatch>(SIGUSR1);
    const SignalMark mark = watch->mark();
    std::this_thread::yield();
    watch.reset();
    noted += mark.received() ? 1 : 0;
  }
  for (std::thread& thread : threads) thread.join();
  BOOST_TEST(noted > 0);
  BOOST_TEST(noted + others == 2 * raised);
  BOOST_TEST(before.in_place());
}

BOOST_AUTO_TEST_CASE(what_is_no_signal_or_can_t_be_caught_is_refused) {
  for (const int signal : {0, -1, 129, 100'000, SIGKILL, SIGKILL, SIGSTOP}) {
    const std::string text =
        takt::test::message_of<std::invalid_argument>([&] { const SignalWatch watch{signal}; });
    BOOST_TEST(text == name_of_signal(signal) +
                           " is no signal that can be caught; give one that "
                           "can, such as SIGINT or SIGTERM");
  }
}

BOOST_AUTO_TEST_CASE(signals_have_the_names_that_users_know) {
  BOOST_TEST(name_of_signal(SIGINT) == "SIGINT");
  BOOST_TEST(name_of_signal(SIGTERM) == "SIGTERM");
  BOOST_TEST(name_of_signal(SIGUSR1) == "SIGUSR1");
  BOOST_TEST(name_of_signal(64) == "signal 64");
}

BOOST_AUTO_TEST_SUITE_END()

#else

BOOST_AUTO_TEST_SUITE(signal_watch)

BOOST_AUTO_TEST_CASE(a_signal_is_noted) {
  const takt::detail::SignalWatch watch{SIGTERM};
  std::raise(SIGTERM);
  BOOST_TEST(watch.mark().received());
}

BOOST_AUTO_TEST_SUITE_END()

#endif
