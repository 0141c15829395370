// SPDX-License-Identifier: BSL-1.0
#include "takt/modifiers/kth_magnitude.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <limits>
#include <optional>
#include <string>

#include "takt/error.hpp"

namespace takt::kernels {
namespace {

/// The bits of a magnitude: those of the number without its sign.
using Key = std::uint32_t;
using Values = std::span<const float>;
using Counts = std::vector<std::uint32_t>;

constexpr Key infinity = 0x7f800000U;
constexpr int half_bits = 16;
constexpr std::size_t upper_halves = std::size_t{1} << (half_bits - 1);
constexpr std::size_t lower_halves = std::size_t{1} << half_bits;
/// Counts of equal numbers in a row would each wait until the one before is stored, so that several
/// are counted side by side and summed up in the end. Their counts of one number are no power of
/// two apart: processors that compare the last bits of addresses would take them for the same.
constexpr std::size_t upper_lanes = 4;
constexpr std::size_t upper_lane_size = upper_halves + 16;
constexpr std::size_t lower_lanes = 2;
constexpr std::size_t lower_lane_size = lower_halves + 16;
/// So many are faster sorted out than counted, as counts have to be cleared and summed.
constexpr std::size_t few = 16384;

Key key_of(float value) noexcept { return std::bit_cast<Key>(value) & 0x7fffffffU; }

/// The keys that may still be the one looked for, and its position among them in order.
struct Search {
  std::size_t rank = 0;
  std::size_t count = 0;
  Key half = 0;  // the half of the key that was counted
};

/// Finds the count that the rank is in.
Search find(const Counts& counts, std::size_t lanes, std::size_t lane_size, std::size_t rank) {
  for (std::size_t half = 0;; ++half) {
    std::size_t count = 0;
    for (std::size_t lane = 0; lane < lanes; ++lane) count += counts[lane * lane_size + half];
    if (rank < count) return {rank, count, static_cast<Key>(half)};
    rank -= count;
  }
}

Search find_upper_half(Values values, std::size_t rank, Counts& counts) {
  counts.assign(upper_lanes * upper_lane_size, 0);
  std::uint32_t* const count = counts.data();
  const std::size_t whole = values.size() - values.size() % upper_lanes;
  for (std::size_t i = 0; i < whole; i += upper_lanes) {
    for (std::size_t lane = 0; lane < upper_lanes; ++lane) {
      ++count[lane * upper_lane_size + (key_of(values[i + lane]) >> half_bits)];
    }
  }
  for (const float value : values.subspan(whole)) ++count[key_of(value) >> half_bits];
  return find(counts, upper_lanes, upper_lane_size, rank);
}

/// Calls `visit` with parts of the values, at most 32 long, that have all those with an upper half
/// in them.
template <class Visit>
void visit_parts_with(Key upper_half, Values values, const Visit& visit) {
  constexpr std::size_t length = 32;
  constexpr Key upper = 0x7fff0000U;
  const Key wanted = upper_half << half_bits;
  const std::size_t whole = values.size() - values.size() % length;
  for (std::size_t first = 0; first < whole; first += length) {
    Key any = 0;
    for (std::size_t i = first; i < first + length; ++i) {
      any |= (std::bit_cast<Key>(values[i]) & upper) == wanted ? ~Key{0} : Key{0};
    }
    if (any != 0) visit(values.subspan(first, length));
  }
  visit(values.subspan(whole));
}

/// The same search among the keys with an upper half, whose lower halves are all counted.
Search find_lower_half(Values values, const Search& search, Counts& counts) {
  // Behind the counts of each lane is one for keys with another upper half: a branch would be
  // predicted badly.
  constexpr std::size_t others = lower_halves;
  counts.assign(lower_lanes * lower_lane_size, 0);
  std::uint32_t* const count = counts.data();
  visit_parts_with(search.half, values, [=](Values part) {
    for (std::size_t i = 0; i < part.size(); ++i) {
      const Key key = key_of(part[i]);
      const std::size_t half = key % lower_halves;
      ++count[i % lower_lanes * lower_lane_size +
              (key >> half_bits == search.half ? half : others)];
    }
  });
  return find(counts, lower_lanes, lower_lane_size, search.rank);
}

struct Found {
  Key key = 0;
  std::size_t below = 0;
};

/// The key at a position, among few.
Found sort_out(std::span<Key> keys, std::size_t rank) {
  const auto kth = keys.begin() + static_cast<std::ptrdiff_t>(rank);
  std::nth_element(keys.begin(), kth, keys.end());
  const auto below = std::count_if(keys.begin(), kth, [&](Key key) { return key < *kth; });
  return {*kth, static_cast<std::size_t>(below)};
}

/// The few keys with an upper half.
std::span<Key> gather(Values values, const Search& search, std::vector<Key>& survivors) {
  survivors.resize(few + 1);  // one more, as a key is written before it is known to stay
  Key* end = survivors.data();
  visit_parts_with(search.half, values, [&](Values part) {
    for (const float value : part) {
      const Key key = key_of(value);
      *end = key;
      end += key >> half_bits == search.half ? 1 : 0;
    }
  });
  return {survivors.data(), end};
}

/// How many keys are below one, and how many equal it.
struct Standing {
  std::size_t below = 0;
  std::size_t equal = 0;
};

Standing standing_of(Key key, Values values) noexcept {
  // Counts of 32 bits and comparisons with a sign are what compilers vectorize well.
  constexpr std::size_t length = std::size_t{1} << 16;
  const auto signed_key = static_cast<std::int32_t>(key);
  Standing all;
  for (std::size_t first = 0; first < values.size(); first += length) {
    std::uint32_t below = 0;
    std::uint32_t equal = 0;
    for (const float value : values.subspan(first, std::min(length, values.size() - first))) {
      const auto other = static_cast<std::int32_t>(key_of(value));
      below += other < signed_key ? 1U : 0U;
      equal += other == signed_key ? 1U : 0U;
    }
    all.below += below;
    all.equal += equal;
  }
  return all;
}

/// A key that occurs often and is most likely the k-th: in a sample it is, and those around are
/// too.
std::optional<Key> frequent(Values values, std::size_t k) {
  constexpr std::size_t size = 256;
  constexpr std::size_t around = 4;
  std::array<Key, size> sample{};
  const std::size_t step = values.size() / size;
  for (std::size_t i = 0; i < size; ++i) sample[i] = key_of(values[step * i]);
  std::ranges::sort(sample);
  const std::size_t at = std::min(size - 1, k / step);
  const Key first = sample[at - std::min(at, around)];
  const Key last = sample[std::min(size - 1, at + around)];
  return first == last ? std::optional{first} : std::nullopt;
}

Found find_key(Values values, std::size_t k, KthScratch& scratch) {
  if (values.size() <= few) {
    scratch.survivors.resize(few + 1);
    std::ranges::transform(values, scratch.survivors.begin(), key_of);
    return sort_out(std::span{scratch.survivors}.first(values.size()), k);
  }
  // Also where these numbers need none of it: the next ones may.
  scratch.counts.reserve(std::max(upper_lanes * upper_lane_size, lower_lanes * lower_lane_size));
  scratch.survivors.reserve(few + 1);
  if (const std::optional<Key> key = frequent(values, k)) {
    const Standing standing = standing_of(*key, values);
    if (k >= standing.below && k - standing.below < standing.equal) return {*key, standing.below};
  }
  const Search upper = find_upper_half(values, k, scratch.counts);
  if (upper.count <= few) {
    const Found found = sort_out(gather(values, upper, scratch.survivors), upper.rank);
    return {found.key, k - upper.rank + found.below};
  }
  const Search lower = find_lower_half(values, upper, scratch.counts);
  return {upper.half << half_bits | lower.half, k - lower.rank};
}

}  // namespace

KthMagnitude kth_magnitude(Values values, std::size_t k, KthScratch& scratch) {
  if (k >= values.size() || values.size() > std::size_t{1} << 32) {
    throw InvalidModifier("there is no magnitude " + std::to_string(k) + " of " +
                          std::to_string(values.size()) +
                          "; they are counted from 0, and are at most 2^32");
  }
  const Found found = find_key(values, k, scratch);
  if (found.key <= infinity) return {std::bit_cast<float>(found.key), found.below};
  const Standing of_infinity = standing_of(infinity, values);
  return {std::numeric_limits<float>::quiet_NaN(), of_infinity.below + of_infinity.equal};
}

}  // namespace takt::kernels
