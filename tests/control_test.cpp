// SPDX-License-Identifier: BSL-1.0
#include "takt/control.hpp"

#include <algorithm>
#include <atomic>
#include <boost/test/unit_test.hpp>
#include <latch>
#include <string>
#include <thread>
#include <vector>

namespace {

constexpr int thread_count = 4;

/// Runs a callable in several threads that all start at once; it is given the thread's number.
template <class Callable>
void in_threads(Callable callable) {
  std::latch ready{thread_count};
  std::vector<std::thread> threads;
  threads.reserve(thread_count);
  for (int i = 0; i < thread_count; ++i) {
    threads.emplace_back([&, i] {
      ready.arrive_and_wait();
      callable(i);
    });
  }
  for (std::thread& thread : threads) thread.join();
}

}  // namespace

BOOST_AUTO_TEST_SUITE(control)

BOOST_AUTO_TEST_CASE(nothing_is_asked_for_at_first) {
  takt::Control control;
  BOOST_TEST(!control.stop_requested());
  BOOST_TEST(control.stop_reason().empty());
  BOOST_TEST(!control.take_save_request());
  BOOST_TEST(!control.take_evaluate_request());
}

BOOST_AUTO_TEST_CASE(a_request_to_stop_stays_set) {
  takt::Control control;
  control.stop("the loss is NaN");
  for (int i = 0; i < 2; ++i) {
    BOOST_TEST(control.stop_requested());
    BOOST_TEST(control.stop_reason() == "the loss is NaN");
  }
}

BOOST_AUTO_TEST_CASE(the_first_reason_to_stop_is_kept) {
  takt::Control control;
  control.stop("first");
  control.stop("second");
  BOOST_TEST(control.stop_reason() == "first");
}

BOOST_AUTO_TEST_CASE(a_stop_holds_for_a_resumed_run_and_an_interrupt_does_not) {
  takt::Control stopped;
  stopped.stop("ten epochs");
  BOOST_TEST(!stopped.interrupted());
  BOOST_TEST((stopped.lasting_stop_reason() == "ten epochs"));

  takt::Control interrupted;
  BOOST_TEST(!interrupted.interrupted());
  interrupted.interrupt("SIGTERM");
  interrupted.interrupt("SIGINT");
  BOOST_TEST(interrupted.stop_requested());
  BOOST_TEST(interrupted.interrupted());
  BOOST_TEST(interrupted.stop_reason() == "SIGTERM");
  BOOST_TEST(!interrupted.lasting_stop_reason().has_value());
}

BOOST_AUTO_TEST_CASE(a_stop_after_an_interrupt_is_not_lost) {
  takt::Control control;
  control.interrupt("SIGTERM");
  control.stop("ten epochs");
  control.stop("the loss is NaN");
  BOOST_TEST(control.stop_requested());
  BOOST_TEST(!control.interrupted());
  BOOST_TEST(control.stop_reason() == "SIGTERM");
  BOOST_TEST((control.lasting_stop_reason() == "ten epochs"));
}

BOOST_AUTO_TEST_CASE(an_interrupt_after_a_stop_changes_nothing) {
  takt::Control control;
  control.stop("ten epochs");
  control.interrupt("SIGTERM");
  BOOST_TEST(!control.interrupted());
  BOOST_TEST(control.stop_reason() == "ten epochs");
  BOOST_TEST((control.lasting_stop_reason() == "ten epochs"));
}

BOOST_AUTO_TEST_CASE(an_empty_first_reason_is_kept_as_well) {
  takt::Control control;
  control.stop("");
  control.stop("second");
  BOOST_TEST(control.stop_requested());
  BOOST_TEST(control.stop_reason().empty());
}

BOOST_AUTO_TEST_CASE(a_request_to_save_is_consumed) {
  takt::Control control;
  control.request_save();
  BOOST_TEST(control.take_save_request());
  BOOST_TEST(!control.take_save_request());
}

BOOST_AUTO_TEST_CASE(a_request_to_evaluate_is_consumed) {
  takt::Control control;
  control.request_evaluate();
  BOOST_TEST(control.take_evaluate_request());
  BOOST_TEST(!control.take_evaluate_request());
}

BOOST_AUTO_TEST_CASE(several_requests_before_one_is_taken_count_as_one) {
  takt::Control control;
  control.request_save();
  control.request_save();
  BOOST_TEST(control.take_save_request());
  BOOST_TEST(!control.take_save_request());
}

BOOST_AUTO_TEST_CASE(a_consumed_request_can_be_made_again) {
  takt::Control control;
  for (int i = 0; i < 2; ++i) {
    control.request_evaluate();
    BOOST_TEST(control.take_evaluate_request());
  }
}

BOOST_AUTO_TEST_CASE(the_requests_do_not_touch_each_other) {
  takt::Control control;
  control.request_save();
  BOOST_TEST(!control.take_evaluate_request());
  BOOST_TEST(!control.stop_requested());
  control.stop("done");
  BOOST_TEST(!control.take_evaluate_request());
  BOOST_TEST(control.take_save_request());
}

BOOST_AUTO_TEST_CASE(one_of_several_threads_gives_the_reason_and_all_of_them_see_it) {
  for (int round = 0; round < 50; ++round) {
    takt::Control control;
    std::vector<std::string> seen(thread_count);
    in_threads([&](int i) {
      control.stop("thread " + std::to_string(i));
      seen[static_cast<std::size_t>(i)] = control.stop_reason();
    });
    const std::string reason = control.stop_reason();
    BOOST_TEST(reason.starts_with("thread "));
    BOOST_TEST(std::ranges::count(seen, reason) == thread_count);
  }
}

BOOST_AUTO_TEST_CASE(who_sees_that_a_stop_is_requested_can_read_its_reason) {
  for (int round = 0; round < 50; ++round) {
    takt::Control control;
    std::atomic<int> wrong{0};
    in_threads([&](int i) {
      if (i == 0) control.stop("done");
      if (control.stop_requested() && control.stop_reason() != "done") ++wrong;
    });
    BOOST_TEST(wrong == 0);
  }
}

BOOST_AUTO_TEST_CASE(one_of_several_threads_takes_a_request) {
  for (int round = 0; round < 50; ++round) {
    takt::Control control;
    control.request_save();
    control.request_evaluate();
    std::atomic<int> saves{0};
    std::atomic<int> evaluations{0};
    in_threads([&](int) {
      if (control.take_save_request()) ++saves;
      if (control.take_evaluate_request()) ++evaluations;
    });
    BOOST_TEST(saves == 1);
    BOOST_TEST(evaluations == 1);
  }
}

BOOST_AUTO_TEST_SUITE_END()
