// Stress faults: one stressor process a fault and life of a container, in that container's control
// groups. What it is to do is changed in place; what it holds the kernel frees when it ends.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "controller/runtime/reconciler.h"
#include "controller/runtime/worker.h"
#include "reconcilers/stress/evidence.h"
#include "reconcilers/stress/stressor.h"

namespace chaos::stress {

class StressReconciler : public runtime::Reconciler {
public:
    // `program`: chaos-stressor.
    StressReconciler(std::string program, Keeper keeper);

    [[nodiscard]] Task<Result<Effect>> inject(const FaultRecord& record, bool again) override;
    [[nodiscard]] Task<Result<Effect>> undo(const FaultRecord& record) override;
    [[nodiscard]] Task<Result<Effect>> observe(const FaultRecord& record) override;
    void restore(const FaultRecord& record) override { known_.insert(record.uid); }

    // Ends what an earlier life of this controller has left and no fault is known of; after
    // restore(). Answers how many.
    [[nodiscard]] Task<int> sweep();

private:
    struct Running {
        Stressor stressor;
        Cgroup cgroup;
        Look first;
        Look before;
    };
    using RunningPtr = std::shared_ptr<Running>;

    // Finds, once in the life of this controller, what was started before it.
    [[nodiscard]] Task<Result<>> find_left();
    // The stressor of that fault in that life, alive; null where there is none.
    [[nodiscard]] Task<Result<RunningPtr>> find(FaultRecord record);
    [[nodiscard]] RunningPtr take_left(const FaultRecord& record);
    [[nodiscard]] Task<Result<RunningPtr>> launch(FaultRecord record);
    [[nodiscard]] Task<Result<>> wait_until_ready(RunningPtr running);
    // With the orders that the record wants: the one that runs, changed in place, or a new one.
    [[nodiscard]] Task<Result<RunningPtr>> bring(FaultRecord record);
    [[nodiscard]] Task<Result<>> command(RunningPtr running, FaultRecord record);
    // Kills it and sees it end; false where it does not.
    [[nodiscard]] Task<bool> end(RunningPtr running);
    // Reaps those that have ended, whatever has become of their faults.
    void reap();

    Program program_;
    Keeper keeper_;
    std::map<std::string, RunningPtr> running_;  // by the fault's uid
    // When the fault began in that life, whatever has become of its stressor since.
    struct Beginning {
        Purpose purpose;
        Look look;
    };
    std::map<std::string, Beginning> beginnings_;  // by the fault's uid
    std::vector<RunningPtr> ending_;
    std::vector<Stressor> left_;
    bool looked_ = false;
    std::set<std::string> known_;
    // What may block (a file system of the container's), and what must not wait for that.
    runtime::Worker files_{4};
    runtime::Worker finder_;
};

}  // namespace chaos::stress
