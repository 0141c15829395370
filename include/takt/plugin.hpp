// SPDX-License-Identifier: BSL-1.0
/// \file
/// Plugins: shared libraries that bring modifiers of their own.
///
/// A plugin is one source file, built with `takt_add_plugin` from takt's CMake package:
///
///     #include <takt/plugin.hpp>
///
///     TAKT_PLUGIN("gradient_noise", "1.0", registry) { registry.add(GradientNoise::type()); }
///
/// *Trust.* To load a plugin is to run its code, already before it registers anything, with all
/// that the program may do. Load none from where you would not run a program from.
///
/// *Threads.* `load_plugin` changes its registry like any other non-const member: no other thread
/// may use that registry meanwhile. Calls with different registries may run at once. Both functions
/// read the environment, so no thread may change it meanwhile.
///
/// *Lifetime.* The library stays loaded while a registry that it was loaded into, a copy of such a
/// registry, or a modifier that it made lives; then it is unloaded. Whatever else has code in it
/// must be gone by then, so a plugin may not
/// - leave objects of its own types in a `State` for longer than its modifiers are on the bus;
/// - leave observers connected, or callables on a bus, when its modifiers are gone;
/// - leave threads running when its modifiers are gone, or have them let go of the last one;
/// - rely on an exception that a hook throws to outlive its modifiers: whoever catches the
///   `ModifierError` that has it nested drops it first, unless its class is the standard library's;
/// - throw when it is loaded, that is from the constructor of a global;
/// - load plugins, or keep the registry that it is handed.
#ifndef TAKT_PLUGIN_HPP
#define TAKT_PLUGIN_HPP

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string_view>
#include <version>

#include "takt/registry.hpp"
#include "takt/version.hpp"

namespace takt {

/// The file of a plugin. Text with a directory separator, or with the system's suffix (".so") at
/// its end, is a path and taken as it is. Anything else is a name: "gradient_noise" is
/// "libgradient_noise.so" or "gradient_noise.so" in the first folder that has one, out of
/// - those in the environment variable TAKT_PLUGIN_PATH, with ':' between them (on Windows ';');
/// - the one that takt was installed with, "<prefix>/lib/takt/plugins";
/// - "takt/plugins" and "../lib/takt/plugins", seen from the folder of the program or shared
///   library that takt is linked into, so that an installed tree may be moved.
/// Throws `PluginError`, which lists where it looked, when there is none.
[[nodiscard]] std::filesystem::path find_plugin(std::string_view name_or_path);

/// Loads a plugin, by name or path as in `find_plugin`, and adds what it registers to `registry`.
/// One that was loaded into this registry already, from the same file, changes nothing.
///
/// Throws `PluginError`, with the registry as it was and the library unloaded, when the file is
/// missing, is no shared library or no plugin, needs a symbol that nothing has, was built for
/// another takt or another ABI, has no name, takes a name that is taken, registers nothing, takes
/// away what was there, or throws.
PluginInfo load_plugin(const std::filesystem::path& name_or_path, Registry& registry);

namespace detail {

/// The layout of `PluginDescription`; another layout has another number.
inline constexpr std::uint32_t plugin_format = 1;

/// What a plugin shows to be loaded, under the C name `takt_plugin`. Plain data, so that it can be
/// read before anything is known of the plugin. The format stays first in all layouts to come.
struct PluginDescription {
  std::uint32_t format;
  const char* takt_version;
  const char* abi;
  const char* name;
  const char* version;
  void (*add_to)(Registry& registry);
};

/// Text put together while compiling.
struct AbiText {
  std::array<char, 128> text{};  // ends with a zero
  std::size_t size = 0;

  constexpr AbiText& add(std::string_view more) {
    for (const char letter : more) text.at(size++) = letter;
    return *this;
  }
  constexpr AbiText& add(unsigned long number) {
    if (number >= 10) add(number / 10);
    text.at(size++) = static_cast<char>('0' + number % 10);
    return *this;
  }
};

/// What program and plugin have to agree on to hand each other C++ objects, in words.
constexpr AbiText describe_abi() {
  AbiText abi;
  abi.add(sizeof(void*) * 8UL).add("-bit, ");
#if defined(_MSC_VER)
  abi.add("Microsoft C++ ABI, ");
#else
  abi.add("Itanium C++ ABI, ");
#endif
#if defined(__GLIBCXX__)
  abi.add("libstdc++");
#if _GLIBCXX_USE_CXX11_ABI
  abi.add(" with C++11 strings");
#else
  abi.add(" with strings of before C++11");
#endif
#if defined(_GLIBCXX_DEBUG)
  abi.add(" in debug mode");
#endif
#elif defined(_LIBCPP_VERSION)
  abi.add("libc++ of ABI version ").add(static_cast<unsigned long>(_LIBCPP_ABI_VERSION));
#elif defined(_MSVC_STL_VERSION)
  abi.add("Microsoft's standard library ").add(static_cast<unsigned long>(_MSVC_STL_VERSION));
#if _ITERATOR_DEBUG_LEVEL
  abi.add(" with iterator debug level ").add(static_cast<unsigned long>(_ITERATOR_DEBUG_LEVEL));
#endif
#else
  abi.add("unknown standard library");
#endif
  return abi;
}

// Not inline: as one object for the whole program it would be the host's in the plugin too.
constexpr AbiText plugin_abi = describe_abi();

}  // namespace detail
}  // namespace takt

/// Makes a shared library a plugin; once in it, outside all namespaces. Its name and version are
/// string literals; in the body that follows, `registry` is the `takt::Registry&` to add to.
// NOLINTBEGIN(bugprone-macro-parentheses): a string literal, and the name of a parameter
#define TAKT_PLUGIN(plugin_name, plugin_version, registry)                                        \
  static void takt_plugin_add_to(::takt::Registry& registry);                                     \
  extern "C" [[gnu::visibility("default")]] const ::takt::detail::PluginDescription takt_plugin;  \
  constexpr ::takt::detail::PluginDescription takt_plugin{::takt::detail::plugin_format,          \
                                                          ::takt::version.data(),                 \
                                                          ::takt::detail::plugin_abi.text.data(), \
                                                          plugin_name,                            \
                                                          plugin_version,                         \
                                                          &takt_plugin_add_to};                   \
  static void takt_plugin_add_to([[maybe_unused]] ::takt::Registry& registry)
// NOLINTEND(bugprone-macro-parentheses)

#endif
