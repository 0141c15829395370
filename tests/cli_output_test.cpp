// SPDX-License-Identifier: BSL-1.0
// The files that the program writes.
#include <unistd.h>

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "cli_run.hpp"
#include "scratch_folder.hpp"

namespace {

namespace fs = std::filesystem;

using takt::test::check_refused;
using takt::test::content_of;
using takt::test::has;
using takt::test::Outcome;
using takt::test::recorded_text;
using takt::test::run_takt;
using takt::test::ScratchFolder;

const std::vector<std::string> formats{"--svg", "--html", "--chrome"};

std::vector<std::string> names_in(const fs::path& folder) {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator{folder}) {
    names.push_back(entry.path().filename().string());
  }
  std::ranges::sort(names);
  return names;
}

Outcome view(const std::vector<std::string>& args) {
  std::vector<std::string> all{"view", "-"};
  all.insert(all.end(), args.begin(), args.end());
  return run_takt(all, recorded_text(8));
}

}  // namespace

BOOST_AUTO_TEST_SUITE(cli_output)

BOOST_AUTO_TEST_CASE(every_file_that_is_asked_for_is_written_and_told_of) {
  const ScratchFolder folder;
  const std::string svg = (folder.path() / "run.svg").string();
  const std::string html = (folder.path() / "run.html").string();
  const std::string chrome = (folder.path() / "run.json").string();
  const Outcome outcome = view({"--svg", svg, "--html", html, "--chrome", chrome});
  BOOST_TEST(outcome.code == 0);
  BOOST_TEST(outcome.err.empty(), outcome.err);
  BOOST_TEST(outcome.out.starts_with("wrote " + svg + "\nwrote " + html + "\nwrote " + chrome +
                                     "\nstandard input: 8 steps"),
             outcome.out);
  BOOST_TEST(has(content_of(svg), "<svg "));
  BOOST_TEST(has(content_of(svg), "standard input"));
  BOOST_TEST(has(content_of(html), "<!DOCTYPE html>"));
  const auto json = nlohmann::json::parse(content_of(chrome), nullptr, false);
  BOOST_TEST(!json.is_discarded());
  BOOST_TEST(!json["traceEvents"].empty());
  BOOST_TEST(
      (names_in(folder.path()) == std::vector<std::string>{"run.html", "run.json", "run.svg"}));
}

BOOST_AUTO_TEST_CASE(a_plan_is_drawn_too) {
  const ScratchFolder folder;
  const std::string recipe =
      folder.file("a.yaml", "modifiers: [ConstantPruningModifier: {}]\n").string();
  const std::string svg = (folder.path() / "a.svg").string();
  const std::string html = (folder.path() / "a.html").string();
  const Outcome outcome = run_takt({"plan", recipe, "--steps", "9", "--svg", svg, "--html", html});
  BOOST_TEST(outcome.code == 0);
  BOOST_TEST(has(content_of(svg), "ConstantPruningModifier"));
  BOOST_TEST(has(content_of(html), "ConstantPruningModifier"));
}

BOOST_AUTO_TEST_CASE(a_file_that_is_there_is_replaced) {
  const ScratchFolder folder;
  for (const std::string& format : formats) {
    const std::string file = folder.file("out", "before").string();
    BOOST_TEST(view({format, file}).code == 0);
    BOOST_TEST(!content_of(file).starts_with("before"));
    BOOST_TEST(content_of(file).size() > 100U);
  }
}

BOOST_AUTO_TEST_CASE(a_folder_that_is_not_there_or_is_the_file_is_refused) {
  const ScratchFolder folder;
  for (const std::string& format : formats) {
    check_refused(view({format, "/no/such/folder/out"}),
                  {"/no/such/folder/out", "can't be written", "No such file"});
    check_refused(view({format, folder.path().string()}), {"is a folder", "file"});
    check_refused(view({format, ""}), {format, "names no file"});
    check_refused(view({format, "-"}), {format, "name of a file"});
    check_refused(view({format}), {format});
  }
  BOOST_TEST(names_in(folder.path()).empty());
}

BOOST_AUTO_TEST_CASE(a_folder_that_may_not_be_written_is_told) {
  if (geteuid() == 0) return;  // who may do everything
  const ScratchFolder folder;
  fs::create_directory(folder.path() / "locked");
  fs::permissions(folder.path() / "locked", fs::perms::owner_read | fs::perms::owner_exec);
  check_refused(view({"--svg", (folder.path() / "locked" / "out").string()}), {"ermission denied"});
}

BOOST_AUTO_TEST_CASE(a_full_disk_is_told) {
  if (!fs::exists("/dev/full")) return;
  for (const std::string& format : formats) {
    const Outcome outcome = view({format, "/dev/full"});
    check_refused(outcome, {"/dev/full can't be written"});
  }
}

BOOST_AUTO_TEST_CASE(the_file_that_is_read_is_not_overwritten) {
  const ScratchFolder folder;
  const std::string trace = recorded_text(8);
  const std::string file = folder.file("run.jsonl", trace).string();
  const std::string same = (folder.path() / "." / "run.jsonl").string();
  for (const std::string& format : formats) {
    check_refused(run_takt({"view", file, format, same}), {format, "is what is read"});
  }
  BOOST_TEST(content_of(file) == trace);
  const std::string recipe =
      folder.file("a.yaml", "modifiers: [ConstantPruningModifier: {}]\n").string();
  for (const char* const command : {"plan", "view"}) {
    check_refused(run_takt({command, recipe, "--steps", "9", "--svg", recipe}),
                  {"--svg", "is what is read"});
  }
}

BOOST_AUTO_TEST_CASE(what_is_bad_input_leaves_the_old_file) {
  const ScratchFolder folder;
  for (const std::string& format : formats) {
    const std::string file = folder.file("out", "before").string();
    const Outcome outcome =
        run_takt({"view", "-", format, file}, recorded_text(8) + "{\"event\":\n");
    check_refused(outcome, {"standard input:"});
    BOOST_TEST(content_of(file) == "before");
    BOOST_TEST(names_in(folder.path()) == std::vector<std::string>{"out"});
  }
}

BOOST_AUTO_TEST_SUITE_END()
