// SPDX-License-Identifier: BSL-1.0
#include "name_index.hpp"

#include <rapidcheck.h>

#include <boost/test/unit_test.hpp>
#include <cstddef>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "cadence_cases.hpp"

namespace {

using takt::detail::DueSteps;
using takt::detail::NameIndex;
using takt::detail::Slot;

/// Slots of modifiers that are called "m0", "m1", …
class Slots {
 public:
  explicit Slots(int count) {
    for (int i = 0; i < count; ++i) {
      auto modifier =
          std::make_shared<takt::Modifier>(name_of(i), takt::Cadence{}, takt::Interests{});
      slots_.emplace_back(std::move(modifier), takt::detail::Order{}, DueSteps{takt::Cadence{}, 1});
    }
  }
  static std::string name_of(int i) {
    std::string name{"m"};
    name += std::to_string(i);
    return name;
  }
  Slot& operator[](int i) { return slots_.at(static_cast<std::size_t>(i)); }

 private:
  std::deque<Slot> slots_;
};

void put(NameIndex& index, Slot& slot) {
  index.make_room();
  index.insert(slot);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(name_index)

BOOST_AUTO_TEST_CASE(an_empty_index_knows_no_name) {
  const NameIndex index;
  BOOST_TEST(index.find("m0") == nullptr);
  BOOST_TEST(index.slots().empty());
}

BOOST_AUTO_TEST_CASE(a_slot_is_found_by_its_modifiers_name) {
  Slots slots{2};
  NameIndex index;
  put(index, slots[0]);
  put(index, slots[1]);
  BOOST_TEST(index.find("m1") == &slots[1]);
  BOOST_TEST(index.find("m") == nullptr);
}

BOOST_AUTO_TEST_CASE(a_name_that_was_erased_is_free_again) {
  Slots slots{1};
  NameIndex index;
  put(index, slots[0]);
  index.erase("m0");
  BOOST_TEST(index.find("m0") == nullptr);
  put(index, slots[0]);
  BOOST_TEST(index.find("m0") == &slots[0]);
}

BOOST_AUTO_TEST_CASE(any_sequence_of_changes_leaves_the_names_that_a_map_has) {
  BOOST_TEST(rc::check("an index is a map of names", [] {
    constexpr int names = 60;
    Slots slots{names};
    NameIndex index;
    std::map<std::string, const Slot*> expected;
    for (const int i :
         *rc::gen::container<std::vector<int>>(300, takt::test::evenly(0, names - 1))) {
      const std::string name = Slots::name_of(i);
      if (expected.erase(name) != 0) {
        index.erase(name);
      } else {
        put(index, slots[i]);
        expected[name] = &slots[i];
      }
      for (int other = 0; other < names; ++other) {
        const auto found = expected.find(Slots::name_of(other));
        const Slot* const wanted = found == expected.end() ? nullptr : found->second;
        RC_ASSERT(index.find(Slots::name_of(other)) == wanted);
      }
      RC_ASSERT(index.slots().size() == expected.size());
    }
  }));
}

BOOST_AUTO_TEST_SUITE_END()
