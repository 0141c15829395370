// SPDX-License-Identifier: BSL-1.0
#include "checkpoint_file.hpp"

#include <rapidcheck.h>

#include <boost/test/unit_test.hpp>
#include <cstddef>
#include <cstdint>
#include <sstream>
#include <string>

#include "error_text.hpp"
#include "scratch_folder.hpp"
#include "takt/error.hpp"

namespace {

using takt::CheckpointError;
using takt::detail::checkpoint_header;
using takt::detail::read_checkpoint;
using takt::test::has;
using takt::test::message_of;

std::string read(const std::string& text) {
  std::istringstream in{text};
  return read_checkpoint(in);
}

std::string error_of(const std::string& text) {
  return message_of<CheckpointError>([&] { (void)read(text); });
}

}  // namespace

BOOST_AUTO_TEST_SUITE(checkpoint_file)

BOOST_AUTO_TEST_CASE(the_header_is_the_same_on_every_machine) {
  // The magic number, little endian, version 1, 9 bytes, and the check value of CRC-64/XZ.
  const std::string expected{
      "\x8ATAKT\r\n\x1A\n"
      "\x01\x01\0\0\0"
      "\x09\0\0\0\0\0\0\0"
      "\xFA\x39\x19\xDF\xBB\xC9\x5D\x99",
      30};
  BOOST_TEST((checkpoint_header("123456789") == expected));
}

BOOST_AUTO_TEST_CASE(whatever_the_bytes_they_are_read_as_they_were) {
  BOOST_TEST(rc::check("they come back", [](const std::string& bytes, const std::string& rest) {
    std::istringstream in{checkpoint_header(bytes) + bytes + rest};
    RC_ASSERT(read_checkpoint(in) == bytes);
    std::string left;
    std::getline(in, left, '\0');
    RC_ASSERT(rest.starts_with(left));
  }));
  const std::string large((std::size_t{3} << 20U) + 1, 'x');  // more than is read at once
  BOOST_TEST((read(checkpoint_header(large) + large) == large));
}

BOOST_AUTO_TEST_CASE(a_byte_order_that_is_another_is_read_too) {
  const std::string header{
      "\x8ATAKT\r\n\x1A\n"
      "\0\0\0\0\x01"
      "\0\0\0\0\0\0\0\x09"
      "\x99\x5D\xC9\xBB\xDF\x19\x39\xFA",
      30};
  BOOST_TEST(read(header + "123456789") == "123456789");
}

BOOST_AUTO_TEST_CASE(any_two_bytes_that_are_changed_are_noticed) {
  BOOST_TEST(rc::check("a changed byte is refused", [](std::string bytes) {
    RC_PRE(!bytes.empty());
    const std::string header = checkpoint_header(bytes);
    for (int i = 0; i < 2; ++i) {
      const auto place = *rc::gen::inRange<std::size_t>(0, bytes.size());
      bytes[place] = static_cast<char>(bytes[place] ^ *rc::gen::inRange(1, 256));
    }
    if (checkpoint_header(bytes) == header) return;  // changed back
    RC_ASSERT(error_of(header + bytes) == "it is damaged: its checksum is not that of its bytes");
  }));
}

BOOST_AUTO_TEST_CASE(a_size_that_no_file_has_takes_no_memory) {
  std::string header = checkpoint_header("");
  header[21] = '\x7f';  // the last of the size's bytes
  BOOST_TEST(error_of(header + "abc") ==
             "it is cut short: " + std::to_string((std::uint64_t{0x7f} << 56U) - 3) +
                 " bytes are missing");
}

BOOST_AUTO_TEST_CASE(a_folder_in_a_files_place_is_told) {
  const takt::test::ScratchFolder folder;
  const std::string message =
      message_of<CheckpointError>([&] { (void)read_checkpoint(folder.path()); });
  BOOST_TEST(message.starts_with(folder.path().string() + ": "), message);
}

BOOST_AUTO_TEST_CASE(what_is_no_checkpoint_error_passes_on_as_it_is) {
  const auto rethrow = [](const auto& error) {
    try {
      throw error;
    } catch (...) {
      takt::detail::rethrow_for("a.takt");
    }
  };
  BOOST_TEST(message_of<CheckpointError>([&] { rethrow(CheckpointError("x")); }) == "a.takt: x");
  BOOST_TEST(message_of<std::runtime_error>([&] { rethrow(std::runtime_error("x")); }) == "x");
}

BOOST_AUTO_TEST_SUITE_END()
