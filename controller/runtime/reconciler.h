// What a kind of fault can do to one container. One implementation a kind, in reconcilers/.
#pragma once

#include <functional>
#include <string>

#include "controller/api/effect.h"
#include "controller/api/error.h"
#include "controller/api/run.h"
#include "controller/asio/task_group.h"

namespace chaos::runtime {

class Reconciler {
public:
    Reconciler() = default;
    Reconciler(const Reconciler&) = delete;
    Reconciler& operator=(const Reconciler&) = delete;
    virtual ~Reconciler() = default;

    // Puts record.spec into force on record.incarnation and reads it back. Called with the record
    // durable. Must be idempotent for faults that last: the record may stem from a life of the
    // controller that died in between (then `again` is true, and what is in force is ours).
    // Errors: kNotFound (that life of the container is over: nothing was done), kConflict (somebody
    // else's doing is in the way: nothing was done, no retry), kUnavailable and kInternal (unknown
    // whether something was done; the record stays), others (nothing was done).
    [[nodiscard]] virtual Task<Result<Effect>> inject(const FaultRecord& record, bool again) = 0;

    // Takes the fault back and verifies that it is gone. Idempotent; not called for instant faults.
    // Errors: kNotFound (the container, or that life of it, is gone, and the fault with it); any
    // other is retried until it succeeds.
    [[nodiscard]] virtual Task<Result<Effect>> undo(const FaultRecord& record) = 0;
};

// The containers as observed; see docker::Engine, which stands behind it.
class World {
public:
    World() = default;
    World(const World&) = delete;
    World& operator=(const World&) = delete;
    virtual ~World() = default;

    [[nodiscard]] virtual bool synced() const = 0;
    [[nodiscard]] virtual const std::vector<Container>& containers() const = 0;
    // Starts a container that is down; false for one that runs, or that Docker is about to start
    // itself: it is left alone. Errors: as Docker's.
    [[nodiscard]] virtual Task<Result<bool>> start(std::string name) = 0;
    // Learns the present life of a container, where it runs and that is not known.
    [[nodiscard]] virtual Task<> ensure_details(std::string name) = 0;
};

// The explicit table of kinds: who serves a fault.
using ReconcilerTable = std::function<Reconciler&(const FaultSpec&)>;

}  // namespace chaos::runtime
