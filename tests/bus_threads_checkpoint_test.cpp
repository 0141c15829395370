// SPDX-License-Identifier: BSL-1.0
// Checkpoints that are saved and loaded while other threads add to the bus and remove from it.
#include <atomic>
#include <boost/test/unit_test.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <sstream>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "bus_access.hpp"
#include "crew.hpp"
#include "saved_bus.hpp"
#include "shift.hpp"
#include "takt/checkpoint.hpp"
#include "takt/error.hpp"
#include "takt/event_bus.hpp"

namespace {

using takt::Event;
using takt::EventBus;
using takt::State;
using takt::test::Crew;
using takt::test::emit_batch;
using takt::test::helper_count;
using takt::test::name_of;
using takt::test::Shift;

/// Its state is its name. Calls a function when it is saved, and one when it is first loaded.
class Named final : public takt::Modifier {
 public:
  using Function = std::function<void()>;

  explicit Named(const std::string& name, Function saved = {}, Function loaded = {})
      : Modifier{name, {}, {}}, saved_{std::move(saved)}, loaded_{std::move(loaded)} {}

  void save(std::ostream& out) override {
    out << name();
    if (saved_) saved_();
  }
  void load(State&, const Event&, std::istream& in) override {
    std::string text;
    in >> text;
    in.clear();
    if (text != name()) throw std::runtime_error{"it is that of " + text};
    if (const auto loaded = std::exchange(loaded_, {})) loaded();
  }

 private:
  Function saved_;
  Function loaded_;
};

template <class Work>
void on_another_thread(Work work) {
  std::thread{work}.join();
}

std::string three_saved() {
  EventBus bus;
  for (const char* const name : {"a", "b", "c"}) bus.emplace<Named>(name);
  bus.initialize();
  emit_batch(bus);
  std::ostringstream out;
  save_checkpoint(bus, out);
  return out.str();
}

}  // namespace

BOOST_AUTO_TEST_SUITE(bus_threads_checkpoint)

BOOST_AUTO_TEST_CASE(one_that_another_thread_removes_meanwhile_takes_no_others_state) {
  EventBus bus;
  bus.emplace<Named>("a", [&] { on_another_thread([&] { bus.remove("b"); }); });
  bus.emplace<Named>("b");
  bus.emplace<Named>("c");
  bus.initialize();
  emit_batch(bus);
  std::stringstream file;
  save_checkpoint(bus, file);
  EventBus next;
  for (const char* const name : {"a", "c"}) next.emplace<Named>(name);
  BOOST_CHECK_NO_THROW(load_checkpoint(next, file));
  BOOST_TEST(next.now().global_step == 1);
}

BOOST_AUTO_TEST_CASE(what_another_thread_adds_while_loading_fails_is_on_the_bus_as_before) {
  std::istringstream file{three_saved()};
  EventBus bus;
  bus.emplace<Named>("a");
  bus.emplace<Named>("b", Named::Function{}, [&] {
    on_another_thread([&] {
      bus.emplace<Named>("late");
      bus.emplace<Named>("later");
      bus.remove("c");
    });
    throw std::runtime_error{"it is broken"};
  });
  bus.emplace<Named>("c");
  BOOST_CHECK_THROW(load_checkpoint(bus, file), takt::CheckpointError);
  BOOST_TEST(bus.remove("late"));
  BOOST_TEST(!bus.remove("c"));
  BOOST_TEST(bus.modifiers().size() == 3U);
  bus.initialize();
  for (const auto& modifier : bus.modifiers()) {
    BOOST_TEST(modifier->phase() == takt::Phase::initialized);
  }
}

BOOST_AUTO_TEST_CASE(what_is_saved_at_full_speed_has_each_modifier_with_its_own_state) {
  EventBus bus;
  bus.emplace<Named>("first");
  bus.initialize();
  const Shift shift;
  Crew crew{helper_count, [&](int i) {
              for (int k = 0; k == 0 || !shift.over(); ++k) {
                bus.emplace<Named>(name_of(i, k));
                if (!takt::test::happens([&] { return bus.modifiers().size() < 40; })) break;
                if (k >= 4) bus.remove(name_of(i, k - 4));
              }
            }};
  crew.start();
  int saves = 0;
  int wrong = 0;
  while (crew.works()) {
    emit_batch(bus);
    const auto saved = takt::detail::BusAccess::core(bus).checkpoint();
    for (const auto& modifier : saved.modifiers) {
      if (modifier.state != modifier.built.name) ++wrong;
    }
    if (saved.modifiers.empty() || saved.modifiers.front().built.name != "first") ++wrong;
    ++saves;
  }
  crew.join();
  BOOST_TEST(wrong == 0);
  BOOST_TEST_MESSAGE(saves << " saves");
}

BOOST_AUTO_TEST_CASE(a_bus_that_other_threads_add_to_is_loaded_or_refused_and_goes_on) {
  const std::string saved = three_saved();
  const Shift shift;
  int loaded = 0;
  int refused = 0;
  do {
    EventBus bus;
    for (const char* const name : {"a", "b", "c"}) bus.emplace<Named>(name);
    Crew crew{helper_count, [&](int i) {
                for (int k = 0; k < 8; ++k) {
                  bus.emplace<Named>(name_of(i, k));
                  bus.connect(takt::EventType::BATCH_END, [](const Event&, const State&) {});
                  (void)bus.now();
                  bus.remove(name_of(i, k));
                }
              }};
    crew.start();
    std::istringstream file{saved};
    try {
      load_checkpoint(bus, file);
      ++loaded;
    } catch (const takt::CheckpointError&) {  // one of theirs was there
      ++refused;
      crew.join();
      bus.initialize();
    }
    emit_batch(bus);
    crew.join();
    emit_batch(bus);
    BOOST_TEST_REQUIRE(bus.modifiers().size() == 3U);
    bus.finalize();
  } while (!shift.over());
  BOOST_TEST_MESSAGE(loaded << " loaded, " << refused << " refused");
}

BOOST_AUTO_TEST_SUITE_END()
