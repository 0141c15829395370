// SPDX-License-Identifier: BSL-1.0
#include "takt/plugin.hpp"

// As in loaded_plugin.hpp, which has to agree.
#define BOOST_DLL_USE_STD_FS
#ifndef _WIN32
#include <dlfcn.h>
#endif

#include <algorithm>
#include <boost/dll/runtime_symbol_info.hpp>
#include <boost/dll/shared_library.hpp>
#include <charconv>
#include <cstdlib>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "loaded_plugin.hpp"
#include "takt/error.hpp"

namespace takt {
namespace {

namespace fs = std::filesystem;
using boost::dll::shared_library;
using detail::LoadedLibrary;
using detail::PluginDescription;

#ifdef _WIN32
constexpr char path_list_separator = ';';
#else
constexpr char path_list_separator = ':';
#endif

// ---- Finding the file ---------------------------------------------------------------------------

bool is_path(const fs::path& name_or_path) {
  return name_or_path.has_parent_path() || name_or_path.has_root_path() ||
         name_or_path.extension() == shared_library::suffix();
}

void add_folder(std::vector<fs::path>& folders, const fs::path& folder) {
  fs::path normal = folder.lexically_normal();
  if (std::ranges::find(folders, normal) == folders.end()) folders.push_back(std::move(normal));
}

std::vector<fs::path> plugin_folders() {
  std::vector<fs::path> folders;
  if (const char* const listed = std::getenv("TAKT_PLUGIN_PATH")) {
    std::string_view rest{listed};
    while (!rest.empty()) {
      const std::string_view folder = rest.substr(0, rest.find(path_list_separator));
      if (!folder.empty()) add_folder(folders, folder);
      rest.remove_prefix(std::min(folder.size() + 1, rest.size()));
    }
  }
#ifdef TAKT_PLUGIN_DIR
  add_folder(folders, TAKT_PLUGIN_DIR);
#endif
  std::error_code unknown;
  const fs::path binary = fs::absolute(boost::dll::this_line_location(unknown), unknown);
  if (!unknown) {
    add_folder(folders, binary.parent_path() / "takt" / "plugins");
    add_folder(folders, binary.parent_path() / ".." / "lib" / "takt" / "plugins");
  }
  return folders;
}

// ---- Reading what it is -------------------------------------------------------------------------

[[noreturn]] void refuse(const fs::path& file, const std::string& problem) {
  throw PluginError("plugin " + file.string() + ": " + problem);
}

/// The file by its one name, whatever links led to it.
fs::path existing_file(const fs::path& file) {
  std::error_code error;
  const fs::file_status status = fs::status(file, error);
  if (status.type() == fs::file_type::not_found) {
    refuse(file,
           "there is no such file; give the path of a shared library, or the name of a plugin");
  }
  if (error) refuse(file, "can't be looked at: " + error.message());
  if (fs::is_directory(status)) {
    refuse(file, "it is a folder; give the path of a shared library in it");
  }
  if (!fs::is_regular_file(status)) refuse(file, "it is no file; a plugin is a shared library");
  fs::path canonical = fs::canonical(file, error);
  if (error) refuse(file, "can't be looked at: " + error.message());
  return canonical;
}

/// Why the last library could not be loaded.
std::string loader_error(const std::error_code& error) {
#ifndef _WIN32
  if (const char* const text = dlerror()) return text;
#endif
  return error.message();
}

LoadedLibrary open(const fs::path& file) {
  // The symbols are bound at once, so that a missing one is an error here and no crash later; and
  // they stay the plugin's own, so that two plugins may use the same names.
  std::error_code error;
  LoadedLibrary library{file, boost::dll::load_mode::rtld_now | boost::dll::load_mode::rtld_local,
                        error};
  if (!error) return library;
  const std::string problem = loader_error(error);
  const bool unresolved = problem.find("undefined symbol") != std::string::npos;
  refuse(file, "it can't be loaded: " + problem +
                   (unresolved ? "; link the plugin to what has that symbol"
                               : "; a plugin is a shared library, as takt_add_plugin builds it"));
}

const PluginDescription& description_in(const shared_library& library, const fs::path& file) {
  if (!library.has("takt_plugin")) {
    refuse(file,
           "it is a shared library, but no plugin: it has no symbol \"takt_plugin\"; one is "
           "made by TAKT_PLUGIN(name, version, registry)");
  }
  const auto& description = library.get<const PluginDescription>("takt_plugin");
  if (description.format != detail::plugin_format) {
    refuse(file, "it describes itself in format " + std::to_string(description.format) +
                     ", and this takt, " + std::string{version} + ", reads format " +
                     std::to_string(detail::plugin_format) + "; build it for this takt");
  }
  return description;
}

std::string text_or_empty(const char* text) { return text == nullptr ? "" : text; }

/// The first two numbers of "1.2.3"; nothing when that is not how the text begins.
std::optional<std::pair<int, int>> major_minor(std::string_view text) {
  std::pair<int, int> numbers;
  const char* const end = text.data() + text.size();
  const auto [dot, bad_major] = std::from_chars(text.data(), end, numbers.first);
  if (bad_major != std::errc{} || dot == end || *dot != '.') return std::nullopt;
  const auto [rest, bad_minor] = std::from_chars(dot + 1, end, numbers.second);
  if (bad_minor != std::errc{} || (rest != end && *rest != '.')) return std::nullopt;
  return numbers;
}

/// As long as the major version is 0, each minor one may change everything; after that a plugin
/// may be older than takt, but not newer.
bool fits_this_takt(std::string_view built_for) {
  const auto theirs = major_minor(built_for);
  if (!theirs || theirs->first != version_major) return false;
  return version_major == 0 ? theirs->second == version_minor : theirs->second <= version_minor;
}

void require_compatible(const PluginDescription& description, const fs::path& file) {
  const std::string built_for = text_or_empty(description.takt_version);
  if (!fits_this_takt(built_for)) {
    refuse(file, "it was built for takt " + built_for + ", and this is takt " +
                     std::string{version} + "; build it for this takt");
  }
  const std::string abi = text_or_empty(description.abi);
  const std::string this_abi = detail::plugin_abi.text.data();
  if (abi != this_abi) {
    refuse(file, "it was built for another ABI, \"" + abi + "\", and this takt has \"" + this_abi +
                     "\"; build it with the compiler and the settings that takt was built with");
  }
  if (text_or_empty(description.name).empty()) {
    refuse(file, "its name is empty; TAKT_PLUGIN(name, version, registry) gives it one");
  }
  if (description.add_to == nullptr) {
    refuse(file,
           "it has no function that registers; TAKT_PLUGIN(name, version, registry) is "
           "followed by its body");
  }
}

// ---- Registering --------------------------------------------------------------------------------

/// What the plugin throws in `add_to`, as text. The exception may have its code in the plugin; it
/// is gone when this returns.
std::optional<std::string> failure_of(const PluginDescription& description, Registry& registry) {
  try {
    description.add_to(registry);
    return std::nullopt;
  } catch (const std::exception& error) {
    return error.what();
  } catch (...) {
    return "it threw something that is not a std::exception";
  }
}

}  // namespace

fs::path find_plugin(std::string_view name_or_path) {
  if (name_or_path.empty()) {
    throw PluginError("a plugin's name is empty; give a name such as gradient_noise, or a path");
  }
  fs::path given{name_or_path};
  if (is_path(given)) return given;
  const std::string file_name = given.string() + shared_library::suffix().string();
  std::string looked_in;
  for (const fs::path& folder : plugin_folders()) {
    for (const std::string& candidate : {"lib" + file_name, file_name}) {
      std::error_code error;
      if (fs::is_regular_file(folder / candidate, error)) return folder / candidate;
    }
    looked_in += "\n  " + folder.string();
  }
  throw PluginError("there is no plugin \"" + given.string() + "\": no lib" + file_name +
                    " and no " + file_name + " in" + looked_in +
                    "\nPut its folder in TAKT_PLUGIN_PATH, or give the path of the file");
}

PluginInfo load_plugin(const fs::path& name_or_path, Registry& registry) {
  const fs::path file = existing_file(find_plugin(name_or_path.string()));
  for (const auto& loaded : registry.plugins_) {
    if (loaded->info().path == file) return loaded->info();
  }
  LoadedLibrary library = open(file);
  const PluginDescription& description = description_in(library.get(), file);
  require_compatible(description, file);
  PluginInfo info{description.name, text_or_empty(description.version), file};
  const auto plugin = std::make_shared<const detail::LoadedPlugin>(std::move(library), info);

  // Made after `plugin`, so that what it holds of the plugin is destroyed before the library goes.
  Registry changed = registry;
  const std::string who = "\"" + info.name + "\" ";
  if (const auto failure = failure_of(description, changed)) {
    refuse(file, who + "can't register its modifiers: " + *failure);
  }
  for (const auto& [name, before] : registry.entries_) {
    const auto after = changed.entries_.find(name);
    if (after == changed.entries_.end() || after->second.type != before.type) {
      std::string problem = who;
      problem += "takes away \"";
      problem += name;
      refuse(file, problem + "\"; a plugin only adds to a registry");
    }
  }
  if (changed.entries_.size() == registry.entries_.size()) {
    refuse(file,
           who + "registers no modifier; registry.add(…) in the body of TAKT_PLUGIN adds one");
  }
  changed.adopt(plugin, registry);
  registry = std::move(changed);
  return info;
}

}  // namespace takt
