// From a fault's record to a stressor and its orders: looks at the container and at the host,
// plans, starts. May block, for as long as a file system of the container's does.
#pragma once

#include "controller/api/run.h"
#include "reconcilers/stress/plan.h"
#include "reconcilers/stress/stressor.h"

namespace chaos::stress {

[[nodiscard]] const StressFault& fault_of(const FaultRecord& record);
[[nodiscard]] Purpose purpose_of(const FaultRecord& record);
[[nodiscard]] int oom_score_adj_of(const StressFault& fault);
// Of the directory that its files go to; 0 where it has none.
[[nodiscard]] std::uint64_t directory_hash(const StressFault& fault);

// Whether its files could go where they are to. Errors: as open_directory().
[[nodiscard]] Result<> check_directory(const FaultRecord& record);

struct Started {
    Stressor stressor;
    Cgroup cgroup;
};
// `program`: see Program. Errors: as plan(), open_directory() and start().
[[nodiscard]] Result<Started> start_for(const FaultRecord& record, int program,
                                        const Keeper& keeper);

// When it is to end, in nanoseconds of CLOCK_BOOTTIME.
[[nodiscard]] std::int64_t boot_end_of(const FaultRecord& record);

// For the stressor that runs already. Errors: as plan() and open_directory().
[[nodiscard]] Result<Orders> orders_for(const FaultRecord& record, const Cgroup& cgroup,
                                        const Shared& held);

}  // namespace chaos::stress
