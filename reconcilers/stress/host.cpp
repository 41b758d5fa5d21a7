#include "reconcilers/stress/host.h"

#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <string>

#include "reconcilers/stress/control_files.h"
#include "reconcilers/stress/text.h"

namespace chaos::stress {

int cpus_of(int pid) {
    cpu_set_t set;
    CPU_ZERO(&set);
    if (::sched_getaffinity(pid, sizeof set, &set) == 0) return std::max(CPU_COUNT(&set), 1);
    // A host with more CPUs than the set has room for.
    return static_cast<int>(std::max(::sysconf(_SC_NPROCESSORS_ONLN), 1L));
}

HostMemory host_memory() {
    const auto text = read_file("/proc/meminfo");
    return {value_in(text, "MemTotal:").value_or(0) * 1024,
            value_in(text, "MemAvailable:").value_or(0) * 1024,
            value_in(text, "SwapTotal:").value_or(0) * 1024};
}

HostPids host_pids() {
    HostPids pids;
    const auto most = number_in(read_file("/proc/sys/kernel/pid_max")).value_or(0);
    const auto threads = number_in(read_file("/proc/sys/kernel/threads-max")).value_or(most);
    pids.limit = std::min(most, threads);
    // proc(5): "0.20 0.18 0.12 1/80 11206"; 80 is the number of processes and threads.
    const auto load = read_file("/proc/loadavg");
    if (const auto slash = load.find('/'); slash != std::string::npos) {
        pids.used = number_in(first_word(load.substr(slash + 1))).value_or(0);
    }
    return pids;
}

}  // namespace chaos::stress
