// SPDX-License-Identifier: BSL-1.0
// Registers one modifier, and then throws an exception of its own class.
#include <stdexcept>
#include <takt/plugin.hpp>

#include "unused_modifier.hpp"

namespace {
class OwnError final : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};
}  // namespace

TAKT_PLUGIN("throws_error", "1.0", registry) {
  registry.add(unused_modifier("UnusedModifier"));
  throw OwnError("the license has expired");
}
