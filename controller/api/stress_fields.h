// The fields of a stress fault under the names that manifests give them; see network_fields.h.
#pragma once

#include "controller/api/is_a.h"
#include "controller/api/stress.h"

namespace chaos {

template <IsA<CpuStress> T, class Visit>
void visit_fields(T& cpu, Visit&& visit) {
    visit("load", cpu.load);
    visit("workers", cpu.workers);
}

template <IsA<MemoryStress> T, class Visit>
void visit_fields(T& memory, Visit&& visit) {
    visit("percent", memory.percent);
    visit("size", memory.size);
    visit("ramp", memory.ramp);
    visit("oom_score_adj", memory.oom_score_adj);
}

template <IsA<IoStress> T, class Visit>
void visit_fields(T& io, Visit&& visit) {
    visit("workers", io.workers);
    visit("size", io.size);
    visit("path", io.path);
}

template <IsA<DiskFill> T, class Visit>
void visit_fields(T& fill, Visit&& visit) {
    visit("percent", fill.percent);
    visit("size", fill.size);
    visit("path", fill.path);
}

template <IsA<PidStress> T, class Visit>
void visit_fields(T& pids, Visit&& visit) {
    visit("percent", pids.percent);
    visit("count", pids.count);
}

// All but the action, which is the fault's type.
template <IsA<StressFault> T, class Visit>
void visit_fields(T& fault, Visit&& visit) {
    visit("cpu", fault.cpu);
    visit("memory", fault.memory);
    visit("io", fault.io);
    visit("fill", fault.fill);
    visit("pids", fault.pids);
}

}  // namespace chaos
