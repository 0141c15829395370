// SPDX-License-Identifier: BSL-1.0
#include "report.hpp"

#include <algorithm>
#include <iomanip>

#include "limits.hpp"
#include "workload.hpp"

namespace takt::bench {
namespace {

constexpr int name_width = 42;

/// Three significant digits or so.
void number(std::ostream& out, double value, int width) {
  const int digits = value < 0.1 ? 4 : value < 10.0 ? 2 : value < 1000.0 ? 1 : 0;
  out << std::setw(width) << std::fixed << std::setprecision(digits) << value;
}

void heading(std::ostream& out, const char* what, const char* first, const char* second,
             const char* third) {
  out << '\n'
      << std::left << std::setw(name_width) << what << std::right << std::setw(12) << first
      << std::setw(12) << second << third << '\n'
      << std::string(80, '-') << '\n';
}

/// Broken at spaces into lines of less than 80 columns.
void indented(std::ostream& out, const std::string& text) {
  constexpr std::size_t width = 74;
  for (std::size_t at = 0; at < text.size();) {
    std::size_t end = text.size();
    if (end - at > width) end = text.rfind(' ', at + width);
    out << "    " << text.substr(at, end - at) << '\n';
    at = end + 1;
  }
}

void times(const Results& results, std::ostream& out) {
  heading(out, "workload", "least ns", "median ns", "  for one");
  std::string family;
  for (const std::string& name : workload_names()) {
    const Result* const found = results.find(name);
    if (found == nullptr || found->counters.contains("bus_bytes")) continue;
    const Result& result = *found;
    const std::string its_family = result.name.substr(0, result.name.find('/'));
    if (!family.empty() && its_family != family) out << '\n';
    family = its_family;
    out << std::left << std::setw(name_width) << result.name << std::right;
    number(out, result.least(), 12);
    number(out, result.median(), 12);
    out << "  " << result.unit << '\n';
    indented(out, result.remark);
  }
}

void memory(const Results& results, std::ostream& out) {
  const Result* const found = results.find("register/memory");
  if (found == nullptr) return;
  out << "\nA registered modifier takes " << std::setprecision(0) << found->counters.at("bus_bytes")
      << " bytes on the bus, and " << found->counters.at("own_bytes") << " of its own.\n";
}

}  // namespace

bool report(const Results& results, std::ostream& out) {
  times(results, out);
  memory(results, out);

  const double call = virtual_call(results);
  if (call > 0.0) {
    out << "One virtual call is one of the plain loop's over 1000 that do not ask: "
        << std::setprecision(2) << call << " ns.\n";
  }
  if (results.find("mixed steps/loop asking") != nullptr) {
    out << "* mixed: takt runs all 100000 batches, those that ask run every 97th of them.\n";
  }

  const std::vector<Verdict> verdicts = judge(results);
  if (verdicts.empty()) return true;
  heading(out, "ratio of least times", "measured", "limit", "");
  for (const Verdict& verdict : verdicts) {
    out << std::left << std::setw(name_width) << verdict.what << std::right;
    number(out, verdict.value, 12);
    out << std::setw(6) << (verdict.bound == Verdict::Bound::at_most ? "<=" : ">=");
    number(out, verdict.limit, 6);
    out << "  " << (verdict.holds() ? "holds" : "MISSED") << '\n';
  }
  return std::ranges::all_of(verdicts, &Verdict::holds);
}

}  // namespace takt::bench
