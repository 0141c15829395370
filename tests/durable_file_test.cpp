// SPDX-License-Identifier: BSL-1.0
#include "durable_file.hpp"

#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <string_view>

#include "error_text.hpp"
#include "scratch_folder.hpp"
#if defined(__unix__)
#include <sys/stat.h>

#include "full_disk.hpp"
#endif

namespace {

namespace fs = std::filesystem;
using takt::detail::write_durably;
using takt::test::message_of;
using takt::test::ScratchFolder;

std::string text_of(const fs::path& file) {
  std::ifstream in{file, std::ios::binary};
  return {std::istreambuf_iterator<char>{in}, {}};
}

std::size_t files_in(const ScratchFolder& folder) {
  return static_cast<std::size_t>(
      std::distance(fs::directory_iterator{folder.path()}, fs::directory_iterator{}));
}

std::string error_of(const fs::path& file, std::string_view text = "text") {
  return message_of<std::runtime_error>([&] { write_durably(file, {text}); });
}

}  // namespace

BOOST_AUTO_TEST_SUITE(durable_file)

BOOST_AUTO_TEST_CASE(the_parts_are_one_behind_the_other_and_replace_what_there_was) {
  const ScratchFolder folder;
  const fs::path file = folder.file("a", "what there was, which is longer");
  write_durably(file, {"one", "", std::string_view{"t\0wo", 4}});
  BOOST_TEST((text_of(file) == std::string{"onet\0wo", 7}));
  write_durably(file, {});
  BOOST_TEST(text_of(file).empty());
  BOOST_TEST(files_in(folder) == 1U);
}

BOOST_AUTO_TEST_CASE(what_a_killed_run_left_half_written_is_no_hindrance) {
  const ScratchFolder folder;
  (void)folder.file("a.new", "half");
  write_durably(folder / "a", {"whole"});
  BOOST_TEST(text_of(folder / "a") == "whole");
  BOOST_TEST(files_in(folder) == 1U);
}

BOOST_AUTO_TEST_CASE(a_name_without_a_folder_is_a_file_of_the_current_one) {
  const ScratchFolder folder;
  const fs::path before = fs::current_path();
  fs::current_path(folder.path());
  write_durably("a", {"here"});
  fs::current_path(before);
  BOOST_TEST(text_of(folder / "a") == "here");
}

BOOST_AUTO_TEST_CASE(a_link_is_followed) {
  const ScratchFolder folder;
  fs::create_directory(folder / "there");
  (void)folder.file("there/a", "old");
  fs::create_symlink("there/a", folder / "link");
  fs::create_symlink("there/none", folder / "dangling");
  write_durably(folder / "link", {"new"});
  BOOST_TEST(fs::is_symlink(folder / "link"));
  BOOST_TEST(text_of(folder / "there" / "a") == "new");
  write_durably(folder / "dangling", {"new"});
  BOOST_TEST(fs::is_symlink(folder / "dangling"));
  BOOST_TEST(text_of(folder / "there" / "none") == "new");
}

BOOST_AUTO_TEST_CASE(what_cant_be_a_file_is_refused_by_name) {
  const ScratchFolder folder;
  BOOST_TEST(error_of("") == "an empty name can't be written to; give a file's");
  BOOST_TEST(error_of(folder.path()) == folder.path().string() +
                                            " can't be written: it is a folder; give the name of "
                                            "a file");
  const fs::path nowhere = folder / "none" / "a";
  BOOST_TEST(error_of(nowhere) ==
             nowhere.string() + ".new can't be written: No such file or directory");
  BOOST_TEST(files_in(folder) == 0U);
}

BOOST_AUTO_TEST_CASE(syncing_a_file_that_is_not_there_is_told_by_its_name) {
  const ScratchFolder folder;
  takt::detail::sync_file(folder.file("a", "text"));
#if defined(__unix__)
  BOOST_TEST(message_of<std::runtime_error>([&] { takt::detail::sync_file(folder / "none"); }) ==
             (folder / "none").string() + " can't be written: No such file or directory");
#endif
}

#if defined(__unix__)

BOOST_AUTO_TEST_CASE(a_pipe_or_a_device_is_not_replaced) {
  const ScratchFolder folder;
  const fs::path pipe = folder / "pipe";
  BOOST_TEST_REQUIRE(mkfifo(pipe.c_str(), 0600) == 0);
  BOOST_TEST(error_of(pipe) == pipe.string() +
                                   " can't be written: it is a pipe or a device, which can't be "
                                   "replaced; write to a stream");
  BOOST_TEST(fs::is_fifo(pipe));
  BOOST_TEST(files_in(folder) == 1U);
}

BOOST_AUTO_TEST_CASE(on_a_full_disk_the_old_file_stays_and_no_new_one) {
  const ScratchFolder folder;
  const fs::path file = folder.file("a", "old");
  const std::string large(5000, 'x');
  {
    const takt::test::FullDisk full{1000};
    BOOST_TEST(error_of(file, large) == file.string() + ".new can't be written: File too large");
  }
  BOOST_TEST(text_of(file) == "old");
  BOOST_TEST(files_in(folder) == 1U);
  write_durably(file, {large});
  BOOST_TEST(text_of(file) == large);
}

#endif

BOOST_AUTO_TEST_SUITE_END()
