// Carries a plan out on the world, in the order that survives a crash at any point: record → inject
// → read back → mark, and undo → read back → mark.
#pragma once

#include <functional>

#include "controller/api/run.h"
#include "controller/run/plan.h"
#include "controller/runtime/reconciler.h"
#include "controller/telemetry/metrics.h"

namespace chaos::runtime {

class Executor {
public:
    // Makes a run durable and sets its id. Nothing is injected where it fails.
    using Save = std::function<Task<Result<>>(Run&)>;

    Executor(World& world, ReconcilerTable reconcilers, TaskGroup::BugHandler on_bug,
             telemetry::Metrics& metrics)
        : world_(world),
          reconcilers_(std::move(reconcilers)),
          on_bug_(std::move(on_bug)),
          metrics_(metrics) {}

    // Undoes in parallel, then settles, then records and injects in parallel, then looks at what is
    // in force, then starts targets that did not come back. What came of it is in the run's fault
    // records, targets and events. The last save (of the marks) is the caller's.
    [[nodiscard]] Task<> carry_out(run::FaultPlan plan, Run& run, Save save);
    // Tells the reconcilers what an earlier life of the controller has left in force.
    void restore(const Run& run);

private:
    [[nodiscard]] Task<> undo_all(const std::vector<std::string>& ids, Run& run);
    [[nodiscard]] Task<> undo_one(Run& run, std::string id);
    [[nodiscard]] Task<> inject_all(const std::vector<run::Injection>& injections, Run& run,
                                    const Save& save);
    [[nodiscard]] Task<> inject_one(Run& run, run::Injection injection, bool again);
    [[nodiscard]] Task<> observe_all(const std::vector<std::string>& ids, Run& run);
    [[nodiscard]] Task<> observe_one(Run& run, std::string id);
    [[nodiscard]] Task<> start_one(Run& run, std::string name);

    World& world_;
    ReconcilerTable reconcilers_;
    TaskGroup::BugHandler on_bug_;
    telemetry::Metrics& metrics_;
};

}  // namespace chaos::runtime
