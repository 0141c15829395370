// SPDX-License-Identifier: BSL-1.0
#include "view_command.hpp"

#include <array>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <optional>
#include <ostream>
#include <sstream>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "count_text.hpp"
#include "json_text.hpp"
#include "option_checks.hpp"
#include "output_options.hpp"
#include "plan_report.hpp"
#include "reading_progress.hpp"
#include "recipe_source.hpp"
#include "recipe_text.hpp"
#include "run_options.hpp"
#include "table.hpp"
#include "takt/chrome_trace.hpp"
#include "takt/error.hpp"
#include "trace_input.hpp"

namespace takt::cli {
namespace {

struct Options {
  std::string file;
  std::string chrome;
  RecipeSource recipe;
  RunOptions run;
  OutputOptions output;
};

/// What there is to read. A file is read anew each time; standard input and pipes, which can't be,
/// are kept in memory.
class Input {
 public:
  Input(const std::string& file, std::istream& in) : file_{file} {
    namespace fs = std::filesystem;
    std::error_code missing;
    const auto status = fs::status(file, missing);
    if (file == "-") {
      keep(in);
    } else if (!fs::exists(status)) {
      throw TraceError(file + ": there is no such file; give the path of a trace or a recipe");
    } else if (!fs::is_regular_file(status) && !fs::is_directory(status)) {
      std::ifstream pipe{file, std::ios::binary};
      keep(pipe);
    }
  }

  /// Whether it is a trace and no recipe, by its name or its first line.
  [[nodiscard]] bool is_trace() const {
    if (file_.ends_with(".jsonl")) return true;
    if (text_) return begins_as_trace(*text_);
    std::ifstream begin{file_, std::ios::binary};
    return begins_as_trace(read_from(begin, 4096));
  }

  /// Calls `use` with a reader of the trace, and what is to be called after each entry.
  template <class Use>
  void read_trace(const Screen& screen, Use&& use) const {
    std::istringstream text{text_.value_or("")};
    TraceReader reader = text_ ? TraceReader{text, name()} : open_trace(file_, text);
    ReadingProgress progress{reader, file_, screen};
    use(reader, [&] { progress.tick(); });
  }

  [[nodiscard]] Recipe read_recipe(RecipeSource& source) const {
    source.set_file(file_, text_.has_value());
    std::istringstream text{text_.value_or("")};
    return source.read(text);
  }

  [[nodiscard]] std::string name() const { return file_ == "-" ? "standard input" : file_; }

 private:
  static bool begins_as_trace(const std::string& text) {
    return text.substr(0, text.find('\n')).find("\"takt_trace\"") != std::string::npos;
  }

  static std::string read_from(std::istream& in, std::size_t most) {
    std::string text(most, '\0');
    in.read(text.data(), static_cast<std::streamsize>(most));
    text.resize(static_cast<std::size_t>(in.gcount()));
    return text;
  }

  void keep(std::istream& in) {
    text_ = read_from(in, detail::longest_recipe + 1);
    if (is_trace()) text_->append(std::istreambuf_iterator<char>{in}, {});
  }

  std::string file_;
  std::optional<std::string> text_;
};

std::string heading(const Timeline& timeline, std::int64_t events) {
  std::string text = timeline.title + ": ";
  text += step_count(timeline.end_step - timeline.first_step);
  if (timeline.steps_per_epoch) {
    text += ", " + std::to_string(*timeline.steps_per_epoch) + " per epoch";
  }
  if (timeline.first_step > 0) text += ", from step " + std::to_string(timeline.first_step) + " on";
  return text + "; " + std::to_string(events) + (events == 1 ? " event" : " events");
}

void write_rows(const Timeline& timeline, const Screen& screen) {
  bool any_thrown = false;
  for (const TimelineLane& lane : timeline.lanes) any_thrown = any_thrown || lane.throws > 0;
  std::vector<Row> rows{{"modifier", "active at steps", "updates", "events", "time"}};
  if (any_thrown) rows.front().emplace_back("threw");
  for (const TimelineLane& lane : timeline.lanes) {
    rows.push_back({lane.name, window_steps(lane.starts, lane.ends, timeline.end_step),
                    std::to_string(lane.updates), std::to_string(lane.events),
                    lane.nanoseconds ? detail::duration_text(*lane.nanoseconds) : "-"});
    if (any_thrown) rows.back().push_back(std::to_string(lane.throws));
  }
  write_table(screen, rows);
}

void view_trace(const Options& options, const Input& input, const Screen& screen) {
  Timeline timeline;
  std::int64_t events = 0;
  bool torn = false;
  input.read_trace(screen, [&](TraceReader& reader, const auto& on_entry) {
    timeline = timeline_of(reader, [&] {
      ++events;
      on_entry();
    });
    torn = reader.torn();
  });
  options.output.write_files(timeline, screen);
  if (!options.chrome.empty()) {
    options.output.write(options.chrome, screen, [&](std::ostream& out) {
      input.read_trace(screen, [&](TraceReader& reader, const auto& on_entry) {
        write_chrome_trace(reader, out, on_entry);
      });
    });
  }
  if (options.output.json()) {
    Json json = json_of(timeline);
    json["events"] = events;
    json["torn"] = torn;
    return write_json(json, screen);
  }
  write_line(screen, heading(timeline, events));
  if (!timeline.lanes.empty()) write_rows(timeline, screen);
  draw(std::move(timeline), screen);
  if (torn) write_line(screen, "note: the trace ends in a torn line, which was left out", 2);
}

constexpr std::array<const char*, 9> recipe_options{"--plugin",
                                                    "--arg",
                                                    "--stage",
                                                    "--steps-per-epoch",
                                                    "--epochs",
                                                    "--steps",
                                                    "--batches-per-step",
                                                    "--calibration-batches",
                                                    "--from"};

void refuse_recipe_options(const CLI::App& command) {
  for (const char* const option : recipe_options) {
    if (command.count(option) > 0) {
      throw CLI::ValidationError(option, "that is for recipes; a trace says what its run was");
    }
  }
}

void view_recipe(Options& options, const Input& input, const Screen& screen) {
  if (!options.chrome.empty()) {
    throw CLI::ValidationError("--chrome", "that is for traces; a recipe has no times");
  }
  const Recipe recipe = input.read_recipe(options.recipe);
  options.run.require_length();
  write_plan(Plan{recipe.make(), options.run.shape()}, options.recipe.name(), options.output,
             screen);
}

void run(Options& options, const CLI::App& command, const Screen& screen) {
  const Input input{options.file, screen.in};
  options.output.refuse_overwriting(options.file);
  refuse_overwriting(options.file, "--chrome", options.chrome);
  if (!input.is_trace()) return view_recipe(options, input, screen);
  refuse_recipe_options(command);
  view_trace(options, input, screen);
}

}  // namespace

void add_view_command(CLI::App& program, const Screen& screen) {
  const auto options = std::make_shared<Options>();
  CLI::App& command =
      *program.add_subcommand("view", "draw a recorded run, or the one that a recipe makes");
  command.group("Commands");
  command.add_option("FILE", options->file, "a trace or a recipe; - reads standard input")
      ->required()
      ->type_name("")
      ->check(input_file());
  options->output.add_options(command);
  add_file_option(command, "--chrome", options->chrome,
                  "write a trace for Perfetto or chrome://tracing");
  options->recipe.add_reading_options(command);
  options->run.add_options(command);
  for (const char* const option : recipe_options) {
    command.get_option(option)->group("Options for a recipe");
  }
  command.footer(
      "For example: takt view run.jsonl --html run.html\n"
      "             takt view prune.yaml --epochs 40 --steps-per-epoch 44");
  command.callback([options, &command, &screen] { run(*options, command, screen); });
}

}  // namespace takt::cli
