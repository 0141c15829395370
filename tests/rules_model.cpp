// SPDX-License-Identifier: BSL-1.0
#include "rules_model.hpp"

#include <algorithm>
#include <string_view>
#include <tuple>

namespace takt::test {
namespace {

constexpr std::array<std::string_view, hook_kinds> hook_names{
    "on_initialize", "on_start", "on_event", "on_update", "on_end", "on_abort", "on_finalize"};

std::string name_of(HookKind hook) {
  return std::string{hook_names.at(static_cast<std::size_t>(hook))};
}

double index_of(const Event& event, std::int64_t step) {
  return Event{.steps_per_epoch = event.steps_per_epoch, .global_step = step}.current_index();
}

bool in_window(const Cadence& cadence, double index) {
  return !(cadence.start && index < *cadence.start) && !(cadence.end && index > *cadence.end);
}

}  // namespace

std::string note(const std::string& modifier, HookKind hook, const Event& event) {
  return modifier + ' ' + name_of(hook) + ' ' + (event.type ? to_string(*event.type) : "-") + ' ' +
         std::to_string(event.global_step) + '/' + std::to_string(event.global_batch);
}

RulesModel::RulesModel(const std::vector<Script>& scripts, const Event& start, ErrorPolicy policy)
    : scripts_{scripts}, policy_{policy}, counters_{start} {}

Event RulesModel::event(std::optional<EventType> type) const {
  Event event = counters_;
  event.type = type;
  return event;
}

// ---- The calls ----------------------------------------------------------------------------------

std::string RulesModel::call(EventType type) {
  using enum EventType;
  bool emits = true;
  if (type == INITIALIZE) initialized_ = true;
  if (type == FINALIZE) closed_ = true;
  if (type == BATCH_START) {
    step_taken_ = false;
    invocations_at_batch_start_ = invocations_;
  }
  if (type == OPTIM_PRE_STEP) emits = invocations_ + 1 == counters_.invocations_per_step;
  if (type == OPTIM_POST_STEP) {
    emits = ++invocations_ == counters_.invocations_per_step;
    if (emits) {
      invocations_ = 0;
      step_taken_ = true;
    }
  }
  if (emits) emit(type);
  if (type == BATCH_END) {
    ++counters_.global_batch;
    if (step_taken_) ++counters_.global_step;
  }
  work_off_the_queue();
  if (type == FINALIZE) finished_ = true;
  return take_failures();
}

std::string RulesModel::abort_batch() {
  invocations_ = invocations_at_batch_start_;
  step_taken_ = false;
  const std::vector<MemberPointer> members = members_;
  for (const MemberPointer& member : members) {
    if (member->phase != Phase::active) continue;
    run_bare(*member, HookKind::abort, event({}));
  }
  work_off_the_queue();
  return take_failures();
}

std::string RulesModel::add(std::size_t script) {
  const MemberPointer member = join(script);
  place(member);
  if (initialized_) enter(*member);
  work_off_the_queue();
  return take_failures();
}

std::string RulesModel::remove(const std::string& name, bool& known) {
  const MemberPointer member = part(name);
  known = member != nullptr;
  if (!known) return "";
  leave(member);
  work_off_the_queue();
  return take_failures();
}

// ---- One emission -------------------------------------------------------------------------------

void RulesModel::emit(EventType type) {
  const Event now = event(type);
  torn_ = false;
  const std::vector<MemberPointer> members = members_;
  for (const MemberPointer& member : members) {
    if (member->leaving) continue;
    if (type == EventType::INITIALIZE) {
      initialize(*member, now);
    } else if (type == EventType::FINALIZE) {
      finalize(*member, now);
    } else {
      run_at(*member, now);
    }
  }
}

// Rules 2, 3, 4 and 6.
void RulesModel::run_at(Member& member, const Event& now) {
  const auto may_run = [&] { return member.phase == Phase::active && !member.leaving; };
  const Cadence& cadence = member.script->cadence;
  const EventType type = *now.type;
  const bool has_event = member.script->interests.every.contains(type);
  const bool has_update = member.script->interests.due.contains(type) && cadence.should_update(now);
  // Rule 6: a batch that ends in an exception.
  if (may_run() && torn_ && type == EventType::BATCH_END && (has_event || has_update)) {
    run_bare(member, HookKind::abort, now);
  }
  const bool opens = type == EventType::BATCH_START || type == EventType::CALIBRATION_EPOCH_START;
  if (opens && member.phase == Phase::initialized && in_window(cadence, now.current_index())) {
    if (run(member, HookKind::start, now)) {
      member.phase = Phase::active;
      member.may_end = true;
    } else if (member.phase != Phase::quarantined) {
      member.phase = Phase::ended;
    }
  }
  if (may_run() && !torn_ && has_event) run(member, HookKind::event, now);
  if (may_run() && !torn_ && has_update) run(member, HookKind::update, now);
  if (may_run() && window_closes(member, now)) end(member, now);
}

bool RulesModel::window_closes(const Member& member, const Event& now) const {
  const std::optional<double> last = member.script->cadence.end;
  if (!last) return false;
  if (now.type == EventType::CALIBRATION_EPOCH_END) return now.current_index() >= *last;
  return now.type == EventType::BATCH_END && step_taken_ &&
         index_of(now, now.global_step + 1) > *last;
}

void RulesModel::initialize(Member& member, const Event& now) {
  run(member, HookKind::initialize, now);
  if (member.phase != Phase::quarantined) member.phase = Phase::initialized;
}

// Rule 5.
void RulesModel::finalize(Member& member, const Event& now) {
  if (member.phase == Phase::active) end(member, now);
  if (member.phase == Phase::quarantined || member.phase == Phase::finalized) return;
  run(member, HookKind::finalize, now);
  if (member.phase != Phase::quarantined) member.phase = Phase::finalized;
}

void RulesModel::end(Member& member, const Event& now) {
  member.may_end = false;
  run(member, HookKind::end, now);
  if (member.phase != Phase::quarantined) member.phase = Phase::ended;
}

// ---- Hooks, and what comes of them --------------------------------------------------------------

bool RulesModel::run(Member& member, HookKind hook, const Event& now) {
  if (run_bare(member, hook, now)) return true;
  failed(member, hook, now);
  return false;
}

// False when the hook throws.
bool RulesModel::run_bare(Member& member, HookKind hook, const Event& now) {
  notes.push_back(note(member.script->name, hook, now));
  const int occurrence = member.runs.at(static_cast<std::size_t>(hook))++;
  for (const Action& action : member.script->actions) {
    if (action.hook != hook || action.occurrence != occurrence) continue;
    if (action.kind == Action::Kind::fail) return false;
    act(action);
  }
  return true;
}

void RulesModel::failed(Member& member, HookKind hook, const Event& now) {
  if (policy_ != ErrorPolicy::quarantine) {
    torn_ = policy_ == ErrorPolicy::propagate;
    failures_.push_back(member.script->name + ' ' + name_of(hook));
    return;
  }
  if (member.may_end) {
    member.may_end = false;
    run_bare(member, HookKind::abort, now);
    run_bare(member, HookKind::end, now);
  }
  member.phase = Phase::quarantined;
  notes.push_back("quarantined " + member.script->name);
}

// ---- Coming and going ---------------------------------------------------------------------------

void RulesModel::act(const Action& action) {
  const std::string& name = scripts_.at(action.which).name;
  if (action.kind == Action::Kind::remove) {
    const MemberPointer member = part(name);
    if (member) queue_.push_back({member, false});
    notes.push_back((member ? "removed " : "unknown ") + name);
    return;
  }
  if (additions_ == most_additions) return;
  if (closed_ || knows(name)) {
    notes.push_back((closed_ ? "too late for " : "taken ") + name);
    return;
  }
  ++additions_;
  queue_.push_back({join(action.which), true});
  notes.push_back("added " + name);
}

// The name is taken at once.
RulesModel::MemberPointer RulesModel::join(std::size_t script) {
  auto member = std::make_shared<Member>();
  member->script = &scripts_.at(script);
  member->sequence = sequence_++;
  named_.push_back(member);
  return member;
}

// The name is free at once.
RulesModel::MemberPointer RulesModel::part(const std::string& name) {
  const auto found = std::ranges::find_if(
      named_, [&](const MemberPointer& member) { return member->script->name == name; });
  if (found == named_.end()) return nullptr;
  MemberPointer member = *found;
  member->leaving = true;
  named_.erase(found);
  return member;
}

void RulesModel::place(const MemberPointer& member) {
  const auto order = [](const MemberPointer& other) {
    return std::tuple{other->script->group, other->sequence};
  };
  members_.insert(std::ranges::upper_bound(members_, order(member), {}, order), member);
}

void RulesModel::enter(Member& member) {
  torn_ = false;
  initialize(member, event(EventType::INITIALIZE));
}

void RulesModel::leave(const MemberPointer& member) {
  torn_ = false;
  if (member->phase != Phase::added) finalize(*member, event(EventType::FINALIZE));
  std::erase(members_, member);
}

void RulesModel::work_off_the_queue() {
  while (!queue_.empty()) {
    const Work work = queue_.front();
    queue_.erase(queue_.begin());
    if (!work.enters) {
      leave(work.member);
    } else {
      place(work.member);
      if (!work.member->leaving) enter(*work.member);
    }
  }
}

bool RulesModel::knows(const std::string& name) const {
  return std::ranges::any_of(
      named_, [&](const MemberPointer& member) { return member->script->name == name; });
}

std::vector<std::string> RulesModel::members() const {
  std::vector<MemberPointer> named = named_;
  std::ranges::sort(named, {}, [](const MemberPointer& member) {
    return std::tuple{member->script->group, member->sequence};
  });
  std::vector<std::string> texts;
  for (const MemberPointer& member : named) {
    texts.push_back(member->script->name + ' ' + to_string(member->phase));
  }
  return texts;
}

std::string RulesModel::take_failures() {
  if (failures_.empty()) return "";
  std::string text = failures_.front() + " +" + std::to_string(failures_.size() - 1);
  failures_.clear();
  return text;
}

}  // namespace takt::test
