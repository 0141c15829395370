// SPDX-License-Identifier: BSL-1.0
#include "terminal.hpp"

#include <boost/test/unit_test.hpp>
#include <iostream>
#include <sstream>
#include <string>
#include <takt/modifiers/progress.hpp>
#include <takt/takt.hpp>

#if defined(__unix__) || defined(__APPLE__)
#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <array>
#include <cstdlib>

namespace {

/// A terminal of its own in the place of standard error, while it lives.
class TerminalAsStandardError {
 public:
  TerminalAsStandardError() : master_{posix_openpt(O_RDWR | O_NOCTTY)} {
    if (master_ < 0 || grantpt(master_) != 0 || unlockpt(master_) != 0) return;
    const int slave = open(ptsname(master_), O_RDWR | O_NOCTTY);
    if (slave < 0) return;
    before_ = dup(STDERR_FILENO);
    dup2(slave, STDERR_FILENO);
    close(slave);
  }
  TerminalAsStandardError(const TerminalAsStandardError&) = delete;
  TerminalAsStandardError& operator=(const TerminalAsStandardError&) = delete;
  ~TerminalAsStandardError() {
    if (before_ >= 0) {
      dup2(before_, STDERR_FILENO);
      close(before_);
    }
    if (master_ >= 0) close(master_);
  }

  bool works() const { return before_ >= 0; }
  void resize(unsigned short columns) const {
    winsize size{};
    size.ws_row = 24;
    size.ws_col = columns;
    ioctl(master_, TIOCSWINSZ, &size);
  }
  /// What has been written to it, to the end of the first line. The system hands it over bit by
  /// bit; where nothing more comes for long, what has come.
  std::string read_line() const {
    std::string line;
    std::array<char, 4096> buffer{};
    pollfd more{master_, POLLIN, 0};
    while (line.find('\n') == std::string::npos && poll(&more, 1, 10'000) == 1) {
      const auto size = read(master_, buffer.data(), buffer.size());
      if (size <= 0) break;
      line.append(buffer.data(), static_cast<std::size_t>(size));
    }
    return line;
  }

 private:
  int master_;
  int before_ = -1;
};

}  // namespace
#endif

BOOST_AUTO_TEST_SUITE(terminal)

BOOST_AUTO_TEST_CASE(a_stream_in_memory_writes_to_no_terminal) {
  const std::ostringstream stream;
  BOOST_TEST(!takt::detail::terminal_columns(stream));
}

#if defined(__unix__) || defined(__APPLE__)
BOOST_AUTO_TEST_CASE(a_terminal_tells_its_width_as_it_is_now) {
  const TerminalAsStandardError terminal;
  if (!terminal.works()) {
    BOOST_TEST_MESSAGE("no terminal can be made here");
    return;
  }
  terminal.resize(57);
  const auto on_cerr = takt::detail::terminal_columns(std::cerr);
  terminal.resize(31);
  const auto on_clog = takt::detail::terminal_columns(std::clog);
  terminal.resize(0);
  const auto untold = takt::detail::terminal_columns(std::cerr);
  BOOST_TEST((on_cerr == 57));
  BOOST_TEST((on_clog == 31));
  BOOST_TEST((untold == takt::detail::usual_columns));
}

BOOST_AUTO_TEST_CASE(progress_is_a_bar_on_a_terminal_and_fits_it) {
  std::string drawn;
  {
    const TerminalAsStandardError terminal;
    if (!terminal.works()) {
      BOOST_TEST_MESSAGE("no terminal can be made here");
      return;
    }
    terminal.resize(40);
    takt::EventBus bus;
    bus.emplace<takt::ProgressModifier>(takt::ProgressSettings{.total_steps = 1});
    bus.initialize();
    bus.batch([](takt::Batch& batch) { batch.step([] {}); });
    bus.finalize();
    drawn = terminal.read_line();
  }
  const std::string first = drawn.substr(0, drawn.find('\r', 1));
  BOOST_TEST(first == "\r  0% [              ]  0/1  ETA -:--:--");
  BOOST_TEST(drawn.find("100% [====") != std::string::npos);
}
#endif

BOOST_AUTO_TEST_SUITE_END()
