// Faults of a container's life: kill, pause, stop, restart, remove, and kills inside it.
#pragma once

#include "controller/docker/engine.h"
#include "controller/runtime/reconciler.h"

namespace chaos::container {

class ContainerReconciler : public runtime::Reconciler {
public:
    explicit ContainerReconciler(docker::Engine& engine) : engine_(engine) {}

    [[nodiscard]] Task<Result<Effect>> inject(const FaultRecord& record, bool again) override;
    [[nodiscard]] Task<Result<Effect>> undo(const FaultRecord& record) override;
    // Docker's events tell what becomes of these.
    [[nodiscard]] Task<Result<Effect>> observe(const FaultRecord& record) override;
    void restore(const FaultRecord& /*record*/) override {}

private:
    [[nodiscard]] Task<Result<Effect>> kill(FaultRecord record);
    [[nodiscard]] Task<Result<Effect>> kill_processes(FaultRecord record);
    [[nodiscard]] Task<Result<Effect>> pause(FaultRecord record, bool again);
    [[nodiscard]] Task<Result<Effect>> unpause(FaultRecord record);
    [[nodiscard]] Task<Result<Effect>> stop(FaultRecord record, bool again);
    [[nodiscard]] Task<Result<Effect>> start(FaultRecord record);
    [[nodiscard]] Task<Result<Effect>> restart(FaultRecord record);
    [[nodiscard]] Task<Result<Effect>> remove(FaultRecord record);

    // The container as it is now, if it still is in the life that the record names. Errors:
    // kNotFound.
    [[nodiscard]] Task<Result<Container>> same_life(Incarnation life);
    // As above, and not paused. Errors: kConflict, since Docker would thaw what somebody froze.
    [[nodiscard]] Task<Result<Container>> same_running_life(Incarnation life);
    // Docker's stop, read back as down. `again`: that it was down before is our own doing. Errors:
    // kNotFound where it was down and that is not ours, kUnavailable where nobody knows.
    [[nodiscard]] Task<Result<Effect>> bring_down(FaultRecord record, Duration grace, bool again);

    docker::Engine& engine_;
};

}  // namespace chaos::container
