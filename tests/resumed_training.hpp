// SPDX-License-Identifier: BSL-1.0
/// \file
/// Whole trainings that are cut between any two calls of their loop and resumed from a checkpoint
/// by another process, as it were: another bus, other modifiers, another model and optimizer.
#ifndef TAKT_TESTS_RESUMED_TRAINING_HPP
#define TAKT_TESTS_RESUMED_TRAINING_HPP

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <sstream>
#include <string>
#include <string_view>
#include <takt/modifiers/ema.hpp>
#include <takt/takt.hpp>
#include <vector>

#include "call_letters.hpp"
#include "vector_model.hpp"

namespace takt::test::training {

/// Gradient descent with momentum.
struct Descent final : Optimizer {
  [[nodiscard]] double learning_rate() const override { return rate; }
  void set_learning_rate(double value) override { rate = value; }
  void step(VectorModel& model) {
    std::size_t next = 0;
    for (VectorParameter& parameter : model.parameters) {
      for (std::size_t i = 0; i < parameter.values.size(); ++i) {
        float& momentum = momenta.at(next++);
        momentum = 0.75F * momentum + parameter.gradients[i];
        parameter.values[i] -= static_cast<float>(rate) * momentum;
      }
    }
  }

  double rate = 0.125;
  std::vector<float> momenta = std::vector<float>(44);
};

inline std::vector<VectorParameter> parameters() {
  std::vector<VectorParameter> all{{.name = "in.weight", .shape = {4, 8}, .kind = "Linear"},
                                   {.name = "in.bias", .shape = {4}, .kind = "Linear"},
                                   {.name = "out.weight", .shape = {2, 4}, .kind = "Linear"}};
  float value = 0.0F;
  for (VectorParameter& parameter : all) {
    std::size_t count = 1;
    for (const std::int64_t length : parameter.shape) count *= static_cast<std::size_t>(length);
    for (; count > 0; --count) parameter.values.push_back(std::fmod(value += 0.61F, 2.0F) - 1.0F);
    parameter.gradients.resize(parameter.values.size());
  }
  return all;
}

/// What a modifier of a training is built from, besides its own settings.
struct Place {
  std::string name{};
  double unit = 1.0;               ///< a step, in index units
  std::ostream& out;               ///< for what it prints
  std::filesystem::path folder{};  ///< for its files
};
using Make = std::function<std::shared_ptr<Modifier>(const Place&)>;

/// A training: how its bus is built, and the calls of its loop, each a letter, see `make_call`; n
/// is a loss of NaN, and v looks at the averages.
struct Training {
  Event start{};
  BusOptions options{};
  std::vector<Make> modifiers{};
  std::string calls{};
};

/// What there is to be seen after a call, bit for bit.
struct Seen {
  std::string error{};
  std::string weights{};
  std::string gradients{};
  std::string momenta{};
  std::string state{};  ///< rate, loss, metrics, requests

  friend bool operator==(const Seen&, const Seen&) = default;
};

/// One process that trains.
class Process {
 public:
  explicit Process(const Training& training, const std::filesystem::path& folder = {})
      : bus{training.start, training.options} {
    bus.state().set(model);
    bus.state().set(optimizer);
    bus.state().set(loop);
    const double unit = 1.0 / static_cast<double>(training.start.steps_per_epoch.value_or(1));
    for (const Make& make : training.modifiers) {
      bus.add(make({.name = "modifier " + std::to_string(bus.modifiers().size()),
                    .unit = unit,
                    .out = printed,
                    .folder = folder}));
    }
    recorder.emplace(bus, trace);
    if (!folder.empty()) file_recorder.emplace(bus, folder / "trace.jsonl");
  }

  [[nodiscard]] std::string save() {
    std::ostringstream out;
    save_checkpoint(bus, out);
    return std::move(out).str();
  }
  void load(const std::string& saved) {
    std::istringstream in{saved};
    load_checkpoint(bus, in);
  }

  Seen call(char letter) {
    Seen seen;
    try {
      make(letter);
    } catch (const std::exception& error) {
      seen.error = error.what();
    }
    for (const VectorParameter& parameter : model.parameters) {
      add(seen.weights, std::span<const float>{parameter.values});
      add(seen.gradients, std::span<const float>{parameter.gradients});
    }
    add(seen.momenta, std::span<const float>{optimizer.momenta});
    State& state = bus.state();
    add(seen.state, optimizer.rate);
    add(seen.state, state.loss.value_or(0.5));
    for (const auto& [name, value] : state.metrics) {
      if (name.starts_with("time/")) continue;
      seen.state += name;
      add(seen.state, value);
    }
    seen.state += state.control.stop_reason();
    if (letter != 'e') return seen;  // what was asked for before that is for the checkpoint to keep
    if (state.control.take_save_request()) seen.state += " save";
    if (state.control.take_evaluate_request()) seen.state += " evaluate";
    return seen;
  }

  VectorModel model{parameters()};
  Descent optimizer;
  std::ostringstream printed;
  Trace trace;
  LoopState loop{.save = [this](std::ostream& out) { write(out); },
                 .load = [this](std::istream& in) { read(in); }};
  EventBus bus;
  std::optional<TraceRecorder> recorder;
  std::optional<TraceRecorder> file_recorder;

 private:
  static void add(std::string& bytes, std::span<const float> numbers) {
    bytes.append(reinterpret_cast<const char*>(numbers.data()), numbers.size_bytes());
  }
  static void add(std::string& bytes, double number) {
    bytes.append(reinterpret_cast<const char*>(&number), sizeof number);
  }

  template <class Stream, class Transfer>
  void each(Stream& stream, Transfer transfer) {
    const auto one = [&](auto* numbers, std::size_t count) {
      transfer(stream, reinterpret_cast<char*>(numbers), count * sizeof *numbers);
    };
    for (VectorParameter& parameter : model.parameters) {
      one(parameter.values.data(), parameter.values.size());
      one(parameter.gradients.data(), parameter.gradients.size());
    }
    one(optimizer.momenta.data(), optimizer.momenta.size());
    one(&random_, 1);
    one(&stepped_, 1);
  }
  void write(std::ostream& out) {
    each(out, [](std::ostream& to, const char* bytes, std::size_t count) {
      to.write(bytes, static_cast<std::streamsize>(count));
    });
  }
  void read(std::istream& in) {
    each(in, [](std::istream& from, char* bytes, std::size_t count) {
      from.read(bytes, static_cast<std::streamsize>(count));
    });
  }

  /// -1 to 1, no two alike.
  float next() noexcept {
    random_ = random_ * 6364136223846793005U + 1442695040888963407U;
    return static_cast<float>(random_ >> 40U) / (1U << 23U) - 1.0F;
  }

  /// Pulls the weights towards random ones, and adds that to the gradients.
  double forward_and_backward() {
    if (stepped_) {
      for (VectorParameter& parameter : model.parameters) {
        std::ranges::fill(parameter.gradients, 0.0F);
      }
    }
    stepped_ = false;
    double loss = 0.0;
    for (VectorParameter& parameter : model.parameters) {
      for (std::size_t i = 0; i < parameter.values.size(); ++i) {
        const float error = parameter.values[i] - next();
        loss += 0.5 * static_cast<double>(error * error);
        parameter.gradients[i] += error;
      }
    }
    return loss;
  }

  void look_at_averages() {
    for (const auto& modifier : bus.modifiers()) {
      auto* const ema = dynamic_cast<EMAModifier*>(modifier.get());
      if (ema == nullptr) continue;
      ema->with_averages(model, [&] {
        double sum = 0.0;
        for (const VectorParameter& parameter : model.parameters) {
          for (const float value : parameter.values) sum += static_cast<double>(value);
        }
        bus.state().metrics["of " + ema->name()] = sum;
      });
    }
  }

  void make(char letter) {
    switch (letter) {
      case 'l':
        return make_call(bus, 'l', forward_and_backward());
      case 'n':
        (void)forward_and_backward();
        model[0].gradients[5] = std::numeric_limits<float>::quiet_NaN();
        return make_call(bus, 'l', std::numeric_limits<double>::quiet_NaN());
      case 'P':
        optimizer.step(model);
        stepped_ = true;
        return make_call(bus, 'P');
      case 'v':
        return look_at_averages();
      default:
        return make_call(bus, letter);
    }
  }

  std::uint64_t random_ = 1;
  bool stepped_ = true;
};

/// Whether they say the same, but for the times.
inline bool same(const TraceEntry& a, const TraceEntry& b) {
  const auto bits = [](const std::optional<double>& number) {
    return std::bit_cast<std::uint64_t>(number.value_or(0.5));
  };
  return a.kind == b.kind && a.call == b.call && a.modifier == b.modifier && a.step == b.step &&
         a.batch == b.batch && bits(a.loss) == bits(b.loss) && a.layers == b.layers &&
         std::ranges::equal(a.hooks, b.hooks, [](const HookRun& x, const HookRun& y) {
           return x.modifier == y.modifier && x.hook == y.hook && x.error == y.error;
         });
}

/// A training that is not cut.
struct Uncut {
  std::vector<Seen> seen{};                ///< after each call
  std::vector<std::string> checkpoints{};  ///< before each call; empty where there can be none
  std::vector<std::size_t> entries{};      ///< of the trace, before each call
  Trace trace{};
};

inline Uncut train(const Training& training, bool saving) {
  Process process{training};
  Uncut uncut;
  bool runs = false;
  for (const char letter : training.calls) {
    uncut.checkpoints.push_back(saving && runs ? process.save() : "");
    uncut.entries.push_back(process.trace.entries.size());
    uncut.seen.push_back(process.call(letter));
    runs = letter != 'f' && (runs || letter == 'i');
  }
  process.recorder->close();
  uncut.trace = process.trace;
  return uncut;
}

inline std::string difference(const Seen& a, const Seen& b) {
  if (a.error != b.error) return "it throws '" + a.error + "' instead of '" + b.error + "'";
  if (a.weights != b.weights) return "the weights";
  if (a.gradients != b.gradients) return "the gradients";
  if (a.momenta != b.momenta) return "the momenta";
  return a.state != b.state ? "the state" : "";
}

inline std::string difference(const std::vector<Seen>& seen, std::span<const Seen> expected) {
  for (std::size_t i = 0; i < seen.size(); ++i) {
    const std::string what = difference(seen[i], expected[i]);
    if (!what.empty()) return what + ", after " + std::to_string(i + 1) + " calls";
  }
  return "";
}

/// Where the training that is resumed before that call is another; empty when it is nowhere.
inline std::string difference_when_cut(const Training& training, const Uncut& uncut,
                                       std::size_t cut) {
  Process process{training};
  process.load(uncut.checkpoints[cut]);
  if (process.save() != uncut.checkpoints[cut]) return "what is saved again";
  std::vector<Seen> seen;
  for (const char letter : training.calls.substr(cut)) seen.push_back(process.call(letter));
  const std::string what = difference(seen, std::span{uncut.seen}.subspan(cut));
  if (!what.empty()) return what;
  process.recorder->close();
  const std::span expected = std::span{uncut.trace.entries}.subspan(uncut.entries[cut]);
  return std::ranges::equal(process.trace.entries, expected, same) ? "" : "the trace";
}

/// The same for each place at which it can be cut, and for saving alone.
inline std::string difference_when_cut_anywhere(const Training& training) {
  const Uncut uncut = train(training, true);
  const Uncut unsaved = train(training, false);
  const std::string what = difference(uncut.seen, unsaved.seen);
  if (!what.empty()) return "when it is saved, " + what;
  if (!std::ranges::equal(uncut.trace.entries, unsaved.trace.entries, same)) {
    return "when it is saved, the trace";
  }
  for (std::size_t cut = 0; cut < training.calls.size(); ++cut) {
    if (uncut.checkpoints[cut].empty()) continue;
    const std::string found = difference_when_cut(training, uncut, cut);
    if (!found.empty()) {
      return "cut after " + training.calls.substr(0, cut) + " it is another: " + found + " of " +
             training.calls.substr(cut);
    }
  }
  return "";
}

// ---- Files --------------------------------------------------------------------------------------

/// Their bytes, by their names in the folder; not those of the trace, which has times.
inline std::map<std::string, std::string> files_in(const std::filesystem::path& folder) {
  std::map<std::string, std::string> files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator{folder}) {
    if (!entry.is_regular_file() || entry.path().filename() == "trace.jsonl") continue;
    std::ifstream stream{entry.path(), std::ios::binary};
    files[entry.path().lexically_relative(folder).string()] = {
        std::istreambuf_iterator<char>{stream}, {}};
  }
  return files;
}

/// A process that is killed has written as far as it came: files that only grow are as the whole
/// run leaves them, those in `checkpoints` as they were when it was cut. The others and the trace
/// are, in the end, those of the run that was not cut; where they differ, or nothing.
inline std::string difference_of_files_when_cut_anywhere(const Training& training,
                                                         const std::filesystem::path& scratch) {
  namespace fs = std::filesystem;
  const auto folder_of = [&](const std::string& name) {
    fs::create_directories(scratch / name / "checkpoints");
    return scratch / name;
  };
  const fs::path whole = folder_of("whole");
  std::vector<std::string> checkpoints;
  {
    Process process{training, whole};
    for (std::size_t cut = 0; cut + 1 < training.calls.size(); ++cut) {
      (void)process.call(training.calls[cut]);
      checkpoints.push_back(process.save());
      fs::copy(whole / "checkpoints", folder_of(std::to_string(cut)) / "checkpoints",
               fs::copy_options::recursive | fs::copy_options::overwrite_existing);
    }
    (void)process.call(training.calls.back());
  }
  const auto files = files_in(whole);
  const Trace trace = read_trace(whole / "trace.jsonl");
  for (std::size_t cut = 0; cut < checkpoints.size(); ++cut) {
    const fs::path folder = folder_of(std::to_string(cut));
    for (const auto& entry : fs::directory_iterator{whole}) {
      if (entry.is_regular_file()) fs::copy(entry.path(), folder);
    }
    const std::string rest = training.calls.substr(cut + 1);
    {
      Process process{training, folder};
      process.load(checkpoints[cut]);
      for (const char letter : rest) (void)process.call(letter);
    }
    if (files_in(folder) != files) return "its files are others, cut before " + rest;
    if (!std::ranges::equal(read_trace(folder / "trace.jsonl").entries, trace.entries, same)) {
      return "its trace is another, cut before " + rest;
    }
  }
  return "";
}

}  // namespace takt::test::training

#endif
