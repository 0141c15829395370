// SPDX-License-Identifier: BSL-1.0
#include "checkpoint_folder.hpp"

#include <algorithm>
#include <charconv>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>

#include "durable_file.hpp"
#include "takt/error.hpp"

namespace takt::detail {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t digits = 8;
constexpr std::string_view between = "-step-";
constexpr std::string_view ending = ".takt";

/// The number that a text begins with, which it then has no longer.
std::optional<std::uint64_t> take_number(std::string_view& text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{}) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return number;
}

std::optional<std::uint64_t> number_of(std::string_view name) {
  const auto number = take_number(name);
  if (!number || !name.starts_with(between)) return std::nullopt;
  name.remove_prefix(between.size());
  if (!take_number(name) || name != ending) return std::nullopt;
  return number;
}

void remove_file(const fs::path& file) {
  std::error_code error;
  fs::remove(file, error);
  if (error) throw CheckpointError(file.string() + " can't be removed: " + error.message());
}

}  // namespace

std::vector<NumberedCheckpoint> checkpoints_in(const fs::path& folder) {
  std::vector<NumberedCheckpoint> all;
  std::error_code error;
  fs::directory_iterator entry{folder, error};
  if (error == std::errc::no_such_file_or_directory) return all;
  for (; !error && entry != fs::directory_iterator{}; entry.increment(error)) {
    if (const auto number = number_of(entry->path().filename().string())) {
      all.push_back({*number, entry->path()});
    }
  }
  if (error) throw CheckpointError(folder.string() + " can't be read: " + error.message());
  std::ranges::sort(all, {}, &NumberedCheckpoint::number);
  return all;
}

fs::path next_checkpoint_in(const fs::path& folder, std::int64_t step) {
  const auto all = checkpoints_in(folder);
  const std::uint64_t last = all.empty() ? 0 : all.back().number;
  if (last == std::numeric_limits<std::uint64_t>::max()) {
    throw CheckpointError(all.back().file.string() + " has the last number there is; rename it");
  }
  std::string number = std::to_string(last + 1);
  number.insert(0, digits - std::min(digits, number.size()), '0');
  number += between;
  number += std::to_string(step);
  number += ending;
  return folder / number;
}

void open_for_checkpoints(const fs::path& folder) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) throw CheckpointError(folder.string() + " can't be made: " + error.message());
  const fs::path trial = folder / "00000000-step-0.takt.new";
  try {
    write_durably(trial, {});
  } catch (const std::runtime_error& problem) {
    throw CheckpointError(problem.what());
  }
  remove_file(trial);
  std::vector<fs::path> leftovers;
  for (const auto& entry : fs::directory_iterator{folder, error}) {
    const fs::path& file = entry.path();
    if (file.extension() == ".new" && number_of(file.stem().string())) leftovers.push_back(file);
  }
  for (const fs::path& file : leftovers) remove_file(file);
}

void keep_last(const fs::path& folder, std::size_t count) {
  auto all = checkpoints_in(folder);
  if (all.size() <= count) return;
  all.resize(all.size() - count);
  for (const NumberedCheckpoint& one : all) remove_file(one.file);
}

}  // namespace takt::detail
