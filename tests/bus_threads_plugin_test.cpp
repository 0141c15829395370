// SPDX-License-Identifier: BSL-1.0
// Plugins that other threads load and let go of while a loop emits at full speed. For
// TAKT_THREAD_SECONDS each.
#include <dlfcn.h>

#include <atomic>
#include <boost/test/unit_test.hpp>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "crew.hpp"
#include "shift.hpp"
#include "takt/error.hpp"
#include "takt/event_bus.hpp"
#include "takt/plugin.hpp"
#include "takt/recipe.hpp"
#include "takt/registry.hpp"

namespace {

using takt::EventBus;
using takt::Phase;
using takt::Registry;
using takt::test::Crew;
using takt::test::emit_batch;
using takt::test::happens;
using takt::test::helper_count;
using takt::test::name_of;
using takt::test::Shift;

const std::filesystem::path folder{TAKT_TEST_PLUGINS};
const std::filesystem::path good = folder / "libgood.so";

bool is_loaded() {
  void* const library = dlopen(good.c_str(), RTLD_LAZY | RTLD_NOLOAD);
  if (library == nullptr) return false;
  dlclose(library);
  return true;
}

/// A run of its own with a modifier of the plugin; whether it has counted what it should.
bool counts(EventBus& bus) {
  bus.initialize();
  for (int batch = 0; batch < 5; ++batch) emit_batch(bus);
  bus.finalize();
  return bus.state().metrics["counted"] == 7.5;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(bus_threads_plugin)

BOOST_AUTO_TEST_CASE(modifiers_of_a_plugin_come_to_a_loop_and_go_with_their_library) {
  BOOST_TEST_REQUIRE(!is_loaded());
  std::atomic<int> wrong{0};
  std::atomic<int> visits{0};
  double counted = 0.0;
  std::int64_t batches = 0;
  {
    EventBus bus;
    bus.initialize();
    const Shift shift;
    Crew crew{
        helper_count, [&](int i) {
          for (int k = 0; k == 0 || !shift.over(); ++k) {
            std::optional<Registry> registry{std::in_place};
            load_plugin(good, *registry);
            auto modifier = registry->make("CountModifier", {{"name", name_of(i, k)}, {"by", 0.5}});
            registry.reset();  // the modifier alone keeps the library from here on
            bus.add(modifier);
            if (!happens([&] { return modifier->phase() == Phase::active; })) ++wrong;
            // One that has begun in this batch, or the one before, and one more.
            const std::int64_t begun = bus.now().global_batch;
            if (!happens([&] { return bus.now().global_batch > begun + 1; })) ++wrong;
            if (!bus.remove(modifier->name())) ++wrong;
            // Half of the time the loop is the last that has it, and unloads the library.
            if (k % 2 == 0 && !happens([&] { return modifier->phase() == Phase::finalized; })) {
              ++wrong;
            }
            modifier.reset();
            ++visits;
          }
        }};
    crew.start();
    for (; crew.works(); ++batches) emit_batch(bus);
    crew.join();
    emit_batch(bus);
    bus.finalize();
    counted = bus.state().metrics["counted"];
    BOOST_TEST(bus.modifiers().empty());
    BOOST_TEST(!is_loaded());  // nothing on the bus keeps it
  }
  BOOST_TEST(wrong == 0);
  BOOST_TEST(counted >= 0.5 * visits);
  BOOST_TEST(counted <= 0.5 * helper_count * static_cast<double>(batches));
  BOOST_TEST_MESSAGE(visits << " visits, " << 2 * counted << " updates, " << batches << " batches");
}

BOOST_AUTO_TEST_CASE(each_thread_loads_it_into_its_own_registry_and_runs_it_on_its_own_bus) {
  const Shift shift;
  std::atomic<int> wrong{0};
  std::atomic<int> runs{0};
  Crew crew{helper_count, [&](int) {
              do {
                Registry registry = Registry::builtin();
                const Registry before = registry;
                load_plugin(good, registry);
                if (before.find("CountModifier") != nullptr) ++wrong;
                if (load_plugin(good, registry).name != "good") ++wrong;
                if (registry.plugins().size() != 1) ++wrong;
                EventBus bus;
                bus.add(registry.make("CountModifier", {{"by", 1.5}}));
                if (!counts(bus)) ++wrong;
                ++runs;
              } while (!shift.over());
            }};
  crew.start();
  crew.join();
  BOOST_TEST(wrong == 0);
  BOOST_TEST(!is_loaded());
  BOOST_TEST_MESSAGE(runs << " runs");
}

BOOST_AUTO_TEST_CASE(recipes_that_name_it_are_read_and_applied_on_many_threads) {
  const std::string text =
      "plugins: ['" + good.string() + "']\n" + "test_modifiers:\n  CountModifier: {by: 1.5}\n";
  const Shift shift;
  std::atomic<int> wrong{0};
  {
    const takt::Recipe shared = takt::Recipe::from_string(text);  // used by all of them, const
    Crew crew{helper_count, [&](int) {
                do {
                  EventBus one;
                  one.apply(shared);
                  if (!counts(one)) ++wrong;
                  EventBus other;
                  other.apply(takt::Recipe::from_string(text));
                  if (!counts(other)) ++wrong;
                } while (!shift.over());
              }};
    crew.start();
    crew.join();
  }
  BOOST_TEST(wrong == 0);
  BOOST_TEST(!is_loaded());
}

BOOST_AUTO_TEST_CASE(plugins_that_are_refused_leave_a_loop_and_the_good_ones_alone) {
  const Shift shift;
  std::atomic<int> wrong{0};
  {
    Registry registry;
    load_plugin(good, registry);
    EventBus bus;
    bus.add(registry.make("CountModifier"));
    bus.initialize();
    Crew crew{
        helper_count, [&](int i) {
          do {
            for (const char* const broken : {"throws_error", "takes_away", "unresolved"}) {
              Registry own = Registry::builtin();
              const auto names = own.modifiers().size();
              try {
                load_plugin(folder / (std::string{"lib"} + broken + ".so"), own);
                ++wrong;
              } catch (const takt::PluginError&) {
              }
              if (own.modifiers().size() != names || !own.plugins().empty()) ++wrong;
            }
            // A registry may be asked by several threads at once.
            if (registry.make("CountModifier", {{"name", name_of(i)}})->name() != name_of(i)) {
              ++wrong;
            }
          } while (!shift.over());
        }};
    crew.start();
    std::int64_t batches = 0;
    for (; crew.works(); ++batches) emit_batch(bus);
    crew.join();
    bus.finalize();
    BOOST_TEST(bus.state().metrics["counted"] == static_cast<double>(batches));
  }
  BOOST_TEST(wrong == 0);
}

BOOST_AUTO_TEST_SUITE_END()
