# SPDX-License-Identifier: BSL-1.0
# Installs the takt that was built in TAKT_BUILD to a folder of its own, and there builds against it
# the project beside this file and the plugin in PLUGIN, and runs them. SANITIZE names the sanitizers
# that takt was built with, if any. Called by ctest.
set(prefix ${WORK}/prefix)
file(REMOVE_RECURSE ${WORK})

function(run)
  execute_process(COMMAND ${ARGN} RESULT_VARIABLE result)
  if(NOT result EQUAL 0)
    message(FATAL_ERROR "failed: ${ARGN}")
  endif()
endfunction()

set(flags "-Wall -Wextra -Wpedantic -Wshadow -Wconversion")
if(SANITIZE)
  string(APPEND flags
    " -g -O1 -fsanitize=${SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer")
else()
  string(APPEND flags " -Werror")
endif()

function(build source folder)
  run(${CMAKE_COMMAND} -S ${source} -B ${folder} -G ${GENERATOR}
    -DCMAKE_CXX_COMPILER=${COMPILER} -DCMAKE_BUILD_TYPE=Release -DCMAKE_CXX_FLAGS=${flags}
    -DCMAKE_PREFIX_PATH=${prefix})
  run(${CMAKE_COMMAND} --build ${folder})
endfunction()

run(${CMAKE_COMMAND} --install ${TAKT_BUILD} --prefix ${prefix})
build(${CMAKE_CURRENT_LIST_DIR} ${WORK}/build)
build(${PLUGIN} ${WORK}/plugin)

# A shared takt is in the library folder, whose name depends on the system.
file(GLOB_RECURSE library ${prefix}/libtakt.*)
list(GET library 0 library)
get_filename_component(library_folder ${library} DIRECTORY)
set(ENV{LD_LIBRARY_PATH} ${library_folder})
run(${WORK}/build/uses-takt)

# Found where the environment says; then, with the plugin installed, beside takt.
set(ENV{TAKT_PLUGIN_PATH} ${WORK}/plugin)
run(${WORK}/build/uses-plugin)
unset(ENV{TAKT_PLUGIN_PATH})
run(${CMAKE_COMMAND} --install ${WORK}/plugin --prefix ${prefix})
run(${CMAKE_COMMAND} --install ${WORK}/build --prefix ${prefix})
run(${prefix}/bin/uses-plugin)
