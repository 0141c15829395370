// SPDX-License-Identifier: BSL-1.0
// A shared library that is no plugin.
#include <takt/version.hpp>

extern "C" [[gnu::visibility("default")]] int takt_test_answer();
int takt_test_answer() { return takt::version_major; }
