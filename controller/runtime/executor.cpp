#include "controller/runtime/executor.h"

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <exception>

#include "controller/api/clock.h"
#include "controller/run/outcome.h"
#include "controller/run/recovery.h"
#include "controller/telemetry/log.h"

namespace chaos::runtime {
namespace {

namespace asio = boost::asio;
using Steady = std::chrono::steady_clock;

// What takes longer than this may take very long (a stop with its grace, a program of the user's):
// from then on it is looked that often at what has to be undone meanwhile.
constexpr Duration kMeanwhile = std::chrono::milliseconds{100};

}  // namespace

struct Executor::Flight {
    explicit Flight(const asio::any_io_executor& executor) : changed(executor) {}

    // One thing at a time with each fault.
    [[nodiscard]] bool is_busy(const std::string& id) const {
        return injecting.contains(id) || undoing.contains(id) || looking.contains(id);
    }

    std::set<std::string> injecting;
    std::set<std::string> undoing;
    std::set<std::string> looking;
    asio::steady_timer changed;
    bool over = false;
};

Task<> Executor::carry_out(run::FaultPlan plan, Run& run, Hooks hooks) {
    const auto executor = co_await asio::this_coro::executor;
    Flight flight{executor};
    TaskGroup beside{executor, on_bug_};
    beside.spawn(undo_meanwhile(run, flight, hooks));
    std::exception_ptr bug;
    try {
        co_await carry_out_in(flight, std::move(plan), run, hooks);
    } catch (...) {
        bug = std::current_exception();  // what goes on beside uses what is in here
    }
    flight.over = true;
    flight.changed.cancel();
    co_await beside.join();
    if (bug) std::rethrow_exception(bug);
}

Task<> Executor::carry_out_in(Flight& flight, run::FaultPlan plan, Run& run, const Hooks& hooks) {
    if (!plan.undo.empty()) co_await undo_all(plan.undo, run, flight);
    for (const auto& settled : plan.settle) run::note_settled(run, settled, wall_now());
    if (!plan.inject.empty()) co_await inject_all(plan.inject, run, hooks, flight);
    if (!plan.observe.empty()) co_await observe_all(plan.observe, run, hooks, flight);
    for (const auto& name : plan.start) co_await start_one(run, name);
}

void Executor::restore(const Run& run) {
    for (const auto& fault : run.faults) {
        if (fault.holds()) reconcilers_.of(fault.spec).restore(fault);
    }
}

Task<> Executor::start_one(Run& run, std::string name) {
    const auto started = co_await world_.start(name);
    auto* target = run.find_target(name);
    if (target == nullptr) co_return;
    if (started && !*started) {
        // It came by itself in the very moment, or is about to: no help of ours.
        run::note_no_rescue(*target, wall_now());
        co_return;
    }
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

Task<> Executor::undo_all(const std::vector<std::string>& ids, Run& run, Flight& flight) {
    TaskGroup tasks{co_await asio::this_coro::executor, on_bug_};
    for (const auto& id : ids) {
        flight.undoing.insert(id);
        tasks.spawn(undo_in(flight, run, id));
    }
    co_await tasks.join();
}

Task<> Executor::undo_in(Flight& flight, Run& run, std::string id) {
    co_await undo_one(run, id);
    flight.undoing.erase(id);
    if (flight.over) flight.changed.cancel();
}

Task<> Executor::undo_one(Run& run, std::string id) {
    const auto start = Steady::now();
    const FaultRecord fault = *run.find_fault(id);
    const auto effect = co_await reconcilers_.of(fault.spec).undo(fault);
    if (!run::note_undo(run, id, effect, "", wall_now())) {
        log::error(
            "undo failed, will be retried",
            {{"experiment", run.experiment}, {"fault", id}, {"error", effect.error().context}});
        co_return;
    }
    metrics_.undone(Steady::now() - start);
    log::info("fault undone", {{"experiment", run.experiment}, {"fault", id}});
}

Task<> Executor::observe_all(const std::vector<std::string>& ids, Run& run, const Hooks& hooks,
                             Flight& flight) {
    // A look puts right what is not as it should be: not what is over by now.
    const auto due = hooks.meanwhile(run);
    if (!run.stop_reason.empty()) co_return;
    TaskGroup tasks{co_await asio::this_coro::executor, on_bug_};
    for (const auto& id : ids) {
        const bool over = !run.find_fault(id)->holds() || std::ranges::find(due, id) != due.end();
        if (over || flight.is_busy(id)) continue;
        flight.looking.insert(id);
        tasks.spawn(observe_in(flight, run, id));
    }
    co_await tasks.join();
}

Task<> Executor::observe_in(Flight& flight, Run& run, std::string id) {
    co_await observe_one(run, id);
    flight.looking.erase(id);
}

Task<> Executor::observe_one(Run& run, std::string id) {
    const FaultRecord fault = *run.find_fault(id);
    const auto effect = co_await reconcilers_.of(fault.spec).observe(fault);
    run::note_observation(run, id, effect, wall_now());
    if (!effect || effect->put_back) {
        log::warning(effect ? "fault put back" : "fault cannot be observed",
                     {{"experiment", run.experiment},
                      {"fault", id},
                      {"error", effect ? "" : effect.error().context}});
    }
}

Task<> Executor::inject_all(const std::vector<run::Injection>& injections, Run& run,
                            const Hooks& hooks, Flight& flight) {
    std::set<std::string> again;
    for (const auto& injection : injections) {
        if (run::record_intent(run, injection, wall_now())) again.insert(injection.fault.id);
    }
    if (const auto saved = co_await hooks.save(run); !saved) {
        for (const auto& injection : injections) {
            const auto& id = injection.fault.id;
            run::note_unrecorded(run, id, saved.error(), again.contains(id), wall_now());
        }
        run.add_event(wall_now(), true, "JournalFailed", saved.error().context);
        log::error("nothing injected: the state store does not take records",
                   {{"experiment", run.experiment}, {"error", saved.error().context}});
        co_return;
    }
    // The disk may have taken its time, and the run may have been stopped.
    const auto due = hooks.meanwhile(run);
    TaskGroup tasks{co_await asio::this_coro::executor, on_bug_};
    for (const auto& injection : injections) {
        const auto& id = injection.fault.id;
        const bool over = !run.stop_reason.empty() || std::ranges::find(due, id) != due.end();
        if (over || flight.is_busy(id)) {
            run::note_withheld(run, id, again.contains(id));
            continue;
        }
        flight.injecting.insert(id);
        tasks.spawn(inject_in(flight, run, injection, again.contains(id)));
    }
    co_await tasks.join();
}

Task<> Executor::inject_in(Flight& flight, Run& run, run::Injection injection, bool again) {
    co_await inject_one(run, injection, again);
    flight.injecting.erase(injection.fault.id);
}

void Executor::give_up(const Flight& flight, Run& run) {
    for (const auto& id : flight.injecting) {
        const auto* fault = run.find_fault(id);
        if (fault != nullptr) reconcilers_.of(fault->spec).give_up(*fault);
    }
}

Task<> Executor::undo_meanwhile(Run& run, Flight& flight, const Hooks& hooks) {
    TaskGroup tasks{co_await asio::this_coro::executor, on_bug_};
    while (!flight.over || !flight.undoing.empty()) {
        flight.changed.expires_after(kMeanwhile);
        co_await flight.changed.async_wait(asio::as_tuple(asio::use_awaitable));
        if (flight.over && flight.undoing.empty()) break;
        hooks.progress(run);
        const auto due = hooks.meanwhile(run);
        if (!run.stop_reason.empty()) give_up(flight, run);
        for (const auto& id : due) {
            const auto* fault = run.find_fault(id);
            if (fault == nullptr) continue;
            if (flight.injecting.contains(id)) reconcilers_.of(fault->spec).give_up(*fault);
            if (flight.is_busy(id)) continue;
            flight.undoing.insert(id);
            tasks.spawn(undo_in(flight, run, id));
        }
    }
    co_await tasks.join();
}

Task<> Executor::inject_one(Run& run, run::Injection injection, bool again) {
    const auto start = Steady::now();
    const auto& id = injection.fault.id;
    if (auto* record = run.find_fault(id); is_instant(record->spec)) {
        record->injected_at = wall_now();
    }
    const FaultRecord fault = *run.find_fault(id);
    const auto effect = co_await reconcilers_.of(fault.spec).inject(fault, again);
    run::note_injection(run, injection, effect, again, wall_now());
    if (!effect) {
        log::warning(
            "injection failed",
            {{"experiment", run.experiment}, {"fault", id}, {"error", effect.error().context}});
        co_return;
    }
    metrics_.injected(Steady::now() - start);
    const auto cause = injection.cause;
    if (cause == run::Cause::kNew || cause == run::Cause::kPutBack)
        metrics_.target_hit(fault.service);
    log::info(again ? "fault confirmed" : "fault injected",
              {{"experiment", run.experiment}, {"fault", id}});
}

}  // namespace chaos::runtime
