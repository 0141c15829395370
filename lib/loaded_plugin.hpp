// SPDX-License-Identifier: BSL-1.0
/// \file
/// A shared library that is loaded for as long as this object lives.
#ifndef TAKT_LIB_LOADED_PLUGIN_HPP
#define TAKT_LIB_LOADED_PLUGIN_HPP

// std::filesystem instead of boost::filesystem, which would be a library more to link.
#define BOOST_DLL_USE_STD_FS
#include <boost/dll/shared_library.hpp>
#include <filesystem>
#include <mutex>
#include <system_error>
#include <utility>

#include "takt/registry.hpp"

namespace takt::detail {

/// A shared library that is unloaded with this object. Loading and unloading hold one lock, and
/// with it the making and destroying of the library's globals: the system's loader has a lock of
/// its own, but one that the thread sanitizer does not see.
class LoadedLibrary {
 public:
  /// Throws nothing but what is out of memory: `error` says why it can't be loaded.
  LoadedLibrary(const std::filesystem::path& file, boost::dll::load_mode::type mode,
                std::error_code& error) {
    const std::lock_guard lock{loader_lock()};
    library_.load(file, error, mode);
  }
  LoadedLibrary(LoadedLibrary&&) noexcept = default;
  LoadedLibrary& operator=(LoadedLibrary&&) = delete;
  ~LoadedLibrary() {
    const std::lock_guard lock{loader_lock()};
    library_.unload();
  }

  [[nodiscard]] const boost::dll::shared_library& get() const noexcept { return library_; }

 private:
  /// Recursive, as one of a library's globals may let go of another plugin; never destroyed, as a
  /// global of the program may be the last that has a plugin.
  static std::recursive_mutex& loader_lock() {
    static auto& lock = *new std::recursive_mutex;
    return lock;
  }

  boost::dll::shared_library library_;
};

/// Shared by everything that has code or data in the library.
class LoadedPlugin {
 public:
  LoadedPlugin(LoadedLibrary library, PluginInfo info)
      : library_{std::move(library)}, info_{std::move(info)} {}

  [[nodiscard]] const PluginInfo& info() const noexcept { return info_; }

 private:
  LoadedLibrary library_;
  PluginInfo info_;
};

}  // namespace takt::detail

#endif
