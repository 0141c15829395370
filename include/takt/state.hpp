// SPDX-License-Identifier: BSL-1.0
/// \file
/// What modifiers act on.
#ifndef TAKT_STATE_HPP
#define TAKT_STATE_HPP

#include <concepts>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <typeindex>
#include <unordered_map>
#include <utility>
#include <vector>

#include "takt/control.hpp"
#include "takt/event.hpp"
#include "takt/model.hpp"
#include "takt/optimizer.hpp"

namespace takt {

class EventBus;
class Modifier;

namespace detail {
class StateAccess;
}

/// Hands modifiers the objects they act on, found by type, with the run's loss, metrics and
/// requests. It belongs to the loop's thread; only `control` may be used from any other.
class State {
 public:
  std::optional<double> loss{};  ///< the batch's loss; unset from BATCH_START until known
  std::map<std::string, double> metrics{};  ///< by name, such as "accuracy"; anyone's to fill
  std::vector<std::string> layers{};        ///< the layers of the last SEQUENTIAL_EPOCH_END
  Control control{};                        ///< what modifiers ask of the loop

  /// Registers an object that the caller owns; it must outlive its use through this state. It
  /// replaces an object of the same type. An object of a class derived from `Model` or `Optimizer`
  /// is found under that base as well, so `set(my_model)` serves `get<Model>()`.
  template <class T>
  void set(T& object) {
    static_assert(!std::is_const_v<T>,
                  "modifiers change what they act on: pass a non-const object");
    file(object, nullptr);
  }
  template <class T>
  void set(T&& object) requires(!std::is_lvalue_reference_v<T>) = delete;  // it would dangle

  /// Registers an object and shares its ownership; null unregisters that type.
  template <class T>
  void own(std::shared_ptr<T> object) {
    static_assert(!std::is_const_v<T>,
                  "modifiers change what they act on: pass a non-const object");
    if (!object) return erase<T>();
    T& reference = *object;
    file(reference, std::move(object));
  }

  /// The object of exactly this type, or of this base (see `set`); null when there is none.
  template <class T>
  [[nodiscard]] T* find() const noexcept {
    const auto found = objects_.find(typeid(T));
    return found == objects_.end() ? nullptr : static_cast<T*>(found->second.object);
  }

  /// The same by reference. Throws `MissingState`, which names the type and those there are.
  template <class T>
  [[nodiscard]] T& get() const {
    if (T* const object = find<T>()) return *object;
    throw_missing(typeid(T));
  }

  /// For a hook of `modifier` at `event`, when it has to act between two events: `work(bus)` runs
  /// once, on the loop's thread, when the bus's current call has taken its effect, clock and queued
  /// additions included. What it throws is handled as if that modifier's `on_update` had thrown it.
  /// It does not run when the modifier has been removed or quarantined by then.
  void after_call(const Modifier& modifier, const Event& event,
                  std::function<void(EventBus&)> work);

 private:
  friend class detail::StateAccess;

  struct Deferred {
    const Modifier* modifier = nullptr;
    Event event{};
    std::function<void(EventBus&)> work{};
  };

  struct Entry {
    void* object = nullptr;
    std::shared_ptr<void> owner{};
  };

  template <class T>
  void file(T& object, const std::shared_ptr<void>& owner) {
    objects_.insert_or_assign(typeid(T), Entry{&object, owner});
    file_under_base<Model>(object, owner);
    file_under_base<Optimizer>(object, owner);
  }

  template <class Base, class T>
  void file_under_base(T& object, const std::shared_ptr<void>& owner) {
    if constexpr (std::derived_from<T, Base> && !std::same_as<T, Base>) {
      Base& base = object;
      objects_.insert_or_assign(typeid(Base), Entry{&base, owner});
    }
  }

  template <class T>
  void erase() {
    if constexpr (std::derived_from<T, Model>) erase_base<Model>(find<T>());
    if constexpr (std::derived_from<T, Optimizer>) erase_base<Optimizer>(find<T>());
    objects_.erase(typeid(T));
  }

  template <class Base>
  void erase_base(const Base* object) {
    if (object != nullptr && find<Base>() == object) objects_.erase(typeid(Base));
  }

  [[noreturn]] void throw_missing(std::type_index type) const;

  std::unordered_map<std::type_index, Entry> objects_;
  std::vector<Deferred> deferred_;
};

}  // namespace takt

#endif
