// SPDX-License-Identifier: BSL-1.0
#include "limits.hpp"

namespace takt::bench {
namespace {

using Bound = Verdict::Bound;

/// Each workload's least time: on a busy machine the one that comes closest to what the work costs.
class Judge {
 public:
  explicit Judge(const Results& results) : results_{results}, call_{virtual_call(results)} {}

  void ratio(const std::string& what, const std::string& a, const std::string& b, Bound bound,
             double limit) {
    const Result* const over = results_.find(a);
    const Result* const under = results_.find(b);
    if (over == nullptr || under == nullptr) return;
    verdicts.push_back({what, over->least() / under->least(), bound, limit});
  }

  void virtual_calls(const std::string& name, double limit) {
    const Result* const result = results_.find(name);
    if (result == nullptr || call_ == 0.0) return;
    verdicts.push_back({name + " / virtual call", result->least() / call_, Bound::at_most, limit});
  }

  void microseconds(const std::string& what, const std::string& name, double limit) {
    const Result* const result = results_.find(name);
    if (result == nullptr) return;
    verdicts.push_back({what, result->least() / 1e3, Bound::at_most, limit});
  }

  /// What one unit of `a` costs more than one of `b`.
  void microseconds_more(const std::string& what, const std::string& a, const std::string& b,
                         double limit) {
    const Result* const over = results_.find(a);
    const Result* const under = results_.find(b);
    if (over == nullptr || under == nullptr) return;
    verdicts.push_back({what, (over->least() - under->least()) / 1e3, Bound::at_most, limit});
  }

  /// Of medians: what `a` is of `b`.
  void percent(const std::string& what, const std::string& a, const std::string& b, double limit) {
    const Result* const part = results_.find(a);
    const Result* const whole = results_.find(b);
    if (part == nullptr || whole == nullptr) return;
    verdicts.push_back({what, 100.0 * part->median() / whole->median(), Bound::at_most, limit});
  }

  /// Of something whose time is that of one.
  void millions_a_second(const std::string& what, const std::string& name, double limit) {
    const Result* const result = results_.find(name);
    if (result == nullptr) return;
    verdicts.push_back({what, 1e3 / result->least(), Bound::at_least, limit});
  }

  std::vector<Verdict> verdicts;

 private:
  const Results& results_;
  double call_;
};

}  // namespace

double virtual_call(const Results& results) {
  const Result* const loop = results.find("all_due/loop/1000");
  return loop == nullptr ? 0.0 : loop->least() / 1000.0;
}

std::vector<Verdict> judge(const Results& results) {
  Judge judge{results};
  for (const std::string idle : {"idle", "idle batch"}) {
    judge.ratio(idle + ": 100000 / 10 modifiers", idle + "/100000", idle + "/10", Bound::at_most,
                1.2);
    for (const char* const count : {"/10", "/100000"}) judge.virtual_calls(idle + count, 3.0);
  }
  for (const std::string count : {"100", "1000"}) {
    const std::string takt = "all_due/takt/" + count;
    const auto against = [&](const std::string& peer, Bound bound, double limit) {
      const std::string other = "all_due/" + peer + "/" + count;
      const std::string base = "all_due/" + count + ": ";
      if (bound == Bound::at_most) {
        judge.ratio(base + "takt / " + peer, takt, other, bound, limit);
      } else {
        judge.ratio(base + peer + " / takt", other, takt, bound, limit);
      }
    };
    against("loop", Bound::at_most, 1.5);
    against("sigc++ asking", Bound::at_least, 2.0);
    against("Signals2 asking", Bound::at_least, 5.0);
  }
  for (const std::string mixed : {"mixed steps", "mixed epochs"}) {
    judge.ratio(mixed + ": loop asking / takt", mixed + "/loop asking", mixed + "/takt",
                Bound::at_least, 100.0);
  }
  judge.virtual_calls("batch", 15.0);
  judge.ratio("observed: takt / Signals2", "observed/takt", "observed/Signals2", Bound::at_most,
              1.25);
  judge.ratio("register: takt / vector and map", "register/add", "register/vector and map",
              Bound::at_most, 2.0);
  judge.ratio("register: takt, running / vector and map", "register/add, running",
              "register/vector and map", Bound::at_most, 2.0);
  judge.microseconds("next_update: worst, in microseconds", "next_update/worst", 10.0);
  judge.ratio("plan: running / planning", "plan/running", "plan/planning", Bound::at_least, 100.0);
  judge.millions_a_second("replay: million events a second", "replay/sequence", 10.0);
  judge.microseconds_more("trace: writing an event, in microseconds", "trace/recorded",
                          "trace/not recorded", 1.0);
  judge.ratio("trace: JSON library / writing an event", "trace/JSON library, writing",
              "trace/recorded", Bound::at_least, 1.0);
  judge.ratio("trace: reading / JSON library", "trace/reading", "trace/JSON library, reading",
              Bound::at_most, 2.0);
  for (const std::string kth : {"kth 50 %", "kth 92 %", "kth 50 %, zeros", "kth 92 %, zeros"}) {
    const double limit = kth.ends_with("zeros") ? 2.0 : 5.0;
    for (const std::string peer : {"nth_element", "kthvalue"}) {
      judge.ratio(kth + ": " + peer + " / takt", kth + "/" + peer, kth + "/takt", Bound::at_least,
                  limit);
    }
  }
  judge.ratio("fake quantize: LibTorch / takt", "fake quantize/LibTorch", "fake quantize/takt",
              Bound::at_least, 4.0);
  judge.ratio("blend 131072: lerp_ / takt", "blend 131072/lerp_", "blend 131072/takt",
              Bound::at_least, 1.5);
  judge.percent("torch step: bus calls, % of medians", "torch step/bus calls",
                "torch step/LeNet-300-100", 0.1);
  return judge.verdicts;
}

}  // namespace takt::bench
