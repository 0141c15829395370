// SPDX-License-Identifier: BSL-1.0
#include "takt/model.hpp"

#include <algorithm>
#include <functional>
#include <regex>

#include "takt/error.hpp"

namespace takt {
namespace {

// `std::regex` calls itself for each character of either, so that longer ones may overflow the
// stack.
constexpr std::size_t longest_expression = 1000;
constexpr std::size_t longest_name = 1000;

using Matcher = std::function<bool(const Parameter&)>;

Matcher matcher_for(const std::string& target) {
  if (target == "__ALL__") return [](const Parameter&) { return true; };
  if (target == "__ALL_PRUNABLE__") return [](const Parameter& p) { return p.shape.size() >= 2; };
  if (!target.starts_with("re:")) {
    return [target](const Parameter& p) {
      return p.name == target || (!p.kind.empty() && p.kind == target);
    };
  }
  if (target.size() > longest_expression) {
    throw TargetError("target '" + target.substr(0, 60) + "...' has " +
                      std::to_string(target.size()) + " characters; a regular expression has " +
                      std::to_string(longest_expression) + " at most");
  }
  try {
    std::regex expression{target.substr(3)};
    return [expression = std::move(expression)](const Parameter& p) {
      if (p.name.size() > longest_name) {
        throw TargetError("the parameter '" + std::string{p.name.substr(0, 60)} +
                          "...' has a name too long for regular expressions; they look at " +
                          std::to_string(longest_name) + " characters at most");
      }
      return std::regex_search(p.name.begin(), p.name.end(), expression,
                               std::regex_constants::match_continuous);
    };
  } catch (const std::regex_error& error) {
    throw TargetError("target '" + target + "' is not a regular expression: " + error.what());
  }
}

std::vector<Matcher> matchers_for(std::span<const std::string> targets) {
  std::vector<Matcher> matchers;
  matchers.reserve(targets.size());
  for (const std::string& target : targets) matchers.push_back(matcher_for(target));
  return matchers;
}

bool any_matches(const std::vector<Matcher>& matchers, const Parameter& parameter) {
  return std::ranges::any_of(matchers, [&](const Matcher& match) { return match(parameter); });
}

std::string quoted(std::span<const std::string> words) {
  std::string text = "[";
  for (const std::string& word : words) {
    if (&word != words.data()) text += ", ";
    text += "'" + word + "'";
  }
  return text + "]";
}

std::string names_of(Model& model) {
  std::string text;
  for (std::size_t i = 0; i < model.parameter_count(); ++i) {
    const Parameter parameter = model.parameter(i);
    text += "\n  " + std::string{parameter.name};
    if (!parameter.kind.empty()) text += " (" + std::string{parameter.kind} + ")";
  }
  return text.empty() ? " none" : text;
}

}  // namespace

std::vector<std::size_t> select(Model& model, std::span<const std::string> targets,
                                std::span<const std::string> ignore) {
  const std::vector<Matcher> wanted = matchers_for(targets);
  const std::vector<Matcher> unwanted = matchers_for(ignore);
  std::vector<std::size_t> selected;
  bool matched = false;
  for (std::size_t i = 0; i < model.parameter_count(); ++i) {
    const Parameter parameter = model.parameter(i);
    if (!any_matches(wanted, parameter)) continue;
    matched = true;
    if (!any_matches(unwanted, parameter)) selected.push_back(i);
  }
  if (!selected.empty()) return selected;
  const std::string problem = matched ? ", all of them ignored by " + quoted(ignore) : "";
  throw TargetError("targets " + quoted(targets) + " match " +
                    (matched ? "parameters" : "nothing") + problem +
                    "; the model's parameters are" + names_of(model));
}

}  // namespace takt
