// SPDX-License-Identifier: BSL-1.0
#include "takt/event_bus.hpp"

#include <boost/test/unit_test.hpp>

BOOST_AUTO_TEST_SUITE(event_bus)

BOOST_AUTO_TEST_CASE(a_batch_emits_its_five_events_in_order) {
  takt::EventBus bus;
  std::vector<takt::EventType> seen;
  for (const takt::EventType type : takt::EventSet::all()) {
    bus.connect(type,
                [&](const takt::Event& event, const takt::State&) { seen.push_back(*event.type); });
  }
  bus.initialize();
  bus.batch([](takt::Batch& batch) {
    batch.loss(1.0);
    batch.step([] {});
  });
  bus.finalize();
  using enum takt::EventType;
  const std::vector<takt::EventType> expected{INITIALIZE,     BATCH_START,     LOSS_CALCULATED,
                                              OPTIM_PRE_STEP, OPTIM_POST_STEP, BATCH_END,
                                              FINALIZE};
  BOOST_TEST(seen == expected, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_SUITE_END()
