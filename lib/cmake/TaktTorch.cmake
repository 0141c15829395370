# SPDX-License-Identifier: BSL-1.0
# Looks for LibTorch, where headers and libraries are looked for, CMAKE_PREFIX_PATH included. Read by
# takt's own build, and by its package. Quiet, whatever it finds.
#
# Sets TAKT_TORCH_FOUND, and either makes the imported target takt_torch or says in TAKT_TORCH_PROBLEM
# what is missing. LibTorch's own package is not read: it prints, looks for what only its own build
# needs (protobuf, gflags, glog), and makes targets of general names in the project of whoever reads it.
set(takt_torch_least 1.13)
set(TAKT_TORCH_FOUND FALSE)
set(TAKT_TORCH_PROBLEM "")

find_path(TAKT_TORCH_API_DIR torch/version.h PATH_SUFFIXES torch/csrc/api/include)
find_library(TAKT_TORCH_LIBRARY torch)
find_library(TAKT_TORCH_CPU_LIBRARY torch_cpu)
find_library(TAKT_TORCH_C10_LIBRARY c10)
mark_as_advanced(
  TAKT_TORCH_API_DIR TAKT_TORCH_LIBRARY TAKT_TORCH_CPU_LIBRARY TAKT_TORCH_C10_LIBRARY)

if(NOT TAKT_TORCH_API_DIR OR NOT TAKT_TORCH_LIBRARY OR NOT TAKT_TORCH_CPU_LIBRARY
    OR NOT TAKT_TORCH_C10_LIBRARY)
  set(TAKT_TORCH_PROBLEM "LibTorch is not there: install libtorch-dev, or name the folder of a \
LibTorch in CMAKE_PREFIX_PATH")
else()
  string(REPLACE "/torch/csrc/api/include" "" takt_torch_root ${TAKT_TORCH_API_DIR})
  # The newest ones only include that from there.
  set(takt_torch_version_header ${takt_torch_root}/torch/headeronly/version.h)
  if(NOT EXISTS ${takt_torch_version_header})
    set(takt_torch_version_header ${TAKT_TORCH_API_DIR}/torch/version.h)
  endif()
  file(STRINGS ${takt_torch_version_header} takt_torch_numbers
    REGEX "^#define TORCH_VERSION_(MAJOR|MINOR|PATCH) ")
  string(REGEX MATCHALL "[0-9]+" takt_torch_numbers "${takt_torch_numbers}")
  list(JOIN takt_torch_numbers "." TAKT_TORCH_VERSION)
  if(TAKT_TORCH_VERSION VERSION_LESS takt_torch_least)
    set(TAKT_TORCH_PROBLEM "LibTorch is ${TAKT_TORCH_VERSION} in ${TAKT_TORCH_API_DIR}; \
takt needs ${takt_torch_least} or later")
  else()
    set(TAKT_TORCH_FOUND TRUE)
  endif()
endif()

if(TAKT_TORCH_FOUND AND NOT TARGET takt_torch)
  # Imported, so that its headers are the system's: their warnings are not ours.
  add_library(takt_torch INTERFACE IMPORTED GLOBAL)
  target_include_directories(takt_torch INTERFACE ${takt_torch_root} ${TAKT_TORCH_API_DIR})
  target_link_libraries(takt_torch INTERFACE
    ${TAKT_TORCH_LIBRARY} ${TAKT_TORCH_CPU_LIBRARY} ${TAKT_TORCH_C10_LIBRARY})
endif()
