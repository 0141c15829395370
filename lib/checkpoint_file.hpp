// SPDX-License-Identifier: BSL-1.0
/// \file
/// The envelope of a checkpoint: a magic number, a version, a length and a checksum.
#ifndef TAKT_LIB_CHECKPOINT_FILE_HPP
#define TAKT_LIB_CHECKPOINT_FILE_HPP

#include <filesystem>
#include <iosfwd>
#include <string>
#include <string_view>

namespace takt::detail {

/// In front of so many bytes of a checkpoint.
[[nodiscard]] std::string checkpoint_header(std::string_view bytes);

/// The bytes behind such a header; whatever follows is not read. Throws `CheckpointError` for
/// anything but a whole checkpoint of this version.
[[nodiscard]] std::string read_checkpoint(std::istream& in);
/// The same of a file, which has nothing else in it. The error names the file.
[[nodiscard]] std::string read_checkpoint(const std::filesystem::path& file);

/// Throws `CheckpointError` again, with the file's name in front, or for any other exception
/// itself. In a `catch`.
[[noreturn]] void rethrow_for(const std::filesystem::path& file);

}  // namespace takt::detail

#endif
