// SPDX-License-Identifier: BSL-1.0
#include "takt/checkpoint.hpp"

#include <istream>
#include <ostream>

#include "bus_access.hpp"
#include "checkpoint_file.hpp"
#include "checkpoint_folder.hpp"
#include "durable_file.hpp"
#include "saved_bus.hpp"

namespace takt {
namespace {

detail::SavedBus saved_in(const std::filesystem::path& file) {
  const std::string bytes = detail::read_checkpoint(file);
  try {
    return detail::saved_bus_from(bytes);
  } catch (...) {
    detail::rethrow_for(file);
  }
}

}  // namespace

void save_checkpoint(EventBus& bus, std::ostream& out) {
  const std::string bytes = bytes_of(detail::BusAccess::core(bus).checkpoint());
  out << detail::checkpoint_header(bytes) << bytes;
  out.flush();
  if (!out) throw CheckpointError("the checkpoint's stream has failed; the disk may be full");
}

void save_checkpoint(EventBus& bus, const std::filesystem::path& file) {
  const std::string bytes = bytes_of(detail::BusAccess::core(bus).checkpoint());
  try {
    detail::write_durably(file, {detail::checkpoint_header(bytes), bytes});
  } catch (const std::runtime_error& error) {
    throw CheckpointError(error.what());
  }
}

void load_checkpoint(EventBus& bus, std::istream& in) {
  try {
    detail::BusAccess::core(bus).resume(detail::saved_bus_from(detail::read_checkpoint(in)));
  } catch (...) {
    detail::rethrow_for("the checkpoint");
  }
}

void load_checkpoint(EventBus& bus, const std::filesystem::path& file) {
  const detail::SavedBus saved = saved_in(file);
  try {
    detail::BusAccess::core(bus).resume(saved);
  } catch (...) {
    detail::rethrow_for(file);
  }
}

std::optional<std::filesystem::path> latest_checkpoint(const std::filesystem::path& folder) {
  const auto all = detail::checkpoints_in(folder);
  for (auto one = all.rbegin(); one != all.rend(); ++one) {
    try {
      (void)saved_in(one->file);
      return one->file;
    } catch (const CheckpointError&) {
      if (one + 1 == all.rend()) throw;  // to begin anew is not for us to decide
    }
  }
  return std::nullopt;
}

}  // namespace takt
