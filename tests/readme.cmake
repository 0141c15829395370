# SPDX-License-Identifier: BSL-1.0
# Checks that the README shows the program EMBED, and the function `train` of LOOP, as they are
# compiled. Called by ctest.
file(READ ${README} readme)

function(require_shown file text)
  string(FIND "${readme}" "```cpp\n${text}```" found)
  if(found EQUAL -1)
    message(FATAL_ERROR "the README does not show ${file} as it stands:\n${text}")
  endif()
endfunction()

file(READ ${EMBED} embed)
string(FIND "${embed}" "#include" begin)
string(SUBSTRING "${embed}" ${begin} -1 shown)
require_shown(${EMBED} "${shown}")

file(READ ${LOOP} loop)
string(FIND "${loop}" "inline void train(" begin)
string(SUBSTRING "${loop}" ${begin} -1 shown)
string(FIND "${shown}" "\n}\n" end)
math(EXPR end "${end} + 3")
string(SUBSTRING "${shown}" 0 ${end} shown)
require_shown(${LOOP} "${shown}")
