// SPDX-License-Identifier: BSL-1.0
#include "takt/setting_value.hpp"

#include <algorithm>
#include <string_view>
#include <utility>

#include "number_text.hpp"

namespace takt {
namespace {

constexpr std::size_t longest_text = 60;

/// On one line: line ends and other control characters as in YAML's double quotes.
void append_text(std::string& text, std::string_view added) {
  constexpr std::string_view digits = "0123456789abcdef";
  for (const char letter : added.substr(0, longest_text)) {
    const auto byte = static_cast<unsigned char>(letter);
    if (byte >= 0x20 && byte != 0x7F) {
      text += letter;
    } else if (letter == '\n') {
      text += "\\n";
    } else if (letter == '\t') {
      text += "\\t";
    } else {
      text += "\\x";
      text += digits[byte / 16];
      text += digits[byte % 16];
    }
  }
}

// Stops soon after it has grown too long, however large the value is.
void append(std::string& text, const SettingValue& value) {
  if (text.size() > longest_text) return;
  if (const auto* const truth = value.get_if<bool>()) {
    text += *truth ? "true" : "false";
  } else if (const auto* const number = value.get_if<double>()) {
    text += detail::text_of(*number);
  } else if (const auto* const string = value.get_if<std::string>()) {
    text += '"';
    append_text(text, *string);
    text += '"';
  } else if (const auto* const list = value.get_if<SettingValue::List>()) {
    text += '[';
    for (const SettingValue& each : *list) {
      if (&each != &list->front()) text += ", ";
      append(text, each);
      if (text.size() > longest_text) return;
    }
    text += ']';
  } else if (const auto* const map = value.get_if<SettingValue::Map>()) {
    text += '{';
    for (const SettingEntry& each : *map) {
      if (&each != &map->front()) text += ", ";
      append_text(text, each.key);
      text += ": ";
      append(text, each.value);
      if (text.size() > longest_text) return;
    }
    text += '}';
  } else {
    text += "null";
  }
}

/// Whether a byte continues a character of UTF-8.
bool continues(char byte) { return (static_cast<unsigned char>(byte) & 0xC0U) == 0x80U; }

}  // namespace

SettingValue::SettingValue(bool value) noexcept : data_{value} {}
SettingValue::SettingValue(std::string value) : data_{std::move(value)} {}
SettingValue::SettingValue(const char* value) : data_{std::string{value}} {}
SettingValue::SettingValue(std::string_view value) : data_{std::string{value}} {}
SettingValue::SettingValue(List value) : data_{std::move(value)} {}
SettingValue::SettingValue(Map value) : data_{std::move(value)} {}
SettingValue::SettingValue(std::initializer_list<SettingEntry> entries) : data_{Map{entries}} {}

bool SettingValue::is_nothing() const noexcept {
  return std::holds_alternative<std::monostate>(data_);
}

const SettingValue* SettingValue::find(std::string_view key) const noexcept {
  const auto* const map = get_if<Map>();
  if (map == nullptr) return nullptr;
  const auto found = std::ranges::find(*map, key, &SettingEntry::key);
  return found == map->end() ? nullptr : &found->value;
}

bool operator==(const SettingValue& a, const SettingValue& b) { return a.data_ == b.data_; }

std::string to_string(const SettingValue& value) {
  std::string text;
  append(text, value);
  if (text.size() <= longest_text) return text;
  std::size_t size = longest_text;
  while (size > 0 && continues(text[size])) --size;
  text.resize(size);
  return text + "...";
}

}  // namespace takt
