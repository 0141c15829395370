// SPDX-License-Identifier: BSL-1.0
/// \file
/// Arithmetic in a recipe: `2 * (num_epochs - 1)`.
#ifndef TAKT_LIB_EXPRESSION_HPP
#define TAKT_LIB_EXPRESSION_HPP

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

namespace takt::detail {

/// How long an expression may be, in characters; it bounds how deep its parentheses go.
inline constexpr std::size_t longest_expression = 200;

/// The value of an expression of numbers, names, + - * / // % **, parentheses and the functions
/// abs, floor, ceil, int, float, round, min and max. The operators bind as in Python: ** binds
/// tighter than a sign on its left and goes from right to left, // rounds down, and % has the sign
/// of its right side. `int` cuts off the fraction, `round` rounds halves to the even number, and
/// `float` changes nothing. `value_of` gives the value of a name; what it throws passes through.
/// Throws `std::invalid_argument` for what is no such expression, and for a result that is not
/// finite.
[[nodiscard]] double evaluate(std::string_view expression,
                              const std::function<double(const std::string&)>& value_of);

/// Whether a text is a name as expressions have it: letters, digits and _, no digit first.
[[nodiscard]] bool is_name(std::string_view text) noexcept;

}  // namespace takt::detail

#endif
