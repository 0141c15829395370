// SPDX-License-Identifier: BSL-1.0
// Files of runs that are cut and resumed.
#include <boost/test/unit_test.hpp>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include "metrics_cases.hpp"
#include "number_text.hpp"
#include "small_disk.hpp"

namespace {

using takt::CheckpointError;
using takt::Event;
using takt::EventType;
using takt::MetricsModifier;
using takt::MetricsSettings;
using takt::test::has;
using takt::test::message_of;
using takt::test::SmallDisk;
using takt::test::metrics::Files;
using takt::test::metrics::Loop;
using takt::test::metrics::milliseconds;

constexpr std::int64_t length = 6;
const std::vector<std::string> names{"m.csv", "m.jsonl"};

/// A modifier without a bus, from some step on. Its clock stands, so that rows are gathered.
struct Run {
  explicit Run(MetricsSettings settings, std::int64_t first = 0)
      : modifier{with_clock(std::move(settings))}, step{first} {
    modifier.on_initialize(state, now({}));
    modifier.on_start(state, now({}));
  }

  [[nodiscard]] Event now(std::optional<EventType> type) const {
    return {.type = type, .global_step = step, .global_batch = step};
  }
  void make_step() {
    state.loss = 1.0 / static_cast<double>(step + 3);
    modifier.on_update(state, now(EventType::OPTIM_POST_STEP));
  }
  void end_batch() {
    modifier.on_update(state, now(EventType::BATCH_END));
    ++step;
  }
  /// Steps whose metrics are known by their number: some come late.
  void run_to(std::int64_t end) {
    while (step < end) {
      if (step >= 2) state.metrics["accuracy"] = static_cast<double>(step) / 8;
      if (step >= 4) state.metrics["late, too"] = static_cast<double>(step);
      make_step();
      end_batch();
    }
  }
  /// What is trained behind a checkpoint, before the run is killed, need not be what comes when it
  /// is resumed.
  void go_astray(std::int64_t steps) {
    for (; steps > 0; --steps) {
      state.metrics["astray"] = 7;
      make_step();
      end_batch();
    }
  }
  [[nodiscard]] std::string saved() {
    std::ostringstream out;
    modifier.save(out);
    return out.str();
  }
  void load(const std::string& bytes) {
    std::istringstream in{bytes};
    modifier.load(state, now({}), in);
    BOOST_TEST(in.rdbuf()->in_avail() == 0);
  }

  takt::State state;
  milliseconds time{5000};
  MetricsModifier modifier;
  std::int64_t step;

 private:
  MetricsSettings with_clock(MetricsSettings settings) {
    settings.clock = [this] { return std::chrono::steady_clock::time_point{time}; };
    return settings;
  }
};

std::string uncut(const std::string& name, MetricsSettings settings = {}) {
  const Files files;
  settings.file = files.name(name);
  Run run{settings};
  run.run_to(length);
  run.modifier.on_finalize(run.state, run.now({}));
  return files.text(name);
}

/// A run to some step that was saved there, and went on for some more before it was killed.
std::string killed(MetricsSettings settings, std::int64_t at, std::int64_t astray) {
  Run run{std::move(settings)};
  run.run_to(at);
  const std::string bytes = run.saved();
  run.go_astray(astray);
  return bytes;
}

/// A modifier behind the other one on a bus, whose state may not be loaded.
struct Picky final : takt::Modifier {
  explicit Picky(bool does_refuse) : Modifier{"picky", {}, {}}, refuses{does_refuse} {}
  void load(takt::State&, const Event&, std::istream&) override {
    if (refuses) throw CheckpointError("not this one");
  }
  bool refuses;
};

/// Why a run can't be resumed; the file is as it was, and so is the modifier.
std::string refusal(const Files& files, const std::string& name, const std::string& bytes) {
  const std::string before = files.text(name);
  Run run{{.file = files.name(name)}};
  const std::string state = run.saved();
  const std::string message = message_of<CheckpointError>([&] { run.load(bytes); });
  BOOST_TEST(files.text(name) == before);
  BOOST_TEST((run.saved() == state) == (message != "nothing was thrown"));
  return message;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(metrics_resume)

// ---- Going on -----------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(the_file_of_a_resumed_run_is_that_of_one_that_was_never_cut) {
  for (const std::string& name : names) {
    const std::string expected = uncut(name);
    for (std::int64_t at = 0; at <= length; ++at) {
      for (const std::int64_t astray : {0, 1, 3}) {
        for (const bool append : {false, true}) {
          const Files files;
          const MetricsSettings settings{.file = files.name(name), .append = append};
          const std::string bytes = killed(settings, at, astray);
          Run run{settings, at};
          run.load(bytes);
          run.run_to(length);
          run.modifier.on_finalize(run.state, run.now({}));
          if (at == length) continue;  // no row comes that would drop those behind
          BOOST_TEST(files.text(name) == expected,
                     "cut at step " << at << " with " << astray << " more: " << files.text(name));
        }
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(a_run_may_be_resumed_time_and_again) {
  for (const std::string& name : names) {
    const Files files;
    const MetricsSettings settings{.file = files.name(name)};
    std::string bytes = killed(settings, 0, 2);
    for (std::int64_t at = 0; at < length; ++at) {
      Run run{settings, at};
      run.load(bytes);
      BOOST_TEST((run.saved() == bytes));
      run.run_to(at + 1);
      bytes = run.saved();
      run.go_astray(at % 3);
    }
    Run last{settings, length};
    last.load(bytes);
    last.run_to(length + 1);
    last.modifier.on_finalize(last.state, last.now({}));
    BOOST_TEST(files.text(name).starts_with(uncut(name)));
  }
}

BOOST_AUTO_TEST_CASE(rows_that_were_gathered_are_in_the_file_of_a_checkpoint) {
  for (const std::string& name : names) {
    const Files files;
    Run run{{.file = files.name(name)}};
    run.run_to(length);
    BOOST_TEST(files.text(name) != uncut(name));
    (void)run.saved();
    BOOST_TEST(files.text(name) == uncut(name));
  }
}

BOOST_AUTO_TEST_CASE(a_step_that_was_made_has_its_row_and_one_that_was_not_has_none) {
  for (const bool steps : {true, false}) {
    const Files files;
    std::string bytes;
    {
      Run run{{.file = files.name("m.csv")}};
      run.run_to(1);
      if (steps) run.make_step();
      bytes = run.saved();
    }
    Run run{{.file = files.name("m.csv")}, 1};
    run.load(bytes);
    run.state.loss = 0.25;
    run.end_batch();
    (void)run.saved();
    BOOST_TEST(has(files.text("m.csv"), "\n1,1,0.25\n") == steps, files.text("m.csv"));
  }
}

BOOST_AUTO_TEST_CASE(a_file_that_was_appended_to_keeps_what_it_had) {
  const Files files;
  const std::string before = "step,batch,loss\r\n7,7,0.5\r\n8,8,0.5\r\n";
  const MetricsSettings settings{.file = files.name("m.csv"), .append = true};
  (void)files.file("m.csv", before);
  {
    Run run{settings};
    run.run_to(length);
    run.modifier.on_finalize(run.state, run.now({}));
  }
  const std::string expected = files.text("m.csv");
  for (std::int64_t at = 0; at < length; ++at) {
    (void)files.file("m.csv", before + "9,9,half a");
    const std::string bytes = killed(settings, at, 2);
    Run run{settings, at};
    run.load(bytes);
    run.run_to(length);
    run.modifier.on_finalize(run.state, run.now({}));
    BOOST_TEST(files.text("m.csv") == expected, files.text("m.csv"));
  }
}

BOOST_AUTO_TEST_CASE(nothing_is_dropped_before_a_row_comes) {
  for (const std::string& name : names) {
    const Files files;
    const std::string bytes = killed({.file = files.name(name)}, 3, 2);
    const std::string before = files.text(name);
    {
      Run run{{.file = files.name(name)}, 3};
      run.load(bytes);
      BOOST_TEST((run.saved() == bytes));
      BOOST_TEST(files.text(name) == before);
      run.modifier.on_finalize(run.state, run.now({}));
    }
    BOOST_TEST(files.text(name) == before);
    BOOST_TEST(!files.has(name + ".new"));
  }
}

BOOST_AUTO_TEST_CASE(a_state_from_before_the_first_row_replaces_the_file_with_it) {
  const Files files;
  std::string fresh;
  {
    Run run{{.file = files.name("m.csv")}};
    fresh = run.saved();
    run.go_astray(2);
  }
  const std::string later = killed({.file = files.name("m.csv")}, 3, 0);
  Run run{{.file = files.name("m.csv"), .append = true}};
  run.load(later);
  run.load(fresh);  // as when what was loaded is taken back
  BOOST_TEST(has(files.text("m.csv"), "2,2,"));
  run.run_to(1);
  BOOST_TEST(files.text("m.csv") ==
             "step,batch,loss\n0,0," + takt::detail::text_of(1.0 / 3) + "\n");
}

BOOST_AUTO_TEST_CASE(a_device_is_begun_anew) {
  const MetricsSettings settings{
      .file = "/dev/null", .format = takt::MetricsFormat::csv, .columns = {"accuracy"}};
  const std::string bytes = killed(settings, 3, 1);
  Run run{settings, 3};
  run.load(bytes);
  BOOST_CHECK_NO_THROW(run.run_to(length));
}

// ---- What has failed ----------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(a_disk_that_is_full_at_a_checkpoint_is_told_once_and_afterwards) {
  for (const bool resumed : {false, true}) {
    const Files files;
    const MetricsSettings settings{.file = files.name("m.jsonl")};
    std::string bytes;
    Run run{settings};
    run.run_to(1);
    run.run_to(4);
    const std::string before = files.text("m.jsonl");
    {
      const SmallDisk disk{before.size() + 10};
      BOOST_CHECK_NO_THROW(bytes = run.saved());
    }
    BOOST_TEST(files.text("m.jsonl") == before);
    if (resumed) run.load(bytes);
    BOOST_TEST(has(message_of<std::runtime_error>([&] { run.make_step(); }), "can't be written"));
    BOOST_CHECK_NO_THROW(run.run_to(length));
    BOOST_CHECK_NO_THROW(run.modifier.on_finalize(run.state, run.now({})));
    BOOST_TEST(files.text("m.jsonl") == before);
  }
}

BOOST_AUTO_TEST_CASE(the_end_of_a_window_and_of_training_tell_it_too) {
  for (const bool window : {false, true}) {
    Run run{{.file = "/dev/full", .format = takt::MetricsFormat::jsonl}};
    run.state.loss = 1.0;
    BOOST_CHECK_THROW(run.run_to(1), std::runtime_error);  // told
    BOOST_CHECK_NO_THROW(run.modifier.on_end(run.state, run.now({})));
    const Files files;
    Run other{{.file = files.name("m.jsonl")}};
    other.run_to(3);
    {
      const SmallDisk disk{files.text("m.jsonl").size()};
      (void)other.saved();
    }
    const auto end = [&] {
      window ? other.modifier.on_end(other.state, other.now({}))
             : other.modifier.on_finalize(other.state, other.now({}));
    };
    BOOST_CHECK_THROW(end(), std::runtime_error);
    BOOST_CHECK_NO_THROW(end());
  }
}

BOOST_AUTO_TEST_CASE(one_whose_file_has_failed_stays_silent) {
  const Files files;
  std::string bytes;
  {
    Run run{{.file = "/dev/full", .format = takt::MetricsFormat::jsonl}};
    BOOST_CHECK_THROW(run.run_to(1), std::runtime_error);
    bytes = run.saved();
  }
  Run run{{.file = files.name("m.jsonl")}, 1};
  run.load(bytes);
  BOOST_CHECK_NO_THROW(run.run_to(length));
  BOOST_TEST(!files.has("m.jsonl"));
  BOOST_TEST(!files.has("m.jsonl.new"));
}

// ---- What is refused ----------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(a_file_that_is_gone_or_shorter_is_refused) {
  for (const std::string& name : names) {
    const Files files;
    const std::string bytes = killed({.file = files.name(name)}, 3, 2);
    BOOST_TEST(refusal(files, name, bytes) == "nothing was thrown");
    const std::string text = files.text(name);
    const std::size_t rows = name == "m.csv" ? 1 : 0;
    std::size_t end = 0;
    for (std::size_t line = 0; line < rows + 3; ++line) {
      const std::string part = text.substr(0, end);
      (void)files.file(name, part);
      const std::string message = refusal(files, name, bytes);
      if (line > rows) {
        BOOST_TEST(has(message, name + " has " + std::to_string(line - rows) + " rows, but 3"),
                   message);
      }
      end = text.find('\n', end) + 1;
    }
    (void)files.file(name, text.substr(0, end - 1));  // the third has no line break
    BOOST_TEST(has(refusal(files, name, bytes), "has 2 rows, but 3 were written"));
    std::filesystem::remove(files / name);
    BOOST_TEST(has(refusal(files, name, bytes), name + " is no file, or is gone"));
  }
}

BOOST_AUTO_TEST_CASE(a_file_of_another_run_is_refused) {
  const Files files;
  const std::string bytes = killed({.file = files.name("m.csv")}, 3, 2);
  const std::string text = files.text("m.csv");
  const auto with = [&](const std::string& other) {
    (void)files.file("m.csv", other);
    return refusal(files, "m.csv", bytes);
  };
  const auto replaced = [&](const std::string& from, const std::string& to) {
    std::string other = text;
    return other.replace(other.find(from), from.size(), to);
  };
  BOOST_TEST(has(with("{}\n{}\n{}\n"), "is no CSV to go on with"));
  BOOST_TEST(has(with(replaced("loss", "lose")), "has other columns"));
  BOOST_TEST(has(with("step,batch,loss\n0,0,1\n1,1,1\n2,2,1\n"), "has other columns"));
  BOOST_TEST(has(with(replaced("\n2,2,0.2,0.25,", "\n2,2,0.2,0.5,")), "has another row 3"));
  BOOST_TEST(has(with(replaced(",,\n", ",,6\n")), "has a value in row 1 in a column that came"));
  BOOST_TEST(with(text) == "nothing was thrown");

  const std::string lines = killed({.file = files.name("m.jsonl")}, 3, 2);
  (void)files.file("m.jsonl", "step,batch\n1,1\n2,2\n3,3\n");
  BOOST_TEST(has(refusal(files, "m.jsonl", lines), "is no JSON Lines file"));
  BOOST_TEST(has(refusal(files, "m.csv", lines), "it was saved with format jsonl"));
  BOOST_TEST(has(refusal(files, "m.jsonl", bytes), "it was saved with format csv"));
}

BOOST_AUTO_TEST_CASE(a_checkpoint_that_is_refused_leaves_the_file_to_the_next_one) {
  for (const std::string& name : names) {
    const Files files;
    std::stringstream checkpoint;
    {
      Loop loop{{.file = files.name(name)}};
      loop.bus.emplace<Picky>(false);
      loop.step(0.5);
      loop.step(0.25);
      takt::save_checkpoint(loop.bus, checkpoint);
      loop.metrics()["astray"] = 1;
      loop.step(0.125);
    }
    const std::string before = files.text(name);
    takt::EventBus bus;
    bus.emplace<MetricsModifier>(MetricsSettings{.file = files.name(name)});
    const auto picky = bus.emplace<Picky>(true);
    BOOST_CHECK_THROW(takt::load_checkpoint(bus, checkpoint), CheckpointError);
    BOOST_TEST(files.text(name) == before);
    BOOST_TEST(!files.has(name + ".new"));

    picky->refuses = false;
    checkpoint.clear();
    checkpoint.seekg(0);
    takt::load_checkpoint(bus, checkpoint);
    BOOST_TEST(files.text(name) == before);
    bus.batch([](takt::Batch& batch) {
      batch.loss(4.0);
      batch.step([] {});
    });
    bus.finalize();
    BOOST_TEST(files.text(name) == (name == "m.csv" ? "step,batch,loss\n0,0,0.5\n1,1,0.25\n2,2,4\n"
                                                    : "{\"step\":0,\"batch\":0,\"loss\":0.5}\n"
                                                      "{\"step\":1,\"batch\":1,\"loss\":0.25}\n"
                                                      "{\"step\":2,\"batch\":2,\"loss\":4.0}\n"));
  }
}

BOOST_AUTO_TEST_CASE(a_state_that_ends_early_or_is_damaged_is_refused_and_changes_nothing) {
  for (const std::string& name : names) {
    const Files files;
    const std::string bytes = killed({.file = files.name(name)}, 3, 2);
    for (std::size_t size = 0; size < bytes.size(); ++size) {
      BOOST_TEST_REQUIRE(refusal(files, name, bytes.substr(0, size)) != "nothing was thrown");
      for (const int flip : {1, 0x80, 0xff}) {
        std::string other = bytes;
        other[size] = static_cast<char>(other[size] ^ flip);
        Run run{{.file = files.name(name)}};
        const std::string before = files.text(name);
        try {
          std::istringstream in{other};
          run.modifier.load(run.state, {}, in);
        } catch (const CheckpointError&) {
        }
        BOOST_TEST_REQUIRE(files.text(name) == before);
      }
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()
