// Carries a plan out on the world, in the order that survives a crash at any point: record → inject
// → read back → mark, and undo → read back → mark.
#pragma once

#include <functional>
#include <set>
#include <string>
#include <vector>

#include "controller/api/run.h"
#include "controller/run/plan.h"
#include "controller/runtime/reconciler.h"
#include "controller/telemetry/metrics.h"

namespace chaos::runtime {

class Executor {
public:
    struct Hooks {
        // Makes a run durable and sets its id. Nothing is injected where it fails.
        std::function<Task<Result<>>(Run&)> save;
        // Asked while a plan is carried out, which may take long: the faults that have to be undone
        // by now. Sets the run's stop reason where there is one, and nothing more is injected then.
        std::function<std::vector<std::string>(Run&)> meanwhile;
        // Where it does take long: how far it has come.
        std::function<void(const Run&)> progress;
    };

    Executor(World& world, ReconcilerTable reconcilers, TaskGroup::BugHandler on_bug,
             telemetry::Metrics& metrics)
        : world_(world), reconcilers_(reconcilers), on_bug_(std::move(on_bug)), metrics_(metrics) {}

    // Undoes in parallel, then settles, then records and injects in parallel, then looks at what is
    // in force, then starts targets that did not come back. Nothing of that keeps another fault
    // from being undone in time. What came of it is in the run's fault records, targets and events.
    // The last save (of the marks) is the caller's.
    [[nodiscard]] Task<> carry_out(run::FaultPlan plan, Run& run, Hooks hooks);
    // Tells the reconcilers what an earlier life of the controller has left in force.
    void restore(const Run& run);

private:
    // What is under way, and what tells that nothing is any more.
    struct Flight;

    [[nodiscard]] Task<> undo_all(const std::vector<std::string>& ids, Run& run, Flight& flight);
    [[nodiscard]] Task<> undo_one(Run& run, std::string id);
    [[nodiscard]] Task<> carry_out_in(Flight& flight, run::FaultPlan plan, Run& run,
                                      const Hooks& hooks);
    [[nodiscard]] Task<> inject_all(const std::vector<run::Injection>& injections, Run& run,
                                    const Hooks& hooks, Flight& flight);
    [[nodiscard]] Task<> undo_meanwhile(Run& run, Flight& flight, const Hooks& hooks);
    [[nodiscard]] Task<> undo_in(Flight& flight, Run& run, std::string id);
    void give_up(const Flight& flight, Run& run);
    [[nodiscard]] Task<> inject_one(Run& run, run::Injection injection, bool again);
    [[nodiscard]] Task<> inject_in(Flight& flight, Run& run, run::Injection injection, bool again);
    [[nodiscard]] Task<> observe_all(const std::vector<std::string>& ids, Run& run,
                                     const Hooks& hooks, Flight& flight);
    [[nodiscard]] Task<> observe_in(Flight& flight, Run& run, std::string id);
    [[nodiscard]] Task<> observe_one(Run& run, std::string id);
    [[nodiscard]] Task<> start_one(Run& run, std::string name);

    World& world_;
    ReconcilerTable reconcilers_;
    TaskGroup::BugHandler on_bug_;
    telemetry::Metrics& metrics_;
};

}  // namespace chaos::runtime
