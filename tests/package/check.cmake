# SPDX-License-Identifier: BSL-1.0
# Installs the takt that was built in TAKT_BUILD to a folder of its own, and there builds against it
# the project beside this file and the plugin in PLUGIN, and runs them. SANITIZE names the sanitizers
# that takt was built with, if any; LIBTORCH is the folder of the LibTorch that it was built with, if
# any, in which <torch/version.h> is. Called by ctest.
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
    -DCMAKE_PREFIX_PATH=${prefix} ${ARGN})
  run(${CMAKE_COMMAND} --build ${folder})
endfunction()

run(${CMAKE_COMMAND} --install ${TAKT_BUILD} --prefix ${prefix})
build(${CMAKE_CURRENT_LIST_DIR} ${WORK}/build -DLIBTORCH=${LIBTORCH})
build(${PLUGIN} ${WORK}/plugin)

# A shared takt is in the library folder, whose name depends on the system.
file(GLOB_RECURSE library ${prefix}/libtakt.*)
list(GET library 0 library)
get_filename_component(library_folder ${library} DIRECTORY)
set(ENV{LD_LIBRARY_PATH} ${library_folder})
run(${WORK}/build/uses-takt)
if(LIBTORCH)
  run(${WORK}/build/uses-libtorch)
endif()

# Who has takt and no LibTorch finds takt all the same, and is told what is missing when he asks for
# it. A LibTorch that is there is not looked at.
function(find_takt components)
  file(WRITE ${WORK}/find/CMakeLists.txt
    "cmake_minimum_required(VERSION 3.22)\nproject(find LANGUAGES CXX)\n"
    "find_package(takt REQUIRED ${components})\n")
  execute_process(COMMAND ${CMAKE_COMMAND} -S ${WORK}/find -B ${WORK}/find/build -G ${GENERATOR}
    -DCMAKE_CXX_COMPILER=${COMPILER} -DCMAKE_PREFIX_PATH=${prefix} -DCMAKE_IGNORE_PATH=${LIBTORCH}
    RESULT_VARIABLE result OUTPUT_VARIABLE text ERROR_VARIABLE text)
  set(find_result ${result} PARENT_SCOPE)
  set(find_text "${text}" PARENT_SCOPE)
endfunction()

find_takt("")
if(NOT find_result EQUAL 0 OR find_text MATCHES "[Tt]orch")
  message(FATAL_ERROR "takt is not found, or not silently, where there is no LibTorch: ${find_text}")
endif()
find_takt("COMPONENTS libtorch")
if(LIBTORCH)
  set(reason "LibTorch is not there: install libtorch-dev")
else()
  set(reason "this takt was built without LibTorch")
endif()
string(REGEX REPLACE "[ \n]+" " " find_text "${find_text}")
if(find_result EQUAL 0 OR NOT find_text MATCHES "${reason}")
  message(FATAL_ERROR "no word of \"${reason}\" in: ${find_text}")
endif()

# Found where the environment says; then, with the plugin installed, beside takt.
set(ENV{TAKT_PLUGIN_PATH} ${WORK}/plugin)
run(${WORK}/build/uses-plugin)
unset(ENV{TAKT_PLUGIN_PATH})
run(${CMAKE_COMMAND} --install ${WORK}/plugin --prefix ${prefix})
run(${CMAKE_COMMAND} --install ${WORK}/build --prefix ${prefix})
run(${prefix}/bin/uses-plugin)
