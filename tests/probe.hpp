// SPDX-License-Identifier: BSL-1.0
/// \file
/// A modifier for tests that records which of its hooks the bus runs, and a bus to put it on.
#ifndef TAKT_TESTS_PROBE_HPP
#define TAKT_TESTS_PROBE_HPP

#include <functional>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <takt/event_bus.hpp>
#include <utility>
#include <vector>

using Lines = std::vector<std::string>;

/// "batch_start 3": the event's type ("none" when it has none) and its global step.
inline std::string text_of(const takt::Event& event) {
  const std::string type = event.type ? takt::to_string(*event.type) : "none";
  return type + " " + std::to_string(event.global_step);
}

/// Writes one line for each hook: "name on_update batch_start 3".
class Probe final : public takt::Modifier {
 public:
  Probe(Lines& log, std::string name, takt::Cadence cadence = {}, takt::Interests interests = {})
      : Modifier{std::move(name), cadence, interests}, log_{log} {}

  /// What a hook does after it has written its line, by the hook's name.
  std::map<std::string, std::function<void(takt::State&, const takt::Event&)>> then;

  /// The hook throws from now on, each time; the text is "<name> broke <hook>".
  void breaks(const std::string& hook) {
    then[hook] = [text = name() + " broke " + hook](takt::State&, const takt::Event&) {
      throw std::runtime_error(text);
    };
  }

  void on_initialize(takt::State& s, const takt::Event& e) override { run("on_initialize", s, e); }
  void on_start(takt::State& s, const takt::Event& e) override { run("on_start", s, e); }
  void on_event(takt::State& s, const takt::Event& e) override { run("on_event", s, e); }
  void on_update(takt::State& s, const takt::Event& e) override { run("on_update", s, e); }
  void on_end(takt::State& s, const takt::Event& e) override { run("on_end", s, e); }
  void on_abort(takt::State& s, const takt::Event& e) noexcept override { run("on_abort", s, e); }
  void on_finalize(takt::State& s, const takt::Event& e) override { run("on_finalize", s, e); }

 private:
  void run(const std::string& hook, takt::State& state, const takt::Event& event) {
    log_.push_back(name() + " " + hook + " " + text_of(event));
    const auto found = then.find(hook);
    if (found == then.end()) return;
    const auto act = found->second;  // a copy: it may change the map
    act(state, event);
  }

  Lines& log_;
};

/// A bus whose probes write into one log.
struct ProbedBus {
  explicit ProbedBus(const takt::Event& start = {}, takt::BusOptions options = {})
      : bus{start, options} {}

  [[nodiscard]] std::shared_ptr<Probe> make(std::string name, takt::Cadence cadence = {},
                                            takt::Interests interests = {}) {
    return std::make_shared<Probe>(log, std::move(name), cadence, interests);
  }
  std::shared_ptr<Probe> add(std::string name, takt::Cadence cadence = {},
                             takt::Interests interests = {}, int group = 0) {
    auto probe = make(std::move(name), cadence, interests);
    bus.add(probe, group);
    return probe;
  }

  /// Initializes the bus and forgets what was written so far.
  void begin() {
    bus.initialize();
    log.clear();
  }
  /// One batch that takes its step, `count` times.
  void step(int count = 1) {
    for (int i = 0; i < count; ++i) {
      bus.batch([](takt::Batch& batch) { batch.step([] {}); });
    }
  }
  /// One batch that takes no step.
  void batch() {
    bus.batch([](takt::Batch&) {});
  }

  /// The lines that start with `prefix`, in order; the log is empty afterwards.
  Lines take(std::string_view prefix = "") {
    Lines lines = std::exchange(log, {});
    std::erase_if(lines, [&](const std::string& line) { return !line.starts_with(prefix); });
    return lines;
  }

  Lines log;
  takt::EventBus bus;
};

#endif
