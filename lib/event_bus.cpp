// SPDX-License-Identifier: BSL-1.0
#include "takt/event_bus.hpp"

#include <new>
#include <utility>

#include "bus_core.hpp"

namespace takt {
namespace {

/// A modifier made of a callable.
class CallableModifier final : public Modifier {
 public:
  using Hook = std::function<void(State&, const Event&)>;

  CallableModifier(std::string name, Cadence cadence, EventSet events, Hook hook)
      : Modifier{std::move(name), cadence, {.due = events}}, hook_{std::move(hook)} {}

  void on_initialize(State& state, const Event& event) override {
    if (interests().due.contains(EventType::INITIALIZE)) hook_(state, event);
  }
  void on_update(State& state, const Event& event) override { hook_(state, event); }
  void on_finalize(State& state, const Event& event) override {
    if (interests().due.contains(EventType::FINALIZE)) hook_(state, event);
  }

 private:
  Hook hook_;
};

}  // namespace

EventBus::EventBus(Event start, BusOptions options)
    : core_{std::make_unique<Core>(*this, start, options)} {}
EventBus::~EventBus() = default;

State& EventBus::state() noexcept { return core_->state; }
const State& EventBus::state() const noexcept { return core_->state; }
Event EventBus::now() const noexcept { return core_->lifecycle.snapshot(); }

void EventBus::initialize() { core_->call<EventType::INITIALIZE>(); }
void EventBus::batch_start() { core_->call<EventType::BATCH_START>(); }

void EventBus::loss_calculated(double loss) {
  core_->lifecycle.require(detail::call_for(EventType::LOSS_CALCULATED));
  core_->state.loss = loss;
  core_->call<EventType::LOSS_CALCULATED>();
}

void EventBus::optim_pre_step() { core_->call<EventType::OPTIM_PRE_STEP>(); }
void EventBus::optim_post_step() { core_->call<EventType::OPTIM_POST_STEP>(); }
void EventBus::batch_end() { core_->call<EventType::BATCH_END>(); }
void EventBus::abort_batch() { core_->abort_batch(); }
void EventBus::calibration_epoch_start() { core_->call<EventType::CALIBRATION_EPOCH_START>(); }

void EventBus::sequential_epoch_end(std::vector<std::string> layers) {
  core_->lifecycle.require(detail::call_for(EventType::SEQUENTIAL_EPOCH_END));
  core_->state.layers = std::move(layers);
  core_->call<EventType::SEQUENTIAL_EPOCH_END>();
}

void EventBus::calibration_epoch_end() { core_->call<EventType::CALIBRATION_EPOCH_END>(); }
void EventBus::abort_calibration_epoch() { core_->abort_calibration_epoch(); }
void EventBus::finalize() { core_->call<EventType::FINALIZE>(); }

void EventBus::emit(EventType type) {
  switch (type) {
    case EventType::INITIALIZE:
      return initialize();
    case EventType::FINALIZE:
      return finalize();
    case EventType::BATCH_START:
      return batch_start();
    case EventType::LOSS_CALCULATED:
      return core_->call<EventType::LOSS_CALCULATED>();
    case EventType::BATCH_END:
      return batch_end();
    case EventType::CALIBRATION_EPOCH_START:
      return calibration_epoch_start();
    case EventType::SEQUENTIAL_EPOCH_END:
      return core_->call<EventType::SEQUENTIAL_EPOCH_END>();
    case EventType::CALIBRATION_EPOCH_END:
      return calibration_epoch_end();
    case EventType::OPTIM_PRE_STEP:
      return optim_pre_step();
    case EventType::OPTIM_POST_STEP:
      return optim_post_step();
  }
  (void)to_string(type);  // throws: none of the ten
}

std::shared_ptr<Modifier> EventBus::add(std::shared_ptr<Modifier> modifier, int group) {
  return core_->add(std::move(modifier), group);
}

std::shared_ptr<Modifier> EventBus::add_callable(EventSet events, Cadence cadence,
                                                 HookFunction hook, std::string name, int group) {
  const auto add_as = [&](std::string as) {
    return core_->add(
        std::make_shared<CallableModifier>(std::move(as), cadence, events, std::move(hook)), group);
  };
  if (!name.empty()) return add_as(std::move(name));
  std::uint64_t number = 0;
  try {
    do {
      number = ++core_->unnamed;
      name = "callable " + std::to_string(number);
    } while (core_->roster.knows(name));
    return add_as(std::move(name));
  } catch (const std::bad_alloc&) {
    // Tried again, it is to have the same name, unless another has come meanwhile.
    core_->unnamed.compare_exchange_strong(number, number - 1);
    throw;
  }
}

bool EventBus::remove(std::string_view name) { return core_->remove(name); }

std::vector<std::shared_ptr<Modifier>> EventBus::modifiers() const {
  return core_->roster.snapshot();
}

std::vector<std::shared_ptr<Modifier>> EventBus::quarantined() const {
  std::vector<std::shared_ptr<Modifier>> found = core_->roster.snapshot();
  std::erase_if(found,
                [](const auto& modifier) { return modifier->phase() != Phase::quarantined; });
  return found;
}

void EventBus::on_error(std::function<void(const ModifierError&)> handler) {
  core_->on_error = std::move(handler);
}

boost::signals2::connection EventBus::connect(EventType type, const Observer& observer, At at) {
  return core_->observers.connect(type, observer, at);
}

boost::signals2::connection EventBus::connect(EventType type, int group, const Observer& observer,
                                              At at) {
  return core_->observers.connect(type, group, observer, at);
}

void EventBus::batch_start_or_abort() {
  core_->lifecycle.require(detail::call_for(EventType::BATCH_START));
  try {
    batch_start();
  } catch (...) {
    abort_open_batch();
    throw;
  }
}

void EventBus::batch_end_if_open() {
  if (!core_->lifecycle.batch_open()) return;
  try {
    batch_end();
  } catch (...) {
    abort_open_batch();
    throw;
  }
}

void EventBus::abort_open_batch() {
  if (core_->lifecycle.batch_open()) core_->abort_batch_quietly();
}

void EventBus::calibration_epoch_start_or_abort() {
  core_->lifecycle.require(detail::call_for(EventType::CALIBRATION_EPOCH_START));
  try {
    calibration_epoch_start();
  } catch (...) {
    abort_open_calibration_epoch();
    throw;
  }
}

void EventBus::calibration_epoch_end_if_open() {
  if (!core_->lifecycle.calibrating()) return;
  try {
    calibration_epoch_end();
  } catch (...) {
    abort_open_calibration_epoch();
    throw;
  }
}

void EventBus::abort_open_calibration_epoch() {
  abort_open_batch();
  if (core_->lifecycle.calibrating()) core_->abort_calibration_epoch_quietly();
}

}  // namespace takt
