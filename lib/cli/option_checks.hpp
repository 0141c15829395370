// SPDX-License-Identifier: BSL-1.0
/// \file
/// What the values of options have to be. Each check says what would be right.
#ifndef TAKT_LIB_CLI_OPTION_CHECKS_HPP
#define TAKT_LIB_CLI_OPTION_CHECKS_HPP

#include <CLI/App.hpp>
#include <CLI/Validators.hpp>
#include <cstdint>
#include <string>

namespace takt::cli {

/// Lets whole numbers from `least` on pass.
[[nodiscard]] CLI::Validator whole_number(std::int64_t least);
/// Lets numbers from 0 on pass, infinity too.
[[nodiscard]] CLI::Validator number_from_0();
/// Lets any text pass, as long as there is some.
[[nodiscard]] CLI::Validator input_file();
/// The same without "-", which no command writes to.
[[nodiscard]] CLI::Validator output_file();

/// Throws when `output`, which `option` names, is the file that is read: nobody wants to lose that.
void refuse_overwriting(const std::string& input, const std::string& option,
                        const std::string& output);

}  // namespace takt::cli

#endif
