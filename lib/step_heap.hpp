// SPDX-License-Identifier: BSL-1.0
/// \file
/// Slots by the step at which the agenda must look at them again.
#ifndef TAKT_LIB_STEP_HEAP_HPP
#define TAKT_LIB_STEP_HEAP_HPP

#include <algorithm>
#include <cstdint>
#include <vector>

#include "slot.hpp"

namespace takt::detail {

/// An indexed min-heap of (step, order), four children wide: one cache line holds all children of a
/// node. Slots carry their own position, so that any of them can be moved or erased.
class StepHeap {
 public:
  [[nodiscard]] bool empty() const noexcept { return nodes_.empty(); }
  [[nodiscard]] std::int64_t first_step() const noexcept { return nodes_.front().step; }
  [[nodiscard]] Slot& first() const noexcept { return *nodes_.front().slot; }
  [[nodiscard]] std::size_t capacity() const noexcept { return nodes_.capacity(); }
  void reserve(std::size_t size) { nodes_.reserve(size); }

  void push(Slot& slot, std::int64_t step) {
    nodes_.push_back({step, &slot});
    rise(nodes_.size() - 1);
  }

  /// Gives the first slot a later step.
  void postpone_first(std::int64_t step) noexcept {
    nodes_.front().step = step;
    sink(0);
  }

  void erase(Slot& slot) noexcept {
    const std::size_t at = slot.heap_position;
    slot.heap_position = Slot::nowhere;
    const Node last = nodes_.back();
    nodes_.pop_back();
    if (at == nodes_.size()) return;
    nodes_[at] = last;
    sink(rise(at));
  }

  void clear() noexcept {
    for (const Node& node : nodes_) node.slot->heap_position = Slot::nowhere;
    nodes_.clear();
  }

 private:
  struct Node {
    std::int64_t step;
    Slot* slot;
  };

  static bool before(const Node& a, const Node& b) noexcept {
    return a.step != b.step ? a.step < b.step : a.slot->order < b.slot->order;
  }

  void place(std::size_t at, const Node& node) noexcept {
    nodes_[at] = node;
    node.slot->heap_position = at;
  }

  std::size_t rise(std::size_t at) noexcept {
    const Node node = nodes_[at];
    while (at > 0) {
      const std::size_t parent = (at - 1) / 4;
      if (!before(node, nodes_[parent])) break;
      place(at, nodes_[parent]);
      at = parent;
    }
    place(at, node);
    return at;
  }

  void sink(std::size_t at) noexcept {
    const Node node = nodes_[at];
    for (;;) {
      const std::size_t first_child = 4 * at + 1;
      if (first_child >= nodes_.size()) break;
      const std::size_t end = std::min(first_child + 4, nodes_.size());
      std::size_t least = first_child;
      for (std::size_t child = first_child + 1; child < end; ++child) {
        if (before(nodes_[child], nodes_[least])) least = child;
      }
      if (!before(nodes_[least], node)) break;
      place(at, nodes_[least]);
      at = least;
    }
    place(at, node);
  }

  std::vector<Node> nodes_;
};

}  // namespace takt::detail

#endif
