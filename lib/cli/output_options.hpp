// SPDX-License-Identifier: BSL-1.0
/// \file
/// The options with which a command is told where to write a drawing.
#ifndef TAKT_LIB_CLI_OUTPUT_OPTIONS_HPP
#define TAKT_LIB_CLI_OUTPUT_OPTIONS_HPP

#include <CLI/App.hpp>
#include <functional>
#include <iosfwd>
#include <string>

#include "screen.hpp"
#include "takt/timeline.hpp"

namespace takt::cli {

/// How a timeline is shown.
class OutputOptions {
 public:
  /// Adds `--svg`, `--html` and `--json`. This object outlives the command.
  void add_options(CLI::App& command);

  [[nodiscard]] bool json() const noexcept { return json_; }
  /// Throws when one of the files to write is this one.
  void refuse_overwriting(const std::string& input) const;
  /// Writes the files that are asked for.
  void write_files(const Timeline& timeline, const Screen& screen) const;
  /// Writes one file: all of it, or, when that fails, none, and the one that was there before is
  /// left. Says so. Throws `std::runtime_error`.
  void write(const std::string& file, const Screen& screen,
             const std::function<void(std::ostream&)>& content) const;

 private:
  std::string svg_;
  std::string html_;
  bool json_ = false;
};

/// Adds an option for a file to write.
void add_file_option(CLI::App& command, const std::string& name, std::string& file,
                     const std::string& help);
/// Adds `--json`.
void add_json_option(CLI::App& command, bool& json);

/// Draws it below an empty line, without its title, for the screen's width, or for the usual one
/// when there is no terminal. A run without steps is not drawn.
void draw(Timeline timeline, const Screen& screen);

}  // namespace takt::cli

#endif
