// SPDX-License-Identifier: BSL-1.0
/// \file
/// Where in a file of a run's numbers a checkpoint was made.
#ifndef TAKT_LIB_METRICS_PLACE_HPP
#define TAKT_LIB_METRICS_PLACE_HPP

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace takt::detail {

class StateReader;
class StateWriter;

/// Behind a row, under the columns that there were then.
struct MetricsPlace {
  std::uint64_t rows = 0;
  std::vector<std::string> columns{};  ///< of a CSV; JSON Lines have none
  std::string last{};                  ///< the last row, without its line break

  void save(StateWriter& write) const;
  void load(StateReader& read);
};

/// Behind the last whole row of a CSV, or of JSON Lines. Throws `std::runtime_error`, to be shown
/// behind the file's name, when it is none.
[[nodiscard]] MetricsPlace end_of_metrics(std::string_view text, bool csv);

/// The text up to a place in it, as it was then: without the rows behind it, and without the
/// columns that came later, which are empty up to there. Throws `std::runtime_error` like
/// `end_of_metrics`, and when the place is not in it.
[[nodiscard]] std::string metrics_up_to(const MetricsPlace& place, std::string_view text, bool csv);

}  // namespace takt::detail

#endif
