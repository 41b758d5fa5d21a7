// A stress fault as orders for its stressor, or why not. Pure.
#pragma once

#include "controller/api/error.h"
#include "controller/api/stress.h"
#include "reconcilers/stress/cgroup.h"
#include "reconcilers/stress/host.h"
#include "reconcilers/stress/orders.h"
#include "reconcilers/stress/spare.h"

namespace chaos::stress {

// What there is when a fault is planned.
struct Facts {
    Limits limits;
    int cpus = 1;  // that the container may run on
    std::vector<Level> memory;
    std::vector<Level> pids;
    HostMemory host_memory;
    HostPids host_pids;
    std::optional<Space> space;      // of the directory that files go to
    std::optional<Orders> in_force;  // of the stressor that runs already
    std::uint64_t held_memory = 0;   // by that
    std::uint64_t held_space = 0;
    std::uint64_t held_pids = 0;
};

// The directory that the fault's files go to, inside the container; "" where it has none.
[[nodiscard]] std::string directory_of(const StressFault& fault);

// The end is the caller's to set. Errors: kInvalid (the host would be left with too little, a limit
// is missing or is below what was asked; the message has the figures).
[[nodiscard]] Result<Orders> plan(const StressFault& fault, const Facts& facts);

// "1.5Gi" and the like, for messages.
[[nodiscard]] std::string humanize_bytes(std::uint64_t bytes);

}  // namespace chaos::stress
