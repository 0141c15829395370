// SPDX-License-Identifier: BSL-1.0
#include "rules_model.hpp"

#include <algorithm>
#include <limits>
#include <string_view>
#include <tuple>
#include <utility>

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

std::string counters_text(const Event& event) {
  return std::to_string(event.global_step) + '/' + std::to_string(event.global_batch);
}

bool in_window(const Cadence& cadence, double index) {
  return !(cadence.start && index < *cadence.start) && !(cadence.end && index > *cadence.end);
}

}  // namespace

std::string note(const std::string& modifier, HookKind hook, const Event& event) {
  return modifier + ' ' + name_of(hook) + ' ' + (event.type ? to_string(*event.type) : "-") + ' ' +
         counters_text(event);
}

std::string observer_note(const char* when, const Event& event) {
  return std::string{when} + ' ' + to_string(*event.type) + ' ' + counters_text(event);
}

RulesModel::RulesModel(const std::vector<Script>& scripts, const Event& start, BusOptions options,
                       Observed observed)
    : scripts_{scripts}, options_{options}, observed_{observed}, counters_{start} {}

Event RulesModel::event(std::optional<EventType> type) const {
  Event event = counters_;
  event.type = type;
  return event;
}

// ---- The calls ----------------------------------------------------------------------------------

bool RulesModel::accepts(BusCall call) const {
  constexpr std::int64_t most = std::numeric_limits<std::int64_t>::max();
  const bool between_batches = initialized_ && !closed_ && !batch_open_;
  const bool between_steps = batch_open_ && !step_open_;
  const bool may_step =
      between_steps && (!step_taken_ || options_.order == OrderPolicy::several_steps);
  switch (call) {
    case BusCall::initialize:
      return !initialized_;
    case BusCall::batch_start:  // which counts on
      return between_batches && counters_.global_step < most && counters_.global_batch < most;
    case BusCall::loss_calculated:
    case BusCall::optim_pre_step:
      return may_step;
    case BusCall::optim_post_step:
      return step_open_;
    case BusCall::batch_end:
      return between_steps;
    case BusCall::abort_batch:
      return batch_open_;
    case BusCall::calibration_epoch_start:
    case BusCall::finalize:
      return between_batches && !calibrating_;
    case BusCall::sequential_epoch_end:
    case BusCall::calibration_epoch_end:
    case BusCall::abort_calibration_epoch:
      return between_batches && calibrating_;
  }
  return false;
}

std::string RulesModel::call(BusCall call) {
  work_off_the_queue();
  const std::optional<EventType> type = event_of(call);
  if (type) {
    if (enter(*type)) emit(*type);
  } else if (call == BusCall::abort_batch) {
    abort_active();
  } else {
    calibrating_ = false;
  }
  if (type == EventType::BATCH_END) {
    ++counters_.global_batch;
    if (step_taken_) ++counters_.global_step;
  }
  work_off_the_queue();
  return take_failures();
}

// Whether it emits: of the optimizer's pairs, only the last of `invocations_per_step`.
bool RulesModel::enter(EventType type) {
  switch (type) {
    case EventType::INITIALIZE:
      initialized_ = true;
      break;
    case EventType::FINALIZE:
      closed_ = true;
      break;
    case EventType::BATCH_START:
      batch_open_ = true;
      step_taken_ = false;
      invocations_at_batch_start_ = invocations_;
      break;
    case EventType::BATCH_END:
      batch_open_ = false;
      break;
    case EventType::CALIBRATION_EPOCH_START:
      calibrating_ = true;
      break;
    case EventType::CALIBRATION_EPOCH_END:
      calibrating_ = false;
      break;
    case EventType::OPTIM_PRE_STEP:
      step_open_ = true;
      return invocations_ + 1 == counters_.invocations_per_step;
    case EventType::OPTIM_POST_STEP:
      step_open_ = false;
      if (++invocations_ < counters_.invocations_per_step) return false;
      invocations_ = 0;
      step_taken_ = true;
      break;
    case EventType::LOSS_CALCULATED:
    case EventType::SEQUENTIAL_EPOCH_END:
      break;
  }
  return true;
}

void RulesModel::abort_active() {
  batch_open_ = step_open_ = step_taken_ = false;
  invocations_ = invocations_at_batch_start_;
  const std::vector<MemberPointer> members = members_;
  for (const MemberPointer& member : members) {
    if (member->phase == Phase::active) run_bare(*member, HookKind::abort, event({}));
  }
}

void RulesModel::leave_batch() {
  if (batch_open_) abort_active();
}

void RulesModel::leave_calibration_epoch() {
  leave_batch();
  calibrating_ = false;
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
  const auto waits = [&](const Work& work) { return work.enters && work.member == member; };
  if (std::erase_if(queue_, waits) > 0) return "";  // it has never been there
  leave(member);
  work_off_the_queue();
  return take_failures();
}

// ---- One emission -------------------------------------------------------------------------------

void RulesModel::emit(EventType type) {
  const Event now = event(type);
  torn_ = false;
  observe("before", observed_.before_fails, now);
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
  observe("after", observed_.after_fails, now);
}

void RulesModel::observe(const char* when, EventSet failing, const Event& now) {
  if (!observed_.types.contains(*now.type)) return;
  notes.push_back(observer_note(when, now));
  if (failing.contains(*now.type)) observer_failed_ = true;
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
  if (options_.errors != ErrorPolicy::quarantine) {
    torn_ = options_.errors == ErrorPolicy::propagate;
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
  if (action.kind == Action::Kind::call) {
    notes.push_back("refused " + to_string(static_cast<BusCall>(action.which)));
    return;
  }
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
    } else if (!work.member->leaving) {
      place(work.member);
      enter(*work.member);
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
  const bool observer_failed = std::exchange(observer_failed_, false);
  const std::vector<std::string> failures = std::exchange(failures_, {});
  if (failures.empty()) return observer_failed ? "observer" : "";
  const std::size_t further = failures.size() - 1 + (observer_failed ? 1 : 0);
  return failures.front() + " +" + std::to_string(further);
}

}  // namespace takt::test
