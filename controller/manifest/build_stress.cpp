#include "controller/manifest/build_stress.h"

#include <algorithm>
#include <limits>

#include "controller/manifest/quantity.h"
#include "controller/manifest/scalars.h"

namespace chaos::manifest {
namespace {

std::optional<std::uint64_t> size_at(const Node& node) {
    const auto text = string_at(node, "size");
    return text ? parse_bytes(*text) : std::nullopt;
}

// A size takes the place of a share; an intensity has filled the share in all the same.
std::optional<double> share_at(const Node& node, bool replaced) {
    return replaced ? std::nullopt : number_at(node, "percent");
}

// What does not fit is more than any check allows.
std::optional<int> count_at(const Node& node, std::string_view key) {
    constexpr std::int64_t kMost = std::numeric_limits<int>::max();
    const auto count = integer_at(node, key);
    return count ? std::optional{static_cast<int>(std::clamp(*count, -kMost, kMost))}
                 : std::nullopt;
}

CpuStress build_cpu(const Node& node) {
    return {number_at(node, "load").value_or(0), count_at(node, "workers")};
}

MemoryStress build_memory(const Node& node) {
    MemoryStress memory;
    memory.size = size_at(node);
    memory.percent = share_at(node, memory.size.has_value());
    memory.ramp = duration_at(node, "ramp").value_or(Duration{});
    memory.oom_score_adj = count_at(node, "oom_score_adj").value_or(memory.oom_score_adj);
    return memory;
}

IoStress build_io(const Node& node) {
    IoStress io;
    io.workers = count_at(node, "workers").value_or(io.workers);
    io.size = size_at(node).value_or(io.size);
    io.path = string_at(node, "path").value_or(io.path);
    return io;
}

DiskFill build_fill(const Node& node) {
    DiskFill fill;
    fill.size = size_at(node);
    fill.percent = share_at(node, fill.size.has_value());
    fill.path = string_at(node, "path").value_or(fill.path);
    return fill;
}

PidStress build_pids(const Node& node) {
    PidStress pids;
    pids.count = count_at(node, "count");
    pids.percent = share_at(node, pids.count.has_value());
    return pids;
}

}  // namespace

StressFault build_stress(StressAction action, const Node& parameters) {
    StressFault fault{.action = action};
    switch (action) {
        case StressAction::kCpu: fault.cpu = build_cpu(parameters); break;
        case StressAction::kMemory: fault.memory = build_memory(parameters); break;
        case StressAction::kIo: fault.io = build_io(parameters); break;
        case StressAction::kDiskFill: fault.fill = build_fill(parameters); break;
        case StressAction::kPids: fault.pids = build_pids(parameters); break;
        case StressAction::kCombined:
            if (const Node* cpu = parameters.find("cpu")) fault.cpu = build_cpu(*cpu);
            if (const Node* memory = parameters.find("memory")) {
                fault.memory = build_memory(*memory);
            }
            if (const Node* io = parameters.find("io")) fault.io = build_io(*io);
            break;
    }
    return fault;
}

}  // namespace chaos::manifest
