# SPDX-License-Identifier: BSL-1.0
# Makes timelines into pages with the program PAGE, opens them in a browser without a window, and
# reads what the checks in checks.js, which run there, have written. Called by ctest.
find_program(browser NAMES chromium chromium-browser google-chrome google-chrome-stable)
set(status "no browser")
if(browser)
  # Some systems have a program of that name that only says how to get the browser.
  execute_process(COMMAND ${browser} --version
    OUTPUT_QUIET ERROR_QUIET RESULT_VARIABLE status TIMEOUT 60)
endif()
if(NOT status EQUAL 0)
  message("skipped: no browser is here to open pages in; install the package chromium")
  return()
endif()

file(REMOVE_RECURSE ${WORK})
file(MAKE_DIRECTORY ${WORK})

# Opens the page and returns its document at the end. The clock of the page is a virtual one, which
# does not pass while there is something to do, so no check depends on how fast the machine is.
function(open page size result)
  execute_process(
    COMMAND ${browser} --headless --no-sandbox --disable-gpu --no-first-run --disable-dev-shm-usage
      --user-data-dir=${WORK}/profile --window-size=${size} --virtual-time-budget=20000
      --dump-dom file://${page}
    OUTPUT_VARIABLE document ERROR_VARIABLE complaints RESULT_VARIABLE status TIMEOUT 60)
  if(NOT status EQUAL 0)
    message(FATAL_ERROR "${browser} could not open ${page}: ${status}\n${complaints}")
  endif()
  set(${result} "${document}" PARENT_SCOPE)
endfunction()

foreach(name IN ITEMS hostile long narrow extreme empty)
  set(size 1200,900)
  if(name STREQUAL "narrow")
    set(size 400,800)
  endif()
  set(page ${WORK}/${name}.html)
  execute_process(COMMAND ${PAGE} ${name} ${CMAKE_CURRENT_LIST_DIR}/checks.js
    OUTPUT_FILE ${page} RESULT_VARIABLE status)
  if(NOT status EQUAL 0)
    message(FATAL_ERROR "${PAGE} ${name} failed: ${status}")
  endif()
  open(${page} ${size} document)
  string(REGEX MATCH "<pre id=\"checks\">[^<]*</pre>" checks "${document}")
  message("${name}: ${checks}")
  if(NOT checks MATCHES "all checks passed")
    message(FATAL_ERROR "checks of ${page} failed")
  endif()
endforeach()
