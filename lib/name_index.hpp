// SPDX-License-Identifier: BSL-1.0
/// \file
/// Slots by the names of their modifiers.
#ifndef TAKT_LIB_NAME_INDEX_HPP
#define TAKT_LIB_NAME_INDEX_HPP

#include <algorithm>
#include <cstddef>
#include <functional>
#include <string_view>
#include <utility>
#include <vector>

#include "slot.hpp"

namespace takt::detail {

/// A hash table with open addressing and linear probing, at most half full. A node for each name,
/// as in std::unordered_map, makes registering many modifiers twice as slow, and Boost has a flat
/// map only from 1.81 on. The names stay the modifiers'.
class NameIndex {
 public:
  /// The slot of that name, or null.
  [[nodiscard]] Slot* find(std::string_view name) const noexcept {
    if (places_.empty()) return nullptr;
    return places_[place_of(name, hash_of(name))].slot;
  }

  /// Makes room for one more, so that `insert` can't fail.
  void make_room() {
    if (2 * (size_ + 1) <= places_.size()) return;
    std::vector<Place> larger(std::max<std::size_t>(16, 2 * places_.size()));
    std::swap(places_, larger);
    for (const Place& place : larger) {
      if (place.slot != nullptr) places_[free_place(place.hash)] = place;
    }
  }

  /// `make_room` has been called, and no slot has that name.
  void insert(Slot& slot) noexcept {
    const std::size_t hash = hash_of(slot.modifier->name());
    places_[free_place(hash)] = {hash, &slot};
    ++size_;
  }

  /// The slot of that name goes; there is one.
  void erase(std::string_view name) noexcept {
    std::size_t hole = place_of(name, hash_of(name));
    // What was pushed past the hole moves back, so that no search ends there too early.
    for (std::size_t at = next(hole); places_[at].slot != nullptr; at = next(at)) {
      const std::size_t wanted = places_[at].hash & mask();
      if (((at - wanted) & mask()) < ((at - hole) & mask())) continue;
      places_[hole] = places_[at];
      hole = at;
    }
    places_[hole] = {};
    --size_;
  }

  /// All slots, in no order.
  [[nodiscard]] std::vector<const Slot*> slots() const {
    std::vector<const Slot*> all;
    all.reserve(size_);
    for (const Place& place : places_) {
      if (place.slot != nullptr) all.push_back(place.slot);
    }
    return all;
  }

 private:
  struct Place {
    std::size_t hash = 0;
    Slot* slot = nullptr;
  };

  static std::size_t hash_of(std::string_view name) noexcept {
    return std::hash<std::string_view>{}(name);
  }
  [[nodiscard]] std::size_t mask() const noexcept { return places_.size() - 1; }
  [[nodiscard]] std::size_t next(std::size_t at) const noexcept { return (at + 1) & mask(); }

  /// Where the name is, or else where the search for it ends.
  [[nodiscard]] std::size_t place_of(std::string_view name, std::size_t hash) const noexcept {
    std::size_t at = hash & mask();
    while (places_[at].slot != nullptr &&
           (places_[at].hash != hash || places_[at].slot->modifier->name() != name)) {
      at = next(at);
    }
    return at;
  }

  [[nodiscard]] std::size_t free_place(std::size_t hash) const noexcept {
    std::size_t at = hash & mask();
    while (places_[at].slot != nullptr) at = next(at);
    return at;
  }

  std::size_t size_ = 0;
  std::vector<Place> places_;  // as many as a power of two
};

}  // namespace takt::detail

#endif
