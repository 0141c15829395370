// SPDX-License-Identifier: BSL-1.0
// Each hook throws, at each event at which it can run: the bus does what the plain rules say, and
// goes on to the end.
#include <algorithm>
#include <array>
#include <boost/test/unit_test.hpp>
#include <cstddef>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "compared_bus.hpp"

namespace {

using takt::BusCall;
using takt::Cadence;
using takt::ErrorPolicy;
using takt::EventSet;
using takt::Interests;
using takt::test::Action;
using takt::test::ComparedBus;
using takt::test::HookKind;
using takt::test::Script;

constexpr std::array policies{ErrorPolicy::propagate, ErrorPolicy::collect,
                              ErrorPolicy::quarantine};

// ---- A run in which every hook comes at every event at which it can -----------------------------

struct Setting {
  Cadence cadence{};
  Interests interests{};
  bool is_removed = false;  // the one that throws leaves before the end
};

std::vector<Setting> settings() {
  const EventSet all = EventSet::all();
  const Interests both{.due = all, .every = all};
  return {{{}, both},
          {{}, both, true},
          {{}, {.due = all}},               // the common case of an update and nothing else
          {{.end = 1}, both},               // ends with a batch
          {{.start = 2, .end = 2}, both}};  // starts and ends with a calibration epoch
}

/// "b on_update batch_end 3/4"
struct Told {
  std::string who;
  std::string hook;
  std::string event;
};

std::optional<Told> told(const std::string& note) {
  const std::size_t first = note.find(' ');
  const std::size_t second = note.find(' ', first + 1);
  const std::size_t third = note.find(' ', second + 1);
  if (third == std::string::npos || note.compare(first + 1, 3, "on_") != 0) return std::nullopt;
  return Told{.who = note.substr(0, first),
              .hook = note.substr(first + 1, second - first - 1),
              .event = note.substr(second + 1, third - second - 1)};
}

HookKind kind_of(const std::string& hook) {
  static const std::map<std::string, HookKind> kinds{{"on_initialize", HookKind::initialize},
                                                     {"on_start", HookKind::start},
                                                     {"on_event", HookKind::event},
                                                     {"on_update", HookKind::update},
                                                     {"on_end", HookKind::end},
                                                     {"on_abort", HookKind::abort},
                                                     {"on_finalize", HookKind::finalize}};
  return kinds.at(hook);
}

void make_the_run(ComparedBus& bus, const Setting& setting, const std::string& victim) {
  const auto calls = [&](std::initializer_list<BusCall> list) {
    for (const BusCall call : list) bus.call(call);
  };
  using enum BusCall;
  calls({initialize, batch_start, loss_calculated, optim_pre_step, optim_post_step, batch_end,
         batch_start, optim_pre_step, optim_post_step, batch_end, calibration_epoch_start,
         batch_start, batch_end, sequential_epoch_end, calibration_epoch_end, batch_start,
         loss_calculated, abort_batch});
  if (setting.is_removed) bus.remove(victim);
  calls({batch_start, optim_pre_step, optim_post_step, batch_end, finalize});
}

/// Counts what each modifier has had, from the notes.
struct Lives {
  std::map<std::string, std::map<std::string, int>> hooks;  // by modifier
  std::set<std::string> quarantined;

  void hear(const std::string& note) {
    constexpr std::string_view gone = "quarantined ";
    if (note.starts_with(gone)) quarantined.insert(note.substr(gone.size()));
    if (const auto one = told(note)) ++hooks[one->who][one->hook];
  }
};

/// The hook of the victim that is to throw, and where that is.
struct Fault {
  HookKind hook{};
  int occurrence = 0;
  std::string place{};  // "on_update batch_end"
};

std::vector<Script> three(const Setting& setting, std::size_t victim, const Fault* fault) {
  std::vector<Script> scripts;
  for (const char* const name : {"a", "b", "c"}) {
    scripts.push_back({.name = name, .cadence = setting.cadence, .interests = setting.interests});
  }
  if (fault != nullptr) {
    scripts[victim].actions.push_back(
        {.hook = fault->hook, .occurrence = fault->occurrence, .kind = Action::Kind::fail});
  }
  return scripts;
}

/// Each hook of `victim` at each event of the run at which it comes, for the first time.
std::vector<Fault> faults(const Setting& setting, std::size_t victim) {
  const std::vector<Script> scripts = three(setting, victim, nullptr);
  const std::string& name = scripts.at(victim).name;
  ComparedBus bus{scripts, {}, {}};
  for (std::size_t i = 0; i < scripts.size(); ++i) bus.add(i);
  std::vector<Fault> found;
  std::map<std::string, int> runs;
  std::set<std::string> seen;
  bus.hear = [&](const std::string& note) {
    const auto one = told(note);
    if (!one || one->who != name) return;
    const int occurrence = runs[one->hook]++;
    if (one->hook == "on_abort" || !seen.insert(one->hook + one->event).second) return;
    found.push_back({.hook = kind_of(one->hook),
                     .occurrence = occurrence,
                     .place = one->hook + ' ' + one->event});
  };
  make_the_run(bus, setting, name);
  return found;
}

/// Makes the run with that fault, on the bus and by the rules. What differs is thrown.
void make_faulty(const Setting& setting, std::size_t victim, const Fault& fault,
                 ErrorPolicy policy) {
  const std::vector<Script> scripts = three(setting, victim, &fault);
  const std::string& name = scripts.at(victim).name;
  ComparedBus bus{scripts, {}, {.errors = policy}};
  for (std::size_t i = 0; i < scripts.size(); ++i) bus.add(i);
  Lives lives;
  bus.hear = [&](const std::string& note) { lives.hear(note); };
  make_the_run(bus, setting, name);

  const bool is_quarantined = policy == ErrorPolicy::quarantine;
  BOOST_TEST(lives.quarantined.contains(name) == is_quarantined);
  BOOST_TEST(lives.quarantined.size() == (is_quarantined ? 1U : 0U));
  for (const Script& script : scripts) {
    std::map<std::string, int>& had = lives.hooks[script.name];
    const bool failed = script.name == name;
    BOOST_TEST(had["on_initialize"] == 1);
    const int starts = had["on_start"] - (failed && fault.hook == HookKind::start ? 1 : 0);
    BOOST_TEST(had["on_end"] == starts);
    const bool misses_the_last = failed && is_quarantined && fault.hook != HookKind::finalize;
    BOOST_TEST(had["on_finalize"] == (misses_the_last ? 0 : 1));
  }
}

}  // namespace

BOOST_AUTO_TEST_SUITE(fault_hooks)

BOOST_AUTO_TEST_CASE(every_hook_is_made_to_throw_at_every_event_at_which_it_can_run) {
  std::set<std::string> met;
  for (const Setting& setting : settings()) {
    for (const Fault& fault : faults(setting, 1)) met.insert(fault.place);
  }
  std::set<std::string> expected{"on_initialize initialize",
                                 "on_start batch_start",
                                 "on_start calibration_epoch_start",
                                 "on_end batch_end",
                                 "on_end calibration_epoch_end",
                                 "on_end finalize",
                                 "on_finalize finalize"};
  for (const takt::EventType type : EventSet::all()) {
    if (type == takt::EventType::INITIALIZE || type == takt::EventType::FINALIZE) continue;
    expected.insert("on_event " + to_string(type));
    expected.insert("on_update " + to_string(type));
  }
  BOOST_TEST(met == expected, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_hook_that_throws_anywhere_leaves_the_bus_to_the_rules) {
  int runs = 0;
  for (const Setting& setting : settings()) {
    for (std::size_t victim = 0; victim < 3; ++victim) {
      for (const Fault& fault : faults(setting, victim)) {
        for (const ErrorPolicy policy : policies) {
          BOOST_TEST_CONTEXT("modifier " << victim << ", " << fault.place << ", run "
                                         << fault.occurrence << ", policy "
                                         << static_cast<int>(policy)) {
            BOOST_CHECK_NO_THROW(make_faulty(setting, victim, fault, policy));
          }
          ++runs;
        }
      }
    }
  }
  BOOST_TEST(runs > 500);
}

BOOST_AUTO_TEST_SUITE_END()
