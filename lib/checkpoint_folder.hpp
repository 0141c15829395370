// SPDX-License-Identifier: BSL-1.0
/// \file
/// The checkpoints of a folder.
#ifndef TAKT_LIB_CHECKPOINT_FOLDER_HPP
#define TAKT_LIB_CHECKPOINT_FOLDER_HPP

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <vector>

namespace takt::detail {

/// A checkpoint that was saved as one of several. Numbers say the order in which they were saved,
/// which need not be that of their steps: a run may be resumed from one that is not the last.
struct NumberedCheckpoint {
  std::uint64_t number = 0;
  std::filesystem::path file{};
};

/// All that are called like one, in the order of their numbers; none when there is no such folder.
/// Throws `CheckpointError` for a folder that can't be read.
[[nodiscard]] std::vector<NumberedCheckpoint> checkpoints_in(const std::filesystem::path& folder);

/// What the next one is called: 00000042-step-1200.takt.
[[nodiscard]] std::filesystem::path next_checkpoint_in(const std::filesystem::path& folder,
                                                       std::int64_t step);

/// Makes the folder when there is none, and removes what runs that were killed have left half
/// written. Throws `CheckpointError` when files can't be written there.
void open_for_checkpoints(const std::filesystem::path& folder);

/// Removes all but the last so many.
void keep_last(const std::filesystem::path& folder, std::size_t count);

}  // namespace takt::detail

#endif
