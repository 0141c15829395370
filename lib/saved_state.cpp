// SPDX-License-Identifier: BSL-1.0
#include "saved_state.hpp"

#include "shown_text.hpp"
#include "takt/error.hpp"

namespace takt::detail {

std::int64_t StateReader::count(std::string_view what) {
  constexpr std::int64_t most = std::int64_t{1} << 60;
  std::int64_t found = 0;
  (*this)(found);
  if (found >= 0 && found <= most) return found;
  throw CheckpointError("it has " + std::to_string(found) + " " + std::string{what} +
                        "; there are 0 to " + std::to_string(most));
}

void StateReader::refuse(std::string_view what, std::string_view found) {
  constexpr std::size_t most = 60;  // whatever bytes there are
  throw CheckpointError("it is the state of \"" + shown_text(found.substr(0, most)) +
                        "\"; that of \"" + std::string{what} + "\" is wanted");
}

void StateReader::refuse_the_end() { throw CheckpointError("it ends in the middle of a value"); }

void StateReader::refuse_truth(int value) {
  throw CheckpointError("a truth value is " + std::to_string(value) + "; it is 0 or 1");
}

}  // namespace takt::detail
