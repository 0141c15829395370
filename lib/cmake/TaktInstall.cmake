# SPDX-License-Identifier: BSL-1.0
# Installs the library, its headers, and the package that find_package(takt) reads.
include(CMakePackageConfigHelpers)

set(takt_package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/takt)

install(TARGETS takt EXPORT takt-targets
  ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR}
  LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}
  RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(DIRECTORY include/takt DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(FILES ${takt_modifier_headers} DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/takt/modifiers)

install(EXPORT takt-targets NAMESPACE takt:: DESTINATION ${takt_package_dir})
if(TARGET takt-libtorch)
  # Targets of their own: who has takt's package and no LibTorch never reads them.
  install(TARGETS takt-libtorch EXPORT takt-libtorch-targets
    ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR}
    LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}
    RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
  install(EXPORT takt-libtorch-targets NAMESPACE takt:: DESTINATION ${takt_package_dir})
endif()
configure_package_config_file(lib/cmake/takt-config.cmake.in
  ${PROJECT_BINARY_DIR}/takt-config.cmake INSTALL_DESTINATION ${takt_package_dir})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/takt-config-version.cmake
  COMPATIBILITY SameMinorVersion)
install(FILES
  ${PROJECT_BINARY_DIR}/takt-config.cmake
  ${PROJECT_BINARY_DIR}/takt-config-version.cmake
  lib/cmake/TaktPlugin.cmake
  lib/cmake/TaktTorch.cmake
  DESTINATION ${takt_package_dir})
