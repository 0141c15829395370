// SPDX-License-Identifier: BSL-1.0
#include "checkpoint_file.hpp"

#include <algorithm>
#include <array>
#include <boost/crc.hpp>
#include <cereal/archives/portable_binary.hpp>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <sstream>
#include <utility>

#include "takt/error.hpp"

namespace takt::detail {
namespace {

// As in a PNG file: a byte that is no ASCII, line ends that a transfer as text would change, and
// the character that ends a file of DOS.
constexpr std::string_view magic{"\x8ATAKT\r\n\x1A\n", 9};
constexpr std::uint32_t version = 1;
constexpr std::uint64_t most_at_once = 1U << 20U;  // a length may be anything

/// CRC-64 as in XZ: ECMA-182's polynomial, reflected.
std::uint64_t checksum_of(std::string_view bytes) {
  boost::crc_optimal<64, 0x42F0E1EBA9EA3693ULL, ~0ULL, ~0ULL, true, true> checksum;
  checksum.process_bytes(bytes.data(), bytes.size());
  return checksum.checksum();
}

[[noreturn]] void refuse(const std::string& problem) { throw CheckpointError(problem); }

std::string exactly(std::istream& in, std::uint64_t count) {
  std::string bytes;
  while (count > 0) {
    const std::size_t before = bytes.size();
    const auto more = static_cast<std::size_t>(std::min(count, most_at_once));
    bytes.resize(before + more);
    in.read(bytes.data() + before, static_cast<std::streamsize>(more));
    if (static_cast<std::size_t>(in.gcount()) != more) {
      refuse("it is cut short: " + std::to_string(count - static_cast<std::uint64_t>(in.gcount())) +
             " bytes are missing");
    }
    count -= more;
  }
  return bytes;
}

void require_version(std::uint32_t found) {
  if (found == version) return;
  refuse(std::string{"it is of version "} + std::to_string(found) + ", written by " +
         (found > version ? "a newer" : "an older") + " takt; this one reads version " +
         std::to_string(version));
}

}  // namespace

std::string checkpoint_header(std::string_view bytes) {
  std::ostringstream out;
  out << magic;
  cereal::PortableBinaryOutputArchive archive{out};
  archive(version, static_cast<std::uint64_t>(bytes.size()), checksum_of(bytes));
  return std::move(out).str();
}

std::string read_checkpoint(std::istream& in) {
  std::array<char, magic.size()> first{};
  in.read(first.data(), first.size());
  const std::string_view found{first.data(), static_cast<std::size_t>(in.gcount())};
  if (found != magic) {
    refuse(magic.starts_with(found) ? "it is cut short: not even its beginning is whole"
                                    : "it is no checkpoint of takt");
  }
  std::uint32_t found_version = 0;
  std::uint64_t size = 0;
  std::uint64_t checksum = 0;
  try {
    cereal::PortableBinaryInputArchive archive{in};
    archive(found_version);
    require_version(found_version);
    archive(size, checksum);
  } catch (const cereal::Exception&) {
    refuse("it is cut short: not even its beginning is whole");
  }
  std::string bytes = exactly(in, size);
  if (checksum_of(bytes) != checksum)
    refuse("it is damaged: its checksum is not that of its bytes");
  return bytes;
}

std::string read_checkpoint(const std::filesystem::path& file) {
  try {
    errno = 0;
    std::ifstream in{file, std::ios::binary};
    if (!in) refuse(std::string{"it can't be read: "} + std::strerror(errno));
    std::string bytes = read_checkpoint(in);
    if (in.peek() != std::ifstream::traits_type::eof()) refuse("it goes on behind its end");
    return bytes;
  } catch (...) {
    rethrow_for(file);
  }
}

void rethrow_for(const std::filesystem::path& file) {
  try {
    throw;
  } catch (const CheckpointError& error) {
    std::throw_with_nested(CheckpointError(file.string() + ": " + error.what()));
  }
}

}  // namespace takt::detail
