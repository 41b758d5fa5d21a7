// Faults of a container's life: kill and pause.
#pragma once

#include "controller/docker/engine.h"
#include "controller/runtime/reconciler.h"

namespace chaos::container {

class ContainerReconciler : public runtime::Reconciler {
public:
    explicit ContainerReconciler(docker::Engine& engine) : engine_(engine) {}

    [[nodiscard]] Task<Result<runtime::Effect>> inject(const FaultRecord& record,
                                                       bool again) override;
    [[nodiscard]] Task<Result<runtime::Effect>> undo(const FaultRecord& record) override;

private:
    [[nodiscard]] Task<Result<runtime::Effect>> kill(FaultRecord record);
    [[nodiscard]] Task<Result<runtime::Effect>> pause(FaultRecord record, bool again);
    [[nodiscard]] Task<Result<runtime::Effect>> unpause(FaultRecord record);
    // The container as it is now, if it still is in the life that the record names.
    [[nodiscard]] Task<Result<Container>> same_life(Incarnation life);

    docker::Engine& engine_;
};

}  // namespace chaos::container
