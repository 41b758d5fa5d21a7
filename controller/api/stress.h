// What can be done to a container's resources: one struct for all stress actions, since they
// combine. Percentages are 0 to 100, sizes bytes; "absent" is: not done.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "controller/api/time.h"

namespace chaos {

// CPU time used beside what the container uses itself.
struct CpuStress {
    double load = 0;             // of the CPU time that its limits allow, or of the host's
    std::optional<int> workers;  // absent: as many as that takes

    friend bool operator==(const CpuStress&, const CpuStress&) = default;
};

// Memory that is kept in use: either what is missing to a share of the limit, the container's own
// use counted, or an amount beside that.
struct MemoryStress {
    std::optional<double> percent;
    std::optional<std::uint64_t> size;
    Duration ramp{};
    int oom_score_adj = 1000;

    friend bool operator==(const MemoryStress&, const MemoryStress&) = default;
};

// Files written and read over and over, one a worker.
struct IoStress {
    int workers = 1;
    std::uint64_t size = 64U << 20U;  // of each file
    std::string path = "/";           // a directory inside the container

    friend bool operator==(const IoStress&, const IoStress&) = default;
};

// Disk space taken up: a share of what is free when the fault starts, or an amount.
struct DiskFill {
    std::optional<double> percent;
    std::optional<std::uint64_t> size;
    std::string path = "/";

    friend bool operator==(const DiskFill&, const DiskFill&) = default;
};

// Processes that do nothing but count: either what is missing to a share of the container's limit,
// its own counted, or a number beside those.
struct PidStress {
    std::optional<double> percent;
    std::optional<int> count;

    friend bool operator==(const PidStress&, const PidStress&) = default;
};

enum class StressAction { kCpu, kMemory, kIo, kDiskFill, kPids, kCombined };

struct StressFault {
    StressAction action = StressAction::kCpu;
    std::optional<CpuStress> cpu;
    std::optional<MemoryStress> memory;
    std::optional<IoStress> io;
    std::optional<DiskFill> fill;
    std::optional<PidStress> pids;

    friend bool operator==(const StressFault&, const StressFault&) = default;
};

// What manifests call it: "cpu_stress".
[[nodiscard]] std::string_view type_name(StressAction action);

}  // namespace chaos
