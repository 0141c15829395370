// SPDX-License-Identifier: BSL-1.0
#include "output_options.hpp"

#include <ostream>
#include <stdexcept>

#include "option_checks.hpp"
#include "output_file.hpp"
#include "terminal.hpp"

namespace takt::cli {

void add_file_option(CLI::App& command, const std::string& name, std::string& file,
                     const std::string& help) {
  command.add_option(name, file, help)->type_name("FILE")->check(output_file());
}

void add_json_option(CLI::App& command, bool& json) {
  command.add_flag("--json", json, "print JSON, for other programs");
}

void OutputOptions::add_options(CLI::App& command) {
  add_file_option(command, "--svg", svg_, "write the timeline as a picture");
  add_file_option(command, "--html", html_, "write it as a page for a browser, which zooms");
  add_json_option(command, json_);
}

void OutputOptions::refuse_overwriting(const std::string& input) const {
  cli::refuse_overwriting(input, "--svg", svg_);
  cli::refuse_overwriting(input, "--html", html_);
}

void OutputOptions::write_files(const Timeline& timeline, const Screen& screen) const {
  if (!svg_.empty()) {
    write(svg_, screen, [&](std::ostream& out) { write_svg(timeline, out); });
  }
  if (!html_.empty()) {
    write(html_, screen, [&](std::ostream& out) { write_html(timeline, out); });
  }
}

void OutputOptions::write(const std::string& file, const Screen& screen,
                          const std::function<void(std::ostream&)>& content) const {
  detail::OutputFile output{file};
  content(output.stream());
  output.stream().flush();
  if (!output.stream()) throw std::runtime_error(file + " can't be written; the disk may be full");
  output.take_name();
  // With JSON on the output, that is all there is on it.
  const Screen told{screen.in, json_ ? screen.err : screen.out, screen.err};
  write_line(told, "wrote " + file);
}

void draw(Timeline timeline, const Screen& screen) {
  if (timeline.end_step <= timeline.first_step) return;
  timeline.title.clear();  // said above it
  screen.out << '\n';
  write_text(
      timeline, screen.out,
      {.columns = screen.columns.value_or(detail::usual_columns), .colours = screen.colours});
}

}  // namespace takt::cli
