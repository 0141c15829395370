// SPDX-License-Identifier: BSL-1.0
/// \file
/// A file that is there whole or not at all.
#ifndef TAKT_LIB_DURABLE_FILE_HPP
#define TAKT_LIB_DURABLE_FILE_HPP

#include <filesystem>
#include <initializer_list>
#include <string_view>

namespace takt::detail {

/// Writes the parts, one behind the other, to FILE.new, waits until the disk has them, renames it
/// to FILE, and waits until the disk has its folder. A link is followed, so that what it points to
/// is replaced. Throws `std::runtime_error`, which names the file and the system's reason; then
/// FILE is as it was, and FILE.new is gone.
void write_durably(const std::filesystem::path& file,
                   std::initializer_list<std::string_view> parts);

/// Waits until the disk has what has been written to a file. Throws like `write_durably`.
void sync_file(const std::filesystem::path& file);

}  // namespace takt::detail

#endif
