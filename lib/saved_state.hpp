// SPDX-License-Identifier: BSL-1.0
/// \file
/// Values as the bytes of a checkpoint.
#ifndef TAKT_LIB_SAVED_STATE_HPP
#define TAKT_LIB_SAVED_STATE_HPP

#include <algorithm>
#include <cereal/archives/portable_binary.hpp>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <istream>
#include <map>
#include <optional>
#include <ostream>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace takt::detail {

template <class T>
concept SavedNumber = std::is_arithmetic_v<T> && !std::same_as<T, bool>;

/// Writes values in Cereal's portable binary, the same bytes on every machine: numbers, truth
/// values, text, and optional values, vectors and maps of them.
class StateWriter {
 public:
  /// Begins with a word for what follows, such as a class's name, which the reader has to ask for.
  StateWriter(std::ostream& out, std::string_view what) : archive_{out} { write(what); }

  template <class... Values>
  StateWriter& operator()(const Values&... values) {
    (write(values), ...);
    return *this;
  }

 private:
  template <SavedNumber T>
  void write(T value) {
    archive_(value);
  }
  template <std::same_as<bool> T>  // a pointer is none
  void write(T value) {
    archive_(static_cast<std::uint8_t>(value ? 1 : 0));
  }
  void write(std::string_view text) { write(std::span{text.data(), text.size()}); }
  void write(const std::string& text) { write(std::string_view{text}); }
  void write(const char* text) { write(std::string_view{text}); }
  template <SavedNumber T>
  void write(std::span<T> numbers) {
    archive_(static_cast<std::uint64_t>(numbers.size()));
    archive_(cereal::binary_data(numbers.data(), numbers.size_bytes()));
  }
  template <class T>
  void write(const std::vector<T>& values) {
    if constexpr (SavedNumber<T>) {
      write(std::span<const T>{values});
    } else {
      archive_(static_cast<std::uint64_t>(values.size()));
      for (const T& value : values) write(value);
    }
  }
  template <class T>
  void write(const std::optional<T>& value) {
    write(value.has_value());
    if (value) write(*value);
  }
  template <class Key, class T>
  void write(const std::map<Key, T>& values) {
    archive_(static_cast<std::uint64_t>(values.size()));
    for (const auto& [key, value] : values) (*this)(key, value);
  }

  cereal::PortableBinaryOutputArchive archive_;
};

/// Reads what a `StateWriter` wrote. Bytes that can't be that are a `CheckpointError`, and never
/// make it take more memory than there are bytes.
class StateReader {
 public:
  /// Throws when another word was written: `what` is what is wanted here.
  StateReader(std::istream& in, std::string_view what) try : archive_{in} {
    std::string found;
    (*this)(found);
    if (found != what) refuse(what, found);
  } catch (const cereal::Exception&) {
    refuse_the_end();
  }

  template <class... Values>
  StateReader& operator()(Values&... values) {
    try {
      (read(values), ...);
    } catch (const cereal::Exception&) {
      refuse_the_end();
    }
    return *this;
  }

  /// How many there are of something. It can still be counted on from there, and a few of them
  /// added up: fewer than 0, or more than 2^60, are refused.
  [[nodiscard]] std::int64_t count(std::string_view what);

 private:
  /// As many numbers are made room for at a time: a count may be anything.
  static constexpr std::uint64_t numbers_at_once = 1U << 16U;

  [[noreturn]] static void refuse(std::string_view what, std::string_view found);
  [[noreturn]] static void refuse_the_end();
  [[noreturn]] static void refuse_truth(int value);

  template <SavedNumber T>
  void read(T& value) {
    archive_(value);
  }
  void read(bool& value) {
    std::uint8_t byte = 0;
    archive_(byte);
    if (byte > 1) refuse_truth(byte);
    value = byte == 1;
  }
  template <class Numbers>
  void read_numbers(Numbers& numbers) {
    std::uint64_t left = 0;
    archive_(left);
    numbers.clear();
    while (left > 0) {
      const auto count = static_cast<std::size_t>(std::min(left, numbers_at_once));
      const std::size_t before = numbers.size();
      numbers.resize(before + count);
      archive_(cereal::binary_data(numbers.data() + before,
                                   count * sizeof(typename Numbers::value_type)));
      left -= count;
    }
  }
  void read(std::string& text) { read_numbers(text); }
  template <class T>
  void read(std::vector<T>& values) {
    if constexpr (SavedNumber<T>) {
      read_numbers(values);
    } else {
      std::uint64_t count = 0;
      archive_(count);
      values.clear();
      for (; count > 0; --count) read(values.emplace_back());
    }
  }
  template <class T>
  void read(std::optional<T>& value) {
    bool is_there = false;
    read(is_there);
    std::optional<T> found;
    if (is_there) {
      T inner{};
      read(inner);
      found = std::move(inner);
    }
    value = std::move(found);
  }
  template <class Key, class T>
  void read(std::map<Key, T>& values) {
    std::uint64_t count = 0;
    archive_(count);
    values.clear();
    for (; count > 0; --count) {
      Key key{};
      read(key);
      read(values[key]);
    }
  }

  cereal::PortableBinaryInputArchive archive_;
};

}  // namespace takt::detail

#endif
