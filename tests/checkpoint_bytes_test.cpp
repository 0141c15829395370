// SPDX-License-Identifier: BSL-1.0
// Every byte of a checkpoint: changed in every way, and cut off. It is refused and loads nothing,
// or it loads what was saved.
#include <boost/test/unit_test.hpp>
#include <cstddef>
#include <memory>
#include <sstream>
#include <string>

#include "checkpoint_file.hpp"
#include "saved_run.hpp"
#include "takt/checkpoint.hpp"

namespace {

using takt::test::Built;
using takt::test::SavedRun;

/// A bus that others' bytes are loaded into, over and over.
class Target {
 public:
  explicit Target(const std::string& bytes) : bytes_{bytes} {}

  /// False for bytes that were refused, with nothing loaded. What loads is what was saved.
  [[nodiscard]] bool loads(const std::string& bytes) {
    try {
      run_->load(bytes);
    } catch (const takt::CheckpointError&) {
      BOOST_TEST_REQUIRE(run_->seen() == untouched_);
      return false;
    }
    BOOST_TEST_REQUIRE((run_->saved() == bytes_));
    run_ = Built{}.make();
    return true;
  }

 private:
  const std::string& bytes_;
  std::unique_ptr<SavedRun> run_ = Built{}.make();
  std::string untouched_ = run_->seen();
};

}  // namespace

BOOST_AUTO_TEST_SUITE(checkpoint_bytes)

BOOST_AUTO_TEST_CASE(whatever_a_byte_is_changed_to_it_is_refused_or_loads_what_was_saved) {
  const std::string bytes = Built{}.saved_after(3);
  BOOST_TEST(bytes.size() < 1000U);
  Target target{bytes};
  BOOST_TEST(target.loads(bytes));
  std::size_t loaded = 0;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    std::string other = bytes;
    for (int change = 1; change < 256; ++change) {
      other[i] = static_cast<char>(bytes[i] ^ change);
      if (target.loads(other)) ++loaded;
    }
  }
  BOOST_TEST(loaded == 0U);  // a checksum of 64 bits misses none of them
  BOOST_TEST(target.loads(bytes));
}

BOOST_AUTO_TEST_CASE(wherever_it_is_cut_off_it_is_refused) {
  const std::string bytes = Built{}.saved_after(3);
  Target target{bytes};
  for (std::size_t length = 0; length < bytes.size(); ++length) {
    BOOST_TEST(!target.loads(bytes.substr(0, length)), length);
  }
  BOOST_TEST(target.loads(bytes + "what follows in the stream"));
}

BOOST_AUTO_TEST_CASE(a_byte_more_or_less_anywhere_is_refused) {
  const std::string bytes = Built{}.saved_after(3);
  Target target{bytes};
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    std::string other = bytes;
    BOOST_TEST(!target.loads(other.erase(i, 1)), i);
    for (const char more : {'\0', '\1', '\xff'}) {
      other = bytes;
      other.insert(i, 1, more);
      BOOST_TEST((!target.loads(other) || other.starts_with(bytes)), i);
    }
  }
}

BOOST_AUTO_TEST_CASE(behind_a_right_checksum_a_changed_bit_is_refused_or_is_another_run) {
  std::istringstream in{Built{}.saved_after(3)};
  const std::string bytes = takt::detail::read_checkpoint(in);
  std::size_t loaded = 0;
  auto run = Built{}.make();
  const std::string untouched = run->seen();
  for (std::size_t bit = 0; bit < 8 * bytes.size(); ++bit) {
    std::string other = bytes;
    other[bit / 8] = static_cast<char>(other[bit / 8] ^ (1 << bit % 8));
    try {
      run->load(takt::detail::checkpoint_header(other) + other);
    } catch (const takt::CheckpointError&) {
      BOOST_TEST_REQUIRE(run->seen() == untouched, bit);
      continue;
    }
    ++loaded;
    const std::string saved = run->saved();
    run = Built{}.make();
    run->load(saved);
    BOOST_TEST_REQUIRE((run->saved() == saved), bit);
    run = Built{}.make();
  }
  BOOST_TEST(loaded > 100U);
  BOOST_TEST(loaded < 8 * bytes.size() / 2);
}

BOOST_AUTO_TEST_SUITE_END()
