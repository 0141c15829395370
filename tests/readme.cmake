# SPDX-License-Identifier: BSL-1.0
# Checks that the README shows the program EMBED as it is compiled. Called by ctest.
file(READ ${README} readme)
file(READ ${EMBED} embed)
string(FIND "${embed}" "#include" begin)
string(SUBSTRING "${embed}" ${begin} -1 shown)
string(FIND "${readme}" "```cpp\n${shown}```" found)
if(found EQUAL -1)
  message(FATAL_ERROR "the README does not show ${EMBED} as it stands")
endif()
