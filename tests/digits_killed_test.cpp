// SPDX-License-Identifier: BSL-1.0
// The digits example, killed at random moments and resumed, ends as if it never had been.
#include <boost/test/unit_test.hpp>

#if !defined(__unix__) && !defined(__APPLE__)

BOOST_AUTO_TEST_SUITE(digits_killed)

BOOST_AUTO_TEST_CASE(nothing_is_killed_on_this_system) {
  BOOST_TEST_MESSAGE("there is no fork here");
  BOOST_TEST(true);
}

BOOST_AUTO_TEST_SUITE_END()

#else

#include <fcntl.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "scratch_folder.hpp"
#include "takt/trace.hpp"

namespace {

using Clock = std::chrono::steady_clock;

constexpr int kills = 100;

/// The example in a process of its own: 4 epochs of 44 steps, a checkpoint after every fifth.
class Digits {
 public:
  explicit Digits(const std::filesystem::path& folder) {
    const std::vector<std::string> words{TAKT_DIGITS,
                                         "--only-pruned",
                                         "--epochs",
                                         "4",
                                         "--checkpoints",
                                         (folder / "checkpoints").string(),
                                         "--every",
                                         "5",
                                         "--resume",
                                         "--trace",
                                         (folder / "trace.jsonl").string(),
                                         "--save",
                                         (folder / "weights").string()};
    std::vector<char*> arguments;
    for (const std::string& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
    arguments.push_back(nullptr);
    process_ = fork();
    BOOST_TEST_REQUIRE(process_ >= 0);
    if (process_ != 0) return;
    const int nowhere = open("/dev/null", O_WRONLY);
    dup2(nowhere, STDOUT_FILENO);
    dup2(nowhere, STDERR_FILENO);
    execv(TAKT_DIGITS, arguments.data());
    _exit(127);
  }
  ~Digits() {
    if (process_ > 0) (void)is_killed();
  }
  Digits(const Digits&) = delete;
  Digits& operator=(const Digits&) = delete;

  /// False when it has come to its end before.
  [[nodiscard]] bool is_killed() {
    kill(process_, SIGKILL);
    const int status = end();
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
  }

  [[nodiscard]] bool succeeds() {
    const int status = end();
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
  }

 private:
  int end() {
    int status = 0;
    BOOST_TEST_REQUIRE(waitpid(process_, &status, 0) == process_);
    process_ = 0;
    return status;
  }

  pid_t process_ = 0;
};

std::string bytes_of(const std::filesystem::path& file) {
  std::ifstream in{file, std::ios::binary};
  return {std::istreambuf_iterator<char>{in}, {}};
}

/// What happened, times apart.
std::string events_of(const std::filesystem::path& file) {
  std::ostringstream out;
  takt::write_trace(takt::read_trace(file), out, false);
  return std::move(out).str();
}

}  // namespace

BOOST_AUTO_TEST_SUITE(digits_killed)

BOOST_AUTO_TEST_CASE(
    a_hundred_runs_that_are_killed_and_resumed_end_with_the_same_weights_and_trace) {
  const takt::test::ScratchFolder whole;
  const Clock::time_point began = Clock::now();
  BOOST_TEST_REQUIRE(Digits{whole.path()}.succeeds());
  const Clock::duration length = Clock::now() - began;
  const std::string weights = bytes_of(whole.path() / "weights");
  const std::string events = events_of(whole.path() / "trace.jsonl");
  BOOST_TEST_REQUIRE(!weights.empty());

  std::mt19937 random{20'261'127};  // NOLINT(cert-msc51-cpp): a test
  std::uniform_int_distribution<Clock::rep> moment{0, length.count()};
  int killed = 0;
  int resumed = 0;
  for (int tries = 0; killed < kills; ++tries) {
    BOOST_TEST_REQUIRE(tries < 10 * kills);
    const takt::test::ScratchFolder folder;
    {
      Digits run{folder.path()};
      // Not to wait for anything: a moment at random is what is tested.
      std::this_thread::sleep_for(Clock::duration{moment(random)});
      if (!run.is_killed()) continue;
    }
    ++killed;
    std::error_code none_yet;
    const auto saved = std::filesystem::directory_iterator{folder.path() / "checkpoints", none_yet};
    if (!none_yet && saved != std::filesystem::directory_iterator{}) ++resumed;
    BOOST_TEST_REQUIRE(Digits{folder.path()}.succeeds());
    BOOST_TEST_REQUIRE((bytes_of(folder.path() / "weights") == weights));
    BOOST_TEST_REQUIRE((events_of(folder.path() / "trace.jsonl") == events));
  }
  BOOST_TEST(resumed > kills / 4);
  BOOST_TEST_MESSAGE(resumed << " of " << kills << " had a checkpoint to go on from");
}

BOOST_AUTO_TEST_SUITE_END()

#endif
