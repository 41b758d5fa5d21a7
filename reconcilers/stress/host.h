// What the host has and uses.
#pragma once

#include <cstdint>

namespace chaos::stress {

// How many CPUs the process may run on (cpuset, affinity).
[[nodiscard]] int cpus_of(int pid);

// The host's memory, bytes.
struct HostMemory {
    std::uint64_t total = 0;
    std::uint64_t available = 0;
    std::uint64_t swap = 0;
};
[[nodiscard]] HostMemory host_memory();

// The host's processes, threads counted.
struct HostPids {
    std::uint64_t limit = 0;
    std::uint64_t used = 0;
};
[[nodiscard]] HostPids host_pids();

}  // namespace chaos::stress
