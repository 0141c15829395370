// SPDX-License-Identifier: BSL-1.0
// Files and streams that traces are read from: what is odd, torn off, broken or very long.
#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <functional>
#include <ios>
#include <istream>
#include <limits>
#include <sstream>
#include <streambuf>
#include <string>
#include <utility>
#include <vector>

#include "scratch_folder.hpp"
#include "takt/error.hpp"
#include "takt/trace.hpp"
#include "trace_cases.hpp"

namespace {

using takt::Trace;
using takt::TraceEntry;
using takt::TraceError;
using takt::TraceReader;
using takt::test::bare_header;
using takt::test::error_of;
using takt::test::lines_of;
using takt::test::same;
using takt::test::ScratchFolder;
using takt::test::trace_in;

const std::string header_with_a =
    R"({"takt_trace":1,"start":{"step":0,"batch":0},"modifiers":[{"name":"a"}]})";
const std::string start_line = R"({"event":"batch_start","step":1,"batch":2})";
const std::string end_line = R"({"event":"batch_end","step":1,"batch":2})";

std::string event_with(const std::string& fields) {
  return R"({"event":"batch_start","step":1,"batch":2,)" + fields + "}";
}

std::string error_of_file(const std::filesystem::path& file) {
  try {
    const TraceReader reader{file};
  } catch (const TraceError& error) {
    return error.what();
  }
  return "";
}

/// Text that is made when it is read, chunk by chunk; an empty chunk is the end.
class MadeText final : public std::streambuf {
 public:
  explicit MadeText(std::function<std::string()> more) : more_{std::move(more)} {}
  /// Bytes that have been made.
  [[nodiscard]] std::int64_t made() const { return made_; }

 private:
  int_type underflow() override {
    chunk_ = more_();
    if (chunk_.empty()) return traits_type::eof();
    made_ += static_cast<std::int64_t>(chunk_.size());
    setg(chunk_.data(), chunk_.data(), chunk_.data() + chunk_.size());
    return traits_type::to_int_type(chunk_.front());
  }

  std::function<std::string()> more_;
  std::string chunk_;
  std::int64_t made_ = 0;
};

/// Gives a chunk some times, between a first and a last one.
std::function<std::string()> repeated(const std::string& first, const std::string& chunk, int times,
                                      const std::string& last) {
  return [=, i = -1]() mutable {
    ++i;
    if (i == 0) return first;
    if (i <= times) return chunk;
    return i == times + 1 ? last : "";
  };
}

}  // namespace

BOOST_AUTO_TEST_SUITE(trace_reader)

// ---- Files --------------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(a_file_is_read_line_by_line) {
  const ScratchFolder folder;
  const auto file = folder.file("run.jsonl", bare_header + "\n" + start_line + "\n");
  TraceReader reader{file};
  BOOST_TEST(reader.name() == file.string());
  BOOST_TEST(reader.line() == 1);
  BOOST_TEST(reader.bytes() == static_cast<std::int64_t>(bare_header.size()) + 1);
  TraceEntry entry;
  BOOST_TEST(reader.next(entry));
  BOOST_TEST((entry.call == takt::BusCall::batch_start));
  BOOST_TEST(reader.line() == 2);
  BOOST_TEST(reader.bytes() == static_cast<std::int64_t>(std::filesystem::file_size(file)));
  BOOST_TEST(!reader.next(entry));
  BOOST_TEST(!reader.next(entry));
  BOOST_TEST(!reader.torn());
  BOOST_TEST(takt::read_trace(file).entries.size() == 1U);
}

BOOST_AUTO_TEST_CASE(what_is_no_file_is_named) {
  const ScratchFolder folder;
  const auto missing = folder.path() / "no such.jsonl";
  BOOST_TEST(error_of_file(missing) ==
             missing.string() + " can't be read: No such file or directory");
  BOOST_TEST(error_of_file(folder.path()) ==
             folder.path().string() + " is a folder; give a trace file");
  BOOST_CHECK_THROW((void)takt::read_trace(missing), TraceError);
}

BOOST_AUTO_TEST_CASE(errors_in_a_file_begin_with_its_name_and_line) {
  const ScratchFolder folder;
  const auto file = folder.file("bad.jsonl", bare_header + "\n\n" + start_line + "\nnot this\n");
  BOOST_CHECK_EXCEPTION((void)takt::read_trace(file), TraceError, [&](const TraceError& e) {
    return std::string{e.what()} == file.string() + ":4: is no valid JSON from column 2 on";
  });
}

// ---- What is not wrong --------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(keys_that_are_not_known_are_ignored) {
  const Trace trace = trace_in(
      R"({"host":"w1","takt_trace":1,"start":{"step":0,"batch":0,"x":1},"modifiers":[{"name":"a","y":{}}]})"
      "\n" +
      event_with(R"("gpu":[{"mem":5}],"hooks":[{"modifier":"a","hook":"on_end","why":null}])"));
  BOOST_TEST(trace.entries.at(0).hooks.size() == 1U);
}

BOOST_AUTO_TEST_CASE(blank_lines_are_skipped_and_carriage_returns_are_no_matter) {
  const std::string text =
      bare_header + "\r\n\n  \t\r\n" + start_line + "\r\n\r\n" + end_line + " \r\n\n   ";
  std::istringstream in{text};
  TraceReader reader{in};
  TraceEntry entry;
  BOOST_TEST(reader.next(entry));
  BOOST_TEST(reader.line() == 4);
  BOOST_TEST(reader.next(entry));
  BOOST_TEST(reader.line() == 6);
  BOOST_TEST(!reader.next(entry));
  BOOST_TEST(!reader.torn());
  BOOST_TEST(reader.bytes() == static_cast<std::int64_t>(text.size()));
  BOOST_TEST(error_of(bare_header + "\r\n\r\n\r\n[]\r\n") == "trace:4: is no JSON object");
}

// ---- Torn lines ---------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(a_last_line_that_is_torn_off_is_left_out) {
  for (std::size_t length = 1; length < end_line.size(); ++length) {
    std::istringstream in{bare_header + "\n" + start_line + "\n" + end_line.substr(0, length)};
    TraceReader reader{in};
    TraceEntry entry;
    BOOST_TEST(reader.next(entry));
    BOOST_TEST(!reader.torn());
    BOOST_TEST(!reader.next(entry));
    BOOST_TEST(reader.torn());
    BOOST_TEST((entry.call == takt::BusCall::batch_start));
    BOOST_TEST(!reader.next(entry));
  }
}

BOOST_AUTO_TEST_CASE(a_last_line_that_lacks_its_newline_only_counts) {
  std::istringstream in{bare_header + "\n" + start_line};
  TraceReader reader{in};
  TraceEntry entry;
  BOOST_TEST(reader.next(entry));
  BOOST_TEST((entry.call == takt::BusCall::batch_start));
  BOOST_TEST(!reader.next(entry));
  BOOST_TEST(!reader.torn());
}

BOOST_AUTO_TEST_CASE(a_last_line_that_is_whole_and_wrong_is_an_error_with_or_without_its_newline) {
  const std::string wrong = bare_header + "\n" + R"({"event":"batch_begin","step":1,"batch":1})";
  BOOST_TEST(error_of(wrong).starts_with("trace:2: has an event that is not known"));
  BOOST_TEST(error_of(wrong + "\n") == error_of(wrong));
}

BOOST_AUTO_TEST_CASE(bytes_that_a_file_system_has_left_behind_are_a_torn_line) {
  std::istringstream in{bare_header + "\n" + start_line + "\n" + std::string(1000, '\0')};
  TraceReader reader{in};
  TraceEntry entry;
  BOOST_TEST(reader.next(entry));
  BOOST_TEST(!reader.next(entry));
  BOOST_TEST(reader.torn());
}

// ---- After an error -----------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(after_an_error_a_reader_is_at_its_end) {
  for (const std::string& wrong : {std::string{"{"}, std::string{"[]"}, std::string{"{}"}}) {
    std::istringstream in{bare_header + "\n" + start_line + "\n" + wrong + "\n" + end_line + "\n"};
    TraceReader reader{in};
    TraceEntry entry;
    BOOST_TEST(reader.next(entry));
    BOOST_CHECK_THROW(reader.next(entry), TraceError);
    BOOST_TEST(!reader.next(entry));
    BOOST_TEST(!reader.torn());
    BOOST_TEST(reader.line() == 3);
  }
}

BOOST_AUTO_TEST_CASE(a_stream_that_throws_at_its_end_is_read_to_its_end) {
  std::istringstream in{bare_header + "\n" + start_line + "\n"};
  in.exceptions(std::ios::failbit | std::ios::eofbit | std::ios::badbit);
  BOOST_TEST(takt::read_trace(in).entries.size() == 1U);
}

BOOST_AUTO_TEST_CASE(a_stream_that_breaks_is_an_error_and_not_an_end) {
  for (const std::ios::iostate thrown : {std::ios::goodbit, std::ios::badbit}) {
    int chunks = 0;
    MadeText text{[&] {
      if (++chunks == 1) return bare_header + "\n" + start_line + "\n" + std::string(70'000, ' ');
      throw std::ios_base::failure{"unplugged"};
    }};
    std::istream in{&text};
    in.exceptions(thrown);
    TraceReader reader{in, "remote"};
    TraceEntry entry;
    BOOST_TEST(reader.next(entry));
    BOOST_CHECK_EXCEPTION(reader.next(entry), TraceError, [](const TraceError& e) {
      return std::string{e.what()} == "remote can't be read to its end";
    });
    BOOST_TEST(!reader.next(entry));
  }
}

// ---- Long traces --------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(a_line_of_more_than_64_mib_is_refused) {
  const std::string mib(std::size_t{1} << 20U, 'x');
  const std::string line_start = R"({"event":"batch_start","step":1,"batch":2,"note":")";
  MadeText text{repeated(bare_header + "\n" + start_line + "\n" + line_start, mib, 80, "\"}\n")};
  std::istream in{&text};
  TraceReader reader{in};
  TraceEntry entry;
  BOOST_TEST(reader.next(entry));
  BOOST_CHECK_EXCEPTION(reader.next(entry), TraceError, [](const TraceError& e) {
    return std::string{e.what()} == "trace:3: is longer than 64 MiB, which no line of a trace is";
  });
  BOOST_TEST(text.made() < std::int64_t{66} << 20);
  BOOST_TEST(!reader.next(entry));
}

BOOST_AUTO_TEST_CASE(a_header_of_more_than_64_mib_is_refused) {
  MadeText text{repeated("{", std::string(std::size_t{1} << 20U, ' '), 80, "}")};
  std::istream in{&text};
  BOOST_CHECK_EXCEPTION((TraceReader{in}), TraceError, [](const TraceError& e) {
    return std::string{e.what()} == "trace:1: is longer than 64 MiB, which no line of a trace is";
  });
}

BOOST_AUTO_TEST_CASE(a_long_line_is_read_across_chunks) {
  // The lines end just before, at and just after the reader's chunks of 64 KiB.
  for (const std::size_t length : {65535U, 65536U, 65537U, 131072U, 200'000U}) {
    const std::string header = bare_header + "\n";
    std::string line = event_with(R"("layers":[")");
    line.pop_back();
    line += std::string(length - header.size() - line.size() - 4, 'y') + "\"]}";
    const Trace trace = trace_in(header + line + "\n" + end_line + "\n");
    BOOST_TEST(trace.entries.size() == 2U);
    BOOST_TEST(trace.entries.at(0).layers.at(0) ==
               std::string(trace.entries.at(0).layers.at(0).size(), 'y'));
  }
}

BOOST_AUTO_TEST_CASE(an_endless_trace_is_read_as_it_comes) {
  constexpr std::int64_t chunk = std::int64_t{1} << 16U;
  std::int64_t step = -1;
  MadeText text{[&] {
    std::string lines = step < 0 ? bare_header + "\n" : std::string{};
    for (int i = 0; i < 100; ++i) {
      lines += R"({"event":"batch_end","step":)" + std::to_string(++step) + R"(,"batch":0})";
      lines += '\n';
    }
    return lines;
  }};
  std::istream in{&text};
  TraceReader reader{in};
  TraceEntry entry;
  for (std::int64_t i = 0; i < 10'000; ++i) {
    BOOST_TEST_REQUIRE(reader.next(entry));
    BOOST_TEST_REQUIRE(entry.step == i);
    BOOST_TEST_REQUIRE(text.made() - reader.bytes() <= 2 * chunk);
  }
  BOOST_TEST(reader.line() == 10'001);
}

BOOST_AUTO_TEST_CASE(two_hundred_megabytes_are_read_chunk_by_chunk) {
  // Blank, but for a line in each megabyte: reading it is to be quick.
  constexpr int megabytes = 200;
  std::string megabyte;
  while (megabyte.size() < 1'000'000 - start_line.size() - 1)
    megabyte += std::string(9999, ' ') + '\n';
  megabyte += start_line + "\n";
  MadeText text{repeated(bare_header + "\n", megabyte, megabytes, end_line)};
  std::istream in{&text};
  TraceReader reader{in};
  int count = 0;
  for (TraceEntry entry; reader.next(entry); ++count) {
    const auto ahead = text.made() - reader.bytes();
    BOOST_TEST_REQUIRE(ahead <= static_cast<std::int64_t>(megabyte.size()));
  }
  BOOST_TEST(count == megabytes + 1);
  BOOST_TEST(reader.bytes() == text.made());
  BOOST_TEST(reader.bytes() >= 200'000'000);
}

// ---- Moving -------------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(a_reader_that_is_moved_goes_on_where_it_was) {
  std::istringstream in{header_with_a + "\n" + start_line + "\n" + end_line + "\n"};
  TraceReader first{in, "a"};
  TraceEntry entry;
  BOOST_TEST(first.next(entry));
  TraceReader second{std::move(first)};
  BOOST_TEST(second.header().modifiers.size() == 1U);
  std::istringstream other{bare_header};
  TraceReader third{other, "b"};
  third = std::move(second);
  BOOST_TEST(third.name() == "a");
  BOOST_TEST(third.next(entry));
  BOOST_TEST((entry.call == takt::BusCall::batch_end));
  BOOST_TEST(!third.next(entry));
}

BOOST_AUTO_TEST_SUITE_END()
