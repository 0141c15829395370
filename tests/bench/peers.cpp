// SPDX-License-Identifier: BSL-1.0
#include "peers.hpp"

#include "workload.hpp"

namespace takt::bench {
namespace {

class CountUp final : public Hook {
 public:
  using Hook::Hook;
  void on_update(State&, const Event&) override { ++count_; }
};

class CountDown final : public Hook {
 public:
  using Hook::Hook;
  void on_update(State&, const Event&) override { --count_; }
};

}  // namespace

std::unique_ptr<Hook> make_hook(const Textbook& cadence) {
  if (first_of_two_classes()) return std::make_unique<CountUp>(cadence);
  return std::make_unique<CountDown>(cadence);
}

}  // namespace takt::bench
