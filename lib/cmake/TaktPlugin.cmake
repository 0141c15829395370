# SPDX-License-Identifier: BSL-1.0
# Builds plugins: in a project that found takt's package, and in takt's own tree.

# Where plugins are installed to be found by name, relative to the prefix.
if(NOT DEFINED takt_PLUGIN_DIR)
  set(takt_PLUGIN_DIR ${CMAKE_INSTALL_LIBDIR}/takt/plugins)
endif()

# takt_add_plugin(name source...): the target `name`, a shared library lib<name>.so to load by that
# name. Install it with install(TARGETS name LIBRARY DESTINATION ${takt_PLUGIN_DIR}).
function(takt_add_plugin name)
  add_library(${name} MODULE ${ARGN})
  target_link_libraries(${name} PRIVATE takt::takt)
  target_compile_features(${name} PRIVATE cxx_std_20)
  # Only `takt_plugin` is for others. On Windows, where the macro can't export it, everything is.
  set_target_properties(${name} PROPERTIES
    PREFIX lib
    CXX_EXTENSIONS OFF
    CXX_VISIBILITY_PRESET hidden
    VISIBILITY_INLINES_HIDDEN ON
    WINDOWS_EXPORT_ALL_SYMBOLS ON)
  # A library that exports symbols which are unique in the whole process is never unloaded. g++
  # makes such symbols, in this library and in the static ones that are linked into it.
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    target_compile_options(${name} PRIVATE -fno-gnu-unique)
  endif()
  if(UNIX AND NOT APPLE)
    target_link_options(${name} PRIVATE LINKER:--exclude-libs,ALL)
  endif()
endfunction()
