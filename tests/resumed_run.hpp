// SPDX-License-Identifier: BSL-1.0
/// \file
/// Runs that are cut between two calls of their loop, and go on with new modifiers that take up the
/// state of those before.
#ifndef TAKT_TESTS_RESUMED_RUN_HPP
#define TAKT_TESTS_RESUMED_RUN_HPP

#include <array>
#include <boost/test/unit_test.hpp>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <ios>
#include <map>
#include <memory>
#include <set>
#include <sstream>
#include <string>
#include <string_view>
#include <takt/takt.hpp>
#include <utility>
#include <vector>

#include "call_letters.hpp"
#include "modifier_access.hpp"
#include "vector_model.hpp"

namespace takt::test {

inline std::string saved(Modifier& modifier) {
  std::ostringstream out;
  modifier.save(out);
  return out.str();
}

/// As a checkpoint loads it: `modifier` is on no bus. All bytes have to be read.
inline void load(Modifier& modifier, Phase phase, const std::string& bytes, State& state,
                 const Event& event) {
  detail::ModifierAccess::set_phase(modifier, phase);
  std::istringstream in{bytes};
  modifier.load(state, event, in);
  BOOST_TEST(in.rdbuf()->in_avail() == 0, "not all bytes were read");
}

/// A loop with a small model whose weights move at every step, each call a letter, see `make_call`,
/// or one of those in `also`. A call that throws says so in what is seen of it.
class CutRun {
 public:
  explicit CutRun(const Event& start = {}) : start_{start} { build(); }

  /// One of the modifiers, made anew wherever the run is cut.
  template <class Kind, class Settings>
  void add(Settings settings, std::function<void(std::ostream&, Kind&)> see = {}) {
    makes_.push_back([settings] { return std::make_shared<Kind>(settings); });
    modifiers.push_back(makes_.back()());
    bus->add(modifiers.back());
    if (!see) return;
    sights.push_back(
        [this, see, i = modifiers.size() - 1](std::ostream& out) { see(out, modifier<Kind>(i)); });
  }
  template <class Kind>
  [[nodiscard]] Kind& modifier(std::size_t i = 0) {
    return dynamic_cast<Kind&>(*modifiers.at(i));
  }
  /// Something that the loop has besides its model, and still has where it is resumed.
  template <class T>
  void set(const std::shared_ptr<T>& object) {
    own_.push_back([object](State& state) { state.own(object); });
    own_.back()(bus->state());
  }

  [[nodiscard]] std::vector<std::string> states() {
    std::vector<std::string> all;
    for (const auto& each : modifiers) all.push_back(saved(*each));
    return all;
  }
  /// The bus and its modifiers are gone, but for a checkpoint. After FINALIZE there is none.
  void cut() {
    if (finalized_) return;
    std::stringstream bytes;
    save_checkpoint(*bus, bytes);
    const std::vector<std::string> before = states();
    modifiers.clear();
    build();
    for (const auto& make : makes_) {
      modifiers.push_back(make());
      bus->add(modifiers.back());
    }
    load_checkpoint(*bus, bytes);
    if (keeps_states) BOOST_TEST((states() == before), "what was loaded is not what was saved");
  }

  /// Makes a call; what is to be seen afterwards.
  std::string call(char letter) {
    std::ostringstream out;
    out << std::hexfloat << letter;
    try {
      make(letter);
    } catch (const std::exception& error) {
      out << ' ' << error.what();
      try {
        std::rethrow_if_nested(error);
      } catch (const std::exception& inner) {
        out << ": " << inner.what();
      }
    }
    for (const VectorParameter& parameter : model.parameters) {
      for (const float value : parameter.values) out << ' ' << value;
      out << " |";
      for (const float gradient : parameter.gradients) out << ' ' << gradient;
      out << " |";
    }
    for (const auto& [name, value] : bus->state().metrics) {
      if (!name.starts_with("time/")) out << ' ' << name << ' ' << value;
    }
    out << ' ' << bus->state().control.stop_reason();
    out << (bus->state().control.take_save_request() ? " save" : "");
    for (const auto& see : sights) see(out << " | ");
    return out.str();
  }

  VectorModel model{{{.name = "fc.weight",
                      .shape = {2, 4},
                      .values = {1, -2, 0.25F, 0, 5, -0.5F, 7, 8},
                      .gradients = std::vector<float>(8),
                      .kind = "Linear"},
                     {.name = "fc.bias",
                      .shape = {2},
                      .values = {0.5F, -3},
                      .gradients = std::vector<float>(2),
                      .kind = "Linear"}}};
  std::map<char, std::function<void()>> also;  ///< more letters
  std::function<double()> loss = [this] { return 1.0 + next(); };
  bool keeps_states = true;  ///< loading changes nothing, as drawing would
  std::unique_ptr<EventBus> bus;
  std::vector<std::shared_ptr<Modifier>> modifiers;
  std::vector<std::function<void(std::ostream&)>> sights;  ///< more that is to be seen

 private:
  /// -0.5 to 0.5, no two alike.
  double next() noexcept {
    random_ = random_ * 6364136223846793005U + 1442695040888963407U;
    return static_cast<double>(random_ >> 40U) / (1U << 24U) - 0.5;
  }
  void make(char letter) {
    if (const auto found = also.find(letter); found != also.end()) return found->second();
    if (letter == 'p') {
      for (VectorParameter& parameter : model.parameters) {
        for (float& gradient : parameter.gradients) gradient = static_cast<float>(next());
      }
    }
    if (letter == 'P') {
      for (VectorParameter& parameter : model.parameters) {
        for (std::size_t i = 0; i < parameter.values.size(); ++i) {
          parameter.values[i] -= parameter.gradients[i] + static_cast<float>(next()) / 4;
        }
      }
    }
    make_call(*bus, letter, letter == 'l' ? loss() : 0.0);
    if (letter == 'f') finalized_ = true;
  }

  void build() {
    bus.reset();
    bus = std::make_unique<EventBus>(start_);
    bus->state().set(model);
    for (const auto& own : own_) own(bus->state());
  }

  Event start_;
  std::vector<std::function<std::shared_ptr<Modifier>()>> makes_;
  std::vector<std::function<void(State&)>> own_;
  bool finalized_ = false;
  std::uint64_t random_ = 1;
};

/// The modifiers of a run.
using Setup = std::function<void(CutRun&)>;

/// What is to be seen after each call of a run that is cut before some of them.
inline std::vector<std::string> seen_in(CutRun& run, std::string_view calls,
                                        const std::set<std::size_t>& cuts) {
  std::vector<std::string> seen;
  for (std::size_t i = 0; i < calls.size(); ++i) {
    if (cuts.contains(i)) run.cut();
    seen.push_back(run.call(calls[i]));
  }
  return seen;
}

/// Where the run is another one than the uncut one; empty when it is nowhere.
inline std::string difference(const Setup& setup, std::string_view calls,
                              const std::set<std::size_t>& cuts, const Event& start = {}) {
  CutRun uncut{start};
  setup(uncut);
  CutRun run{start};
  setup(run);
  const std::vector<std::string> expected = seen_in(uncut, calls, {});
  const std::vector<std::string> seen = seen_in(run, calls, cuts);
  for (std::size_t i = 0; i < calls.size(); ++i) {
    if (seen[i] != expected[i]) {
      return "call " + std::to_string(i) + ":\n" + seen[i] + "\ninstead of\n" + expected[i];
    }
  }
  return {};
}

/// Cut before any one call, and before each of them, a run is the one that it would have been.
inline void check_cuts(const Setup& setup, std::string_view calls, const Event& start = {}) {
  std::set<std::size_t> all;
  for (std::size_t cut = 1; cut < calls.size(); ++cut) {
    all.insert(cut);
    const std::string found = difference(setup, calls, {cut}, start);
    BOOST_TEST(found.empty(), "cut before call " << cut << " it is another at " << found);
  }
  const std::string found = difference(setup, calls, all, start);
  BOOST_TEST(found.empty(), "cut everywhere it is another at " << found);
}

/// After some calls, a state that ends early is refused, and one with a byte that is another is
/// refused or leads anywhere, but not to what is undefined; whatever is refused changes nothing.
inline void check_bytes(const Setup& setup, std::string_view before, std::string_view after) {
  const auto with = [&](const std::string& bytes, const Phase phase, bool may_load) {
    CutRun run;
    setup(run);
    (void)seen_in(run, before, {});
    Modifier& modifier = *run.modifiers.front();
    const std::string state = saved(modifier);
    try {
      std::istringstream in{bytes};
      detail::ModifierAccess::set_phase(modifier, phase);
      modifier.load(run.bus->state(), run.bus->now(), in);
      BOOST_TEST(may_load, "what ends after " << bytes.size() << " bytes was loaded");
    } catch (const CheckpointError&) {
      BOOST_TEST((saved(modifier) == state), "it was refused, but has changed");
    }
    (void)seen_in(run, after, {});
  };
  CutRun run;
  setup(run);
  (void)seen_in(run, before, {});
  const std::string bytes = run.states().front();
  const Phase phase = run.modifiers.front()->phase();
  for (std::size_t length = 0; length < bytes.size(); ++length) {
    with(bytes.substr(0, length), phase, false);
    for (const int flip : {1, 0x80, 0xff}) {
      std::string other = bytes;
      other[length] = static_cast<char>(other[length] ^ flip);
      with(other, phase, true);
    }
  }
}

}  // namespace takt::test

#endif
