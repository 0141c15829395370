// SPDX-License-Identifier: BSL-1.0
#include "checkpoint_folder.hpp"

#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <string>
#include <vector>

#include "checkpoint_file.hpp"
#include "error_text.hpp"
#include "scratch_folder.hpp"
#include "takt/checkpoint.hpp"

namespace {

namespace fs = std::filesystem;
using takt::CheckpointError;
using takt::detail::checkpoints_in;
using takt::test::has;
using takt::test::message_of;
using takt::test::ScratchFolder;

using Names = std::vector<std::string>;

Names names_in(const fs::path& folder) {
  Names names;
  for (const auto& one : checkpoints_in(folder)) names.push_back(one.file.filename().string());
  return names;
}

void make(const ScratchFolder& folder, const Names& names) {
  for (const std::string& name : names) (void)folder.file(name, "x");
}

std::string next_name(const ScratchFolder& folder, std::int64_t step) {
  return takt::detail::next_checkpoint_in(folder.path(), step).filename().string();
}

}  // namespace

BOOST_AUTO_TEST_SUITE(checkpoint_folder)

BOOST_AUTO_TEST_CASE(those_that_are_called_like_one_are_found_in_the_order_of_their_numbers) {
  const ScratchFolder folder;
  make(folder, {"00000010-step-5.takt", "00000009-step-900.takt", "123456789-step-1.takt",
                "2-step-7.takt"});
  BOOST_TEST(names_in(folder.path()) == (Names{"2-step-7.takt", "00000009-step-900.takt",
                                               "00000010-step-5.takt", "123456789-step-1.takt"}),
             boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(files_of_other_names_are_none) {
  const ScratchFolder folder;
  make(folder,
       {"-step-1.takt", "1-step-.takt", "1-step-1.takt.new", "1-step-1.tak", "a1-step-1.takt",
        "1-step-1.taktx", "-1-step-1.takt", "1-step--1.takt", "1 -step-1.takt",
        "99999999999999999999-step-1.takt", "best.takt", "1-Step-1.takt"});
  BOOST_TEST(names_in(folder.path()) == Names{}, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_folder_that_is_not_there_has_none_and_one_that_cant_be_read_is_told) {
  const ScratchFolder folder;
  BOOST_TEST(checkpoints_in(folder / "none").empty());
  const fs::path file = folder.file("file", "");
  BOOST_TEST(message_of<CheckpointError>([&] { (void)checkpoints_in(file); }) ==
             file.string() + " can't be read: Not a directory");
}

BOOST_AUTO_TEST_CASE(the_next_number_goes_on_from_the_highest_whatever_the_steps) {
  const ScratchFolder folder;
  BOOST_TEST(next_name(folder, 1200) == "00000001-step-1200.takt");
  make(folder, {"00000041-step-1200.takt", "00000007-step-9000.takt"});
  BOOST_TEST(next_name(folder, 0) == "00000042-step-0.takt");
  make(folder, {"99999999-step-1.takt"});
  BOOST_TEST(next_name(folder, 3) == "100000000-step-3.takt");
  BOOST_TEST(takt::detail::next_checkpoint_in(folder / "none", 3) ==
             folder / "none" / "00000001-step-3.takt");
}

BOOST_AUTO_TEST_CASE(behind_the_last_number_there_is_none) {
  const ScratchFolder folder;
  make(folder, {"18446744073709551615-step-1.takt"});
  const std::string message = message_of<CheckpointError>([&] { (void)next_name(folder, 1); });
  BOOST_TEST(has(message, "18446744073709551615-step-1.takt has the last number there is"),
             message);
}

BOOST_AUTO_TEST_CASE(a_folder_is_made_with_those_it_is_in) {
  const ScratchFolder folder;
  takt::detail::open_for_checkpoints(folder / "a" / "b");
  BOOST_TEST(fs::is_directory(folder / "a" / "b"));
  BOOST_TEST(fs::is_empty(folder / "a" / "b"));
  takt::detail::open_for_checkpoints(folder / "a" / "b");
}

BOOST_AUTO_TEST_CASE(what_can_be_no_folder_or_not_be_written_to_is_told) {
  const ScratchFolder folder;
  const fs::path file = folder.file("file", "kept");
  const auto error_of = [](const fs::path& path) {
    return message_of<CheckpointError>([&] { takt::detail::open_for_checkpoints(path); });
  };
  BOOST_TEST(has(error_of(file), file.string()), error_of(file));
  BOOST_TEST(has(error_of(file / "in"), (file / "in").string() + " can't be made"),
             error_of(file / "in"));
}

BOOST_AUTO_TEST_CASE(what_killed_runs_left_half_written_is_removed_and_nothing_else) {
  const ScratchFolder folder;
  const Names kept{"00000001-step-1.takt", "best.takt.new", "1-step-1.new", "notes.txt",
                   "00000002-step-2.takt.new.bak"};
  make(folder, kept);
  make(folder, {"00000002-step-2.takt.new", "7-step-70.takt.new"});
  takt::detail::open_for_checkpoints(folder.path());
  for (const std::string& name : kept) BOOST_TEST(fs::exists(folder / name), name);
  BOOST_TEST(std::distance(fs::directory_iterator{folder.path()}, fs::directory_iterator{}) ==
             static_cast<std::ptrdiff_t>(kept.size()));
}

BOOST_AUTO_TEST_CASE(all_but_the_last_are_removed_and_nothing_else) {
  const ScratchFolder folder;
  make(folder, {"1-step-900.takt", "2-step-1.takt", "3-step-2.takt", "notes.txt"});
  takt::detail::keep_last(folder.path(), 4);
  BOOST_TEST(names_in(folder.path()).size() == 3U);
  takt::detail::keep_last(folder.path(), 2);
  BOOST_TEST(names_in(folder.path()) == (Names{"2-step-1.takt", "3-step-2.takt"}),
             boost::test_tools::per_element());
  BOOST_TEST(fs::exists(folder / "notes.txt"));
  takt::detail::keep_last(folder / "none", 2);
}

BOOST_AUTO_TEST_CASE(one_that_cant_be_removed_is_told) {
  const ScratchFolder folder;
  fs::create_directories(folder / "1-step-1.takt" / "in it");
  make(folder, {"2-step-1.takt"});
  const std::string message =
      message_of<CheckpointError>([&] { takt::detail::keep_last(folder.path(), 1); });
  BOOST_TEST(has(message, (folder / "1-step-1.takt").string() + " can't be removed"), message);
}

#if defined(__linux__)
BOOST_AUTO_TEST_CASE(a_folder_that_is_there_and_takes_no_file_is_told) {
  const std::string message =
      message_of<CheckpointError>([] { takt::detail::open_for_checkpoints("/proc"); });
  BOOST_TEST(has(message, "can't be written"), message);
}
#endif

// ---- The latest ---------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(without_any_there_is_no_latest) {
  const ScratchFolder folder;
  BOOST_TEST(!takt::latest_checkpoint(folder / "none").has_value());
  make(folder, {"notes.txt", "1-step-1.takt.new"});
  BOOST_TEST(!takt::latest_checkpoint(folder.path()).has_value());
}

BOOST_AUTO_TEST_CASE(the_latest_is_the_last_that_is_whole) {
  const ScratchFolder folder;
  takt::EventBus bus;
  bus.initialize();
  takt::save_checkpoint(bus, folder / "00000001-step-9.takt");
  takt::save_checkpoint(bus, folder / "00000002-step-3.takt");
  BOOST_TEST(takt::latest_checkpoint(folder.path()).value() == folder / "00000002-step-3.takt");
  make(folder, {"00000003-step-9.takt", "00000004-step-9.takt"});
  BOOST_TEST(takt::latest_checkpoint(folder.path()).value() == folder / "00000002-step-3.takt");
  fs::resize_file(folder / "00000002-step-3.takt", 100);
  BOOST_TEST(takt::latest_checkpoint(folder.path()).value() == folder / "00000001-step-9.takt");
}

BOOST_AUTO_TEST_CASE(when_none_is_whole_that_is_told) {
  const ScratchFolder folder;
  make(folder, {"1-step-1.takt", "2-step-2.takt"});
  const std::string message =
      message_of<CheckpointError>([&] { (void)takt::latest_checkpoint(folder.path()); });
  BOOST_TEST(message == (folder / "1-step-1.takt").string() + ": it is no checkpoint of takt");
  const fs::path file = folder.file("file", "");
  BOOST_CHECK_THROW((void)takt::latest_checkpoint(file), CheckpointError);
}

BOOST_AUTO_TEST_CASE(a_file_with_other_bytes_behind_a_right_checksum_is_named) {
  const ScratchFolder folder;
  const fs::path file =
      folder.file("1-step-1.takt", takt::detail::checkpoint_header("no bus") + "no bus");
  const std::string named = file.string() + ": ";
  BOOST_TEST(message_of<CheckpointError>([&] {
               (void)takt::latest_checkpoint(folder.path());
             }).starts_with(named));
  takt::EventBus bus;
  BOOST_TEST(
      message_of<CheckpointError>([&] { takt::load_checkpoint(bus, file); }).starts_with(named));
}

BOOST_AUTO_TEST_CASE(a_file_of_another_bus_is_named) {
  const ScratchFolder folder;
  const fs::path file = folder / "run.takt";
  takt::EventBus bus;
  bus.initialize();
  takt::save_checkpoint(bus, file);
  takt::EventBus other{takt::Event{.steps_per_epoch = 3}};
  BOOST_TEST(message_of<CheckpointError>([&] {
               takt::load_checkpoint(other, file);
             }).starts_with(file.string() + ": steps_per_epoch is unset"));
}

BOOST_AUTO_TEST_SUITE_END()
