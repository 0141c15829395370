// SPDX-License-Identifier: BSL-1.0
/// \file
/// A shared library that is loaded for as long as this object lives.
#ifndef TAKT_LIB_LOADED_PLUGIN_HPP
#define TAKT_LIB_LOADED_PLUGIN_HPP

// std::filesystem instead of boost::filesystem, which would be a library more to link.
#define BOOST_DLL_USE_STD_FS
#include <boost/dll/shared_library.hpp>
#include <utility>

#include "takt/registry.hpp"

namespace takt::detail {

/// Shared by everything that has code or data in the library.
class LoadedPlugin {
 public:
  LoadedPlugin(boost::dll::shared_library library, PluginInfo info)
      : library_{std::move(library)}, info_{std::move(info)} {}

  [[nodiscard]] const PluginInfo& info() const noexcept { return info_; }

 private:
  boost::dll::shared_library library_;  // its destructor unloads
  PluginInfo info_;
};

}  // namespace takt::detail

#endif
