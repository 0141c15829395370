# SPDX-License-Identifier: BSL-1.0
# How takt's own targets are compiled. None of it reaches those who link to takt.

# The warnings and sanitizers asked for.
function(takt_configure_target target)
  if(NOT MSVC)
    target_compile_options(${target} PRIVATE -Wall -Wextra -Wpedantic -Wshadow -Wconversion)
    # A product and a sum rounded once, on machines that can, would give other numbers than elsewhere.
    target_compile_options(${target} PRIVATE -ffp-contract=off)
    if(TAKT_WERROR)
      target_compile_options(${target} PRIVATE -Werror)
    endif()
    if(TAKT_SANITIZE)
      target_compile_options(${target} PRIVATE
        -fsanitize=${TAKT_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
      target_link_options(${target} PUBLIC -fsanitize=${TAKT_SANITIZE})
      if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
        # The checks that it puts in make g++ 12 warn of std::function and boost::optional.
        target_compile_options(${target} PRIVATE -Wno-maybe-uninitialized)
      endif()
    endif()
  endif()
  set_target_properties(${target} PROPERTIES CXX_EXTENSIONS OFF)
endfunction()

# Makes each header of a modifier available as <takt/modifiers/NAME> below `root`.
function(takt_mirror_modifier_headers root)
  foreach(header IN LISTS ARGN)
    get_filename_component(name ${header} NAME)
    configure_file(${header} ${root}/takt/modifiers/${name} COPYONLY)
  endforeach()
endfunction()

# Stops when the version in <takt/version.hpp>, which plugins are compiled with, is another than the
# project's.
function(takt_check_version header)
  file(READ ${CMAKE_CURRENT_SOURCE_DIR}/${header} text)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/${header})
  foreach(constant
      "version_major = ${PROJECT_VERSION_MAJOR};"
      "version_minor = ${PROJECT_VERSION_MINOR};"
      "version_patch = ${PROJECT_VERSION_PATCH};"
      "version = \"${PROJECT_VERSION}\";")
    string(FIND "${text}" " ${constant}" found)
    if(found EQUAL -1)
      message(FATAL_ERROR "${header} does not say ${constant} as project(VERSION) does")
    endif()
  endforeach()
endfunction()
