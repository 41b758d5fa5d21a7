#include "controller/runtime/executor.h"

#include <boost/asio/this_coro.hpp>
#include <set>

#include "controller/api/clock.h"
#include "controller/run/recovery.h"
#include "controller/telemetry/log.h"

namespace chaos::runtime {
namespace {

using Steady = std::chrono::steady_clock;

std::string describe(const FaultRecord& fault) {
    return std::string{type_name(fault.spec)} + " on " + fault.target;
}

void merge(FaultRecord& fault, const Effect& effect) {
    for (const auto& [key, value] : effect.evidence) fault.evidence[key] = value;
    fault.attempts = 0;
    fault.not_before.reset();
    fault.last_error.clear();
}

void note_failure(FaultRecord& fault, const Error& error, Duration cap) {
    ++fault.attempts;
    fault.last_error = error.context;
    fault.not_before = wall_now() + run::backoff(fault.attempts, cap);
}

void note_disturbance(Run& run, const FaultRecord& fault) {
    if (auto* target = run.find_target(fault.target)) run::disturb(*target, fault, wall_now());
}

// Makes the record of an injection that is about to be tried.
FaultRecord& record_intent(Run& run, const run::Injection& injection) {
    auto* record = run.find_fault(injection.fault.id);
    if (record == nullptr) {
        run.faults.push_back({.id = injection.fault.id,
                              .spec = injection.fault.fault,
                              .target = injection.fault.target,
                              .service = injection.fault.service});
        record = &run.faults.back();
    }
    record->spec = injection.fault.fault;
    record->incarnation = injection.onto;
    record->state = FaultState::kRecorded;
    record->recovered_at.reset();
    if (auto* target = run.find_target(record->target)) target->incarnation = injection.onto;
    return *record;
}

}  // namespace

Task<> Executor::carry_out(run::FaultPlan plan, Run& run, Save save) {
    if (!plan.undo.empty()) co_await undo_all(plan.undo, run);
    for (auto& settled : plan.settle) {
        auto* record = run.find_fault(settled.id);
        const bool fired = settled.state == FaultState::kFired;
        if (record != nullptr) {
            *record = std::move(settled);
        } else {
            run.faults.push_back(std::move(settled));
            record = &run.faults.back();
        }
        if (fired) note_disturbance(run, *record);
    }
    if (!plan.inject.empty()) co_await inject_all(plan.inject, run, save);
    for (const auto& name : plan.start) co_await start_one(run, name);
}

Task<> Executor::start_one(Run& run, std::string name) {
    const auto started = co_await world_.start(name);
    auto* target = run.find_target(name);
    if (target == nullptr) co_return;
    run::note_rescue(*target, started ? "" : started.error().context, wall_now());
    const auto what = started ? "started " + name + ", which did not come back by itself"
                              : "start of " + name + " failed: " + started.error().context;
    run.add_event(wall_now(), true, started ? "TargetStarted" : "StartFailed", what);
    log::warning(started ? "target started" : "target cannot be started",
                 {{"experiment", run.experiment},
                  {"target", name},
                  {"attempt", std::to_string(target->rescues)},
                  {"error", target->rescue_error}});
}

Task<> Executor::undo_all(const std::vector<std::string>& ids, Run& run) {
    TaskGroup tasks{co_await boost::asio::this_coro::executor, on_bug_};
    for (const auto& id : ids) tasks.spawn(undo_one(run, id));
    co_await tasks.join();
}

Task<> Executor::undo_one(Run& run, std::string id) {
    const auto start = Steady::now();
    const FaultRecord fault = *run.find_fault(id);
    const auto effect = co_await reconcilers_(fault.spec).undo(fault);
    auto& record = *run.find_fault(id);
    if (!effect && effect.error().code != ErrorCode::kNotFound) {
        note_failure(record, effect.error(), run::kUndoBackoffCap);
        run.add_event(wall_now(), true, "UndoFailed", effect.error().context);
        log::error(
            "undo failed, will be retried",
            {{"experiment", run.experiment}, {"fault", id}, {"error", effect.error().context}});
        co_return;
    }
    metrics_.undone(Steady::now() - start);
    record.state = effect ? FaultState::kUndone : FaultState::kVanished;
    record.recovered_at = effect ? effect->at : wall_now();
    if (effect) merge(record, *effect);
    note_disturbance(run, record);
    run.add_event(wall_now(), false, effect ? "FaultUndone" : "TargetVanished",
                  (effect ? "undid " : "nothing left to undo: ") + describe(record));
    log::info("fault undone", {{"experiment", run.experiment}, {"fault", id}});
}

Task<> Executor::inject_all(const std::vector<run::Injection>& injections, Run& run,
                            const Save& save) {
    std::set<std::string> again;
    for (const auto& injection : injections) {
        const auto* known = run.find_fault(injection.fault.id);
        if (known != nullptr && known->holds() && known->incarnation == injection.onto) {
            again.insert(injection.fault.id);
        }
        auto& record = record_intent(run, injection);
        // The clock of a kill starts here: nothing between this and the signal takes long.
        if (is_instant(record.spec)) record.injected_at = wall_now();
    }
    if (const auto saved = co_await save(run); !saved) {
        for (const auto& injection : injections) {
            auto& record = *run.find_fault(injection.fault.id);
            record.state = FaultState::kFailed;
            record.injected_at.reset();
            note_failure(record, saved.error(), run::kInjectBackoffCap);
        }
        run.add_event(wall_now(), true, "JournalFailed", saved.error().context);
        log::error("nothing injected: the state store does not take records",
                   {{"experiment", run.experiment}, {"error", saved.error().context}});
        co_return;
    }
    TaskGroup tasks{co_await boost::asio::this_coro::executor, on_bug_};
    for (const auto& injection : injections) {
        const auto& id = injection.fault.id;
        tasks.spawn(inject_one(run, id, again.contains(id)));
    }
    co_await tasks.join();
}

Task<> Executor::inject_one(Run& run, std::string id, bool again) {
    const auto start = Steady::now();
    if (auto* record = run.find_fault(id); is_instant(record->spec))
        record->injected_at = wall_now();
    const FaultRecord fault = *run.find_fault(id);
    const auto effect = co_await reconcilers_(fault.spec).inject(fault, again);
    auto& record = *run.find_fault(id);
    if (!effect) {
        const auto code = effect.error().code;
        note_failure(record, effect.error(), run::kInjectBackoffCap);
        // kUnavailable: nobody knows whether it is in force; the record stays as it is.
        if (code != ErrorCode::kUnavailable) {
            record.state = FaultState::kFailed;
            record.injected_at.reset();
        }
        if (code == ErrorCode::kConflict || code == ErrorCode::kInvalid) record.not_before.reset();
        run.add_event(wall_now(), true, "InjectionFailed", effect.error().context);
        log::warning(
            "injection failed",
            {{"experiment", run.experiment}, {"fault", id}, {"error", effect.error().context}});
        co_return;
    }
    metrics_.injected(Steady::now() - start);
    metrics_.target_hit(record.service);
    record.state = is_instant(record.spec) ? FaultState::kFired : FaultState::kInjected;
    record.injected_at = effect->at;
    merge(record, *effect);
    if (record.state == FaultState::kFired) note_disturbance(run, record);
    run.add_event(wall_now(), false, "FaultInjected", "injected " + describe(record));
    log::info("fault injected", {{"experiment", run.experiment}, {"fault", id}});
}

}  // namespace chaos::runtime
