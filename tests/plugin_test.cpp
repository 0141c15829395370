// SPDX-License-Identifier: BSL-1.0
#include "takt/plugin.hpp"

#include <dlfcn.h>

#include <array>
#include <boost/test/unit_test.hpp>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "error_text.hpp"
#include "scratch_folder.hpp"
#include "takt/error.hpp"
#include "takt/event_bus.hpp"
#include "takt/registry.hpp"
#include "takt/version.hpp"

namespace {

namespace fs = std::filesystem;
using takt::load_plugin;
using takt::PluginError;
using takt::Registry;
using takt::test::message_of;
using takt::test::ScratchFolder;

const fs::path folder{TAKT_TEST_PLUGINS};

fs::path file_of(const std::string& name) { return folder / ("lib" + name + ".so"); }

bool is_loaded(const fs::path& file) {
  void* const library = dlopen(file.c_str(), RTLD_LAZY | RTLD_NOLOAD);
  if (library == nullptr) return false;
  dlclose(library);
  return true;
}

/// TAKT_PLUGIN_PATH, as long as this lives.
class PluginPath {
 public:
  explicit PluginPath(const std::string& value) {
    if (const char* const before = std::getenv(variable)) before_ = before;
    setenv(variable, value.c_str(), 1);
  }
  PluginPath(const PluginPath&) = delete;
  PluginPath& operator=(const PluginPath&) = delete;
  ~PluginPath() {
    if (before_) {
      setenv(variable, before_->c_str(), 1);
    } else {
      unsetenv(variable);
    }
  }

 private:
  static constexpr const char* variable = "TAKT_PLUGIN_PATH";
  std::optional<std::string> before_;
};

std::vector<std::string> names_in(const Registry& registry) {
  std::vector<std::string> names;
  for (const auto& info : registry.modifiers()) names.push_back(info.name);
  return names;
}

void check_words(const std::string& message, const std::vector<std::string>& words) {
  for (const std::string& word : words) {
    BOOST_TEST((message.find(word) != std::string::npos), "no \"" << word << "\" in: " << message);
  }
}

/// That loading is refused with a message in which each of `words` occurs, that the registry stays
/// as it was, and that the library does not stay.
void check_refused(const fs::path& file, const std::vector<std::string>& words,
                   Registry registry = Registry::builtin()) {
  const auto names = names_in(registry);
  const auto plugins = registry.plugins().size();
  const bool loaded = is_loaded(file);
  try {
    (void)load_plugin(file, registry);
    BOOST_ERROR(file << " was loaded");
  } catch (const PluginError& error) {
    check_words(error.what(), words);
    check_words(error.what(), {file.filename().string()});
  }
  BOOST_TEST(names_in(registry) == names, boost::test_tools::per_element());
  BOOST_TEST(registry.plugins().size() == plugins);
  BOOST_TEST(is_loaded(file) == loaded);
}

void run_batches(takt::EventBus& bus, int count) {
  for (int i = 0; i < count; ++i) bus.batch([](takt::Batch& batch) { batch.step([] {}); });
}

}  // namespace

BOOST_AUTO_TEST_SUITE(plugin)

BOOST_AUTO_TEST_CASE(a_plugin_adds_its_modifiers_to_the_registry) {
  Registry registry = Registry::builtin();
  const auto before = names_in(registry).size();
  const takt::PluginInfo info = load_plugin(file_of("good"), registry);
  BOOST_TEST(info.name == "good");
  BOOST_TEST(info.version == "2.5");
  BOOST_TEST(info.path == fs::canonical(file_of("good")));
  BOOST_TEST(names_in(registry).size() == before + 1);
  BOOST_REQUIRE(registry.find("CountModifier") != nullptr);
  BOOST_TEST(registry.find("TallyModifier") == registry.find("CountModifier"));
  BOOST_TEST(registry.find("CountModifier")->setting("by")->range == "more than 0");
  BOOST_TEST(registry.plugin_of("CountModifier").value().name == "good");
  BOOST_TEST(!registry.plugin_of("LearningRateModifier").has_value());
}

BOOST_AUTO_TEST_CASE(a_modifier_of_a_plugin_runs_on_a_bus) {
  Registry registry;
  load_plugin(file_of("good"), registry);
  takt::EventBus bus;
  bus.add(registry.make("CountModifier", {{"by", 2.5}, {"update", 2}}));
  bus.initialize();
  run_batches(bus, 5);
  bus.finalize();
  BOOST_TEST(bus.state().metrics["counted"] == 7.5);
}

BOOST_AUTO_TEST_CASE(settings_of_a_plugins_modifier_are_checked_like_any_other) {
  Registry registry;
  load_plugin(file_of("good"), registry);
  BOOST_CHECK_THROW((void)registry.make("CountModifier", {{"by", -1}}), takt::SettingError);
  BOOST_CHECK_THROW((void)registry.make("CountModifier", {{"buy", 1}}), takt::SettingError);
  BOOST_CHECK_THROW((void)registry.make("CountModifier", {{"update", -1}}), takt::InvalidCadence);
}

BOOST_AUTO_TEST_CASE(the_same_file_a_second_time_changes_nothing) {
  const ScratchFolder temporary;
  fs::create_symlink(file_of("good"), temporary / "link.so");
  Registry registry;
  load_plugin(file_of("good"), registry);
  const auto* const before = registry.find("CountModifier");
  for (const fs::path& same :
       {file_of("good"), folder / "." / "libgood.so", temporary / "link.so"}) {
    BOOST_TEST(load_plugin(same, registry).version == "2.5");
  }
  BOOST_TEST(registry.find("CountModifier") == before);
  BOOST_TEST(registry.plugins().size() == 1U);
}

BOOST_AUTO_TEST_CASE(a_plugin_goes_into_one_registry_and_no_other) {
  Registry one;
  Registry other;
  load_plugin(file_of("good"), one);
  BOOST_TEST(other.find("CountModifier") == nullptr);
  load_plugin(file_of("good"), other);
  BOOST_TEST(other.find("CountModifier") != nullptr);
}

// ---- How long it stays loaded

BOOST_AUTO_TEST_CASE(the_library_stays_while_a_registry_has_it_and_goes_with_the_last) {
  const fs::path file = file_of("good");
  std::optional<Registry> registry{Registry::builtin()};
  BOOST_TEST(!is_loaded(file));
  load_plugin(file, *registry);
  std::optional<Registry> copy{registry};
  registry.reset();
  BOOST_TEST(is_loaded(file));
  BOOST_TEST(copy->make("CountModifier")->name() == "CountModifier");
  Registry moved = std::move(*copy);
  copy.reset();
  BOOST_TEST(is_loaded(file));
  moved = Registry::builtin();
  BOOST_TEST(!is_loaded(file));
}

BOOST_AUTO_TEST_CASE(the_library_stays_while_a_modifier_lives_and_goes_with_the_last) {
  const fs::path file = file_of("good");
  std::optional<takt::EventBus> bus{std::in_place};
  {
    Registry registry;
    load_plugin(file, registry);
    bus->add(registry.make("CountModifier"));
    bus->add(registry.make("CountModifier", {{"name", "second"}}));
  }
  bus->initialize();
  run_batches(*bus, 3);
  BOOST_TEST(bus->state().metrics["counted"] == 6.0);
  bus->remove("second");
  BOOST_TEST(is_loaded(file));
  bus->finalize();
  BOOST_TEST(is_loaded(file));
  bus.reset();
  BOOST_TEST(!is_loaded(file));
}

BOOST_AUTO_TEST_CASE(a_weak_pointer_to_a_modifier_does_not_need_the_library) {
  std::weak_ptr<takt::Modifier> weak;
  {
    Registry registry;
    load_plugin(file_of("good"), registry);
    weak = registry.make("CountModifier");
  }
  BOOST_TEST(!is_loaded(file_of("good")));
  BOOST_TEST(weak.expired());
}

BOOST_AUTO_TEST_CASE(a_plugin_can_be_loaded_again_after_it_was_unloaded) {
  for (int i = 0; i < 3; ++i) {
    Registry registry;
    load_plugin(file_of("good"), registry);
    BOOST_TEST(registry.make("CountModifier")->name() == "CountModifier");
  }
  BOOST_TEST(!is_loaded(file_of("good")));
}

BOOST_AUTO_TEST_CASE(several_threads_may_load_into_registries_of_their_own) {
  std::array<std::string, 4> names;
  std::vector<std::thread> threads;
  for (std::string& name : names) {
    threads.emplace_back([&name] {
      for (int i = 0; i < 20; ++i) {
        Registry registry = Registry::builtin();
        load_plugin(file_of("good"), registry);
        name = registry.make("CountModifier")->name();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const std::string& name : names) BOOST_TEST(name == "CountModifier");
  BOOST_TEST(!is_loaded(file_of("good")));
}

// ---- What it throws

BOOST_AUTO_TEST_CASE(an_error_of_a_constructor_outlives_the_plugin_that_threw_it) {
  std::exception_ptr kept;
  {
    Registry registry;
    load_plugin(file_of("own_errors"), registry);
    try {
      (void)registry.make("ThrowingModifier", {{"from", "constructor"}});
    } catch (...) {
      kept = std::current_exception();
    }
  }
  BOOST_TEST(!is_loaded(file_of("own_errors")));
  BOOST_REQUIRE(kept);
  const auto throw_it = [&] { std::rethrow_exception(kept); };
  BOOST_TEST(message_of<takt::InvalidModifier>(throw_it) == "own error from the constructor");
}

BOOST_AUTO_TEST_CASE(a_constructor_that_throws_no_exception_class_is_told_by_its_name) {
  Registry registry;
  load_plugin(file_of("own_errors"), registry);
  const auto make = [&] {
    (void)registry.make("ThrowingModifier", {{"from", "constructor, no exception class"}});
  };
  check_words(message_of<takt::InvalidModifier>(make),
              {"ThrowingModifier", "not a std::exception"});
}

BOOST_AUTO_TEST_CASE(an_error_of_a_hook_is_a_modifier_error_with_its_text) {
  {
    Registry registry;
    load_plugin(file_of("own_errors"), registry);
    takt::EventBus bus;
    bus.add(registry.make("ThrowingModifier", {{"from", "hook"}}));
    bus.initialize();
    check_words(message_of<takt::ModifierError>([&] { bus.batch_start(); }),
                {"ThrowingModifier", "own error from a hook"});
  }
  BOOST_TEST(!is_loaded(file_of("own_errors")));
}

BOOST_AUTO_TEST_CASE(a_quarantined_modifier_of_a_plugin_keeps_it_loaded) {
  std::optional<takt::EventBus> bus{std::in_place, takt::Event{},
                                    takt::BusOptions{.errors = takt::ErrorPolicy::quarantine}};
  {
    Registry registry;
    load_plugin(file_of("own_errors"), registry);
    bus->add(registry.make("ThrowingModifier", {{"from", "hook"}}));
  }
  bus->initialize();
  run_batches(*bus, 2);
  BOOST_TEST(bus->quarantined().size() == 1U);
  bus.reset();
  BOOST_TEST(!is_loaded(file_of("own_errors")));
}

// ---- What is refused

BOOST_AUTO_TEST_CASE(a_file_that_is_not_there_is_refused) {
  check_refused(folder / "libgod.so", {folder.string(), "no such file"});
  check_refused(file_of("good") / "below.so", {"no such file"});
}

BOOST_AUTO_TEST_CASE(a_folder_is_refused) {
  const ScratchFolder temporary;
  check_refused(temporary.path(), {"folder"});
}

BOOST_AUTO_TEST_CASE(something_that_is_no_file_is_refused) {
  check_refused("/dev/null", {"no file"});
}

BOOST_AUTO_TEST_CASE(a_file_that_is_no_shared_library_is_refused) {
  const ScratchFolder temporary;
  check_refused(temporary.file("text.so", std::string(1000, ' ')), {"can't be loaded", "ELF"});
  check_refused(temporary.file("empty.so", ""), {"can't be loaded", "takt_add_plugin"});
}

BOOST_AUTO_TEST_CASE(a_shared_library_that_is_no_plugin_is_refused) {
  check_refused(file_of("no_symbol"), {"takt_plugin", "TAKT_PLUGIN"});
}

BOOST_AUTO_TEST_CASE(a_description_in_another_format_is_refused_with_both_formats) {
  check_refused(file_of("wrong_format"), {"format 77", "format 1"});
}

BOOST_AUTO_TEST_CASE(a_plugin_for_another_takt_is_refused_with_both_versions) {
  check_refused(file_of("wrong_version"),
                {"takt 0.999.0", "takt " + std::string{takt::version}, "build it"});
}

BOOST_AUTO_TEST_CASE(a_plugin_with_another_abi_is_refused_with_both_abis) {
  check_refused(file_of("wrong_abi"), {"8-bit, abacus", takt::detail::plugin_abi.text.data()});
}

BOOST_AUTO_TEST_CASE(a_plugin_without_a_name_is_refused) {
  check_refused(file_of("no_name"), {"name is empty"});
}

BOOST_AUTO_TEST_CASE(a_symbol_that_nothing_has_is_an_error_when_the_plugin_is_loaded) {
  check_refused(file_of("unresolved"),
                {"undefined symbol", "takt_test_function_that_nothing_has", "link the plugin"});
}

BOOST_AUTO_TEST_CASE(a_name_that_a_builtin_modifier_has_is_refused) {
  check_refused(file_of("taken_name"), {"\"taken_name\"", "\"LearningRateModifier\"", "taken"});
}

BOOST_AUTO_TEST_CASE(a_name_that_another_plugin_has_is_refused_with_that_plugin) {
  const ScratchFolder temporary;
  fs::copy_file(file_of("good"), temporary / "copy.so");
  Registry registry;
  load_plugin(file_of("good"), registry);
  check_refused(temporary / "copy.so",
                {"\"CountModifier\"", "taken", "plugin \"good\"", fs::canonical(file_of("good"))},
                registry);
}

BOOST_AUTO_TEST_CASE(a_plugin_that_throws_is_refused_with_its_text) {
  check_refused(file_of("throws_error"), {"\"throws_error\"", "the license has expired"});
  check_refused(file_of("throws_number"), {"\"throws_number\"", "not a std::exception"});
}

BOOST_AUTO_TEST_CASE(a_plugin_that_registers_nothing_is_refused) {
  check_refused(file_of("registers_nothing"), {"registers no modifier", "registry.add"});
}

BOOST_AUTO_TEST_CASE(a_plugin_that_takes_something_away_is_refused) {
  check_refused(file_of("takes_away"), {"takes away \"CheckpointModifier\""});
}

BOOST_AUTO_TEST_CASE(a_registry_is_good_for_use_after_a_refusal) {
  Registry registry = Registry::builtin();
  for (const char* const broken : {"taken_name", "throws_error", "takes_away", "unresolved"}) {
    BOOST_CHECK_THROW(load_plugin(file_of(broken), registry), PluginError);
  }
  load_plugin(file_of("good"), registry);
  BOOST_TEST(registry.make("CountModifier")->name() == "CountModifier");
  BOOST_TEST(registry.plugins().size() == 1U);
}

// ---- Finding it by name

BOOST_AUTO_TEST_CASE(a_plain_name_is_looked_for_in_the_plugin_path) {
  const PluginPath path{"/no/such/folder::" + folder.string()};
  BOOST_TEST(takt::find_plugin("good") == file_of("good"));
  Registry registry;
  BOOST_TEST(load_plugin("good", registry).path == fs::canonical(file_of("good")));
}

BOOST_AUTO_TEST_CASE(the_first_folder_that_has_the_plugin_wins) {
  const ScratchFolder temporary;
  fs::create_directory(temporary / "libgood.so");  // no file, so not it
  const PluginPath path{temporary.path().string() + ":" + folder.string()};
  BOOST_TEST(takt::find_plugin("good") == file_of("good"));
  (void)temporary.file("good.so", "");
  BOOST_TEST(takt::find_plugin("good") == temporary / "good.so");
}

BOOST_AUTO_TEST_CASE(in_one_folder_the_name_with_lib_comes_first) {
  const ScratchFolder temporary;
  (void)temporary.file("good.so", "");
  (void)temporary.file("libgood.so", "");
  const PluginPath path{temporary.path().string()};
  BOOST_TEST(takt::find_plugin("good") == temporary / "libgood.so");
}

BOOST_AUTO_TEST_CASE(a_path_is_taken_as_it_is) {
  const PluginPath path{folder.string()};
  for (const char* const given : {"./good", "/no/such/good", "libgood.so", "good.so", "folder/"}) {
    BOOST_TEST(takt::find_plugin(given) == given);
  }
}

BOOST_AUTO_TEST_CASE(a_name_that_is_found_nowhere_is_an_error_that_says_where_it_was_looked_for) {
  const PluginPath path{"/one/place:/another/place"};
  check_words(message_of<PluginError>([] { (void)takt::find_plugin("god"); }),
              {"\"god\"", "libgod.so", "\n  /one/place\n  /another/place\n", "/lib/takt/plugins",
               "TAKT_PLUGIN_PATH"});
  check_refused("god", {"/one/place"});
}

BOOST_AUTO_TEST_CASE(an_empty_name_is_refused) {
  BOOST_CHECK_THROW((void)takt::find_plugin(""), PluginError);
  Registry registry;
  BOOST_CHECK_THROW(load_plugin("", registry), PluginError);
}

BOOST_AUTO_TEST_CASE(the_abi_says_the_width_of_a_pointer_and_the_library) {
  const std::string abi = takt::detail::plugin_abi.text.data();
  BOOST_TEST(abi.starts_with(std::to_string(sizeof(void*) * 8) + "-bit, Itanium C++ ABI, lib"));
}

BOOST_AUTO_TEST_SUITE_END()
