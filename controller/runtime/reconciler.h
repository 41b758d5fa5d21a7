// What a kind of fault can do to one container. One implementation a kind, in reconcilers/.
#pragma once

#include <map>
#include <string>
#include <variant>
#include <vector>

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

    // The fault of an injection under way is not wanted any more: the injection should end soon,
    // whatever comes of it. It is undone then.
    virtual void give_up(const FaultRecord& /*record*/) {}

    // Looks at a fault that is in force, and puts it right where it is not as it should be any
    // more. Only for kinds that something outside Docker holds. Errors: kNotFound (that life of the
    // container is over), others (nothing is known).
    [[nodiscard]] virtual Task<Result<Effect>> observe(const FaultRecord& record) = 0;

    // Takes over a fault that an earlier life of the controller has left in force; before any other
    // call.
    virtual void restore(const FaultRecord& record) = 0;

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
    // Starts a container that is down, restarts one that is unhealthy; false for one that runs
    // well, or that Docker is about to start itself: it is left alone. Errors: as Docker's.
    [[nodiscard]] virtual Task<Result<bool>> start(std::string name) = 0;
    // The addresses behind hostnames, of those that were asked for.
    [[nodiscard]] virtual const std::map<std::string, std::vector<std::string>>& hosts() const = 0;
    // Has the addresses behind a hostname learnt, and followed from then on; nobody waits for it.
    virtual void want_host(const std::string& name) = 0;
    // Runs a program inside a container, without a shell. Errors: kNotFound (no such container),
    // kUnavailable (it does not answer, or not within `timeout`; the program is left alone then).
    struct Executed {
        std::int64_t exit_code = 0;
        std::string output;
    };
    [[nodiscard]] virtual Task<Result<Executed>> execute(std::string name,
                                                         std::vector<std::string> command,
                                                         Duration timeout) = 0;
    // Learns the present life of a container, where it runs and that is not known.
    [[nodiscard]] virtual Task<> ensure_details(std::string name) = 0;
};

// The explicit table of kinds, the controller's and the guard's: who serves a fault.
struct ReconcilerTable {
    Reconciler& container;
    Reconciler& network;
    Reconciler& stress;
    Reconciler& custom;

    [[nodiscard]] Reconciler& of(const FaultSpec& fault) const {
        if (std::holds_alternative<NetworkFault>(fault)) return network;
        if (std::holds_alternative<StressFault>(fault)) return stress;
        if (std::holds_alternative<CustomFault>(fault)) return custom;
        return container;
    }
};

}  // namespace chaos::runtime
