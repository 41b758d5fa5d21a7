// What manifests call the values of enumerations: one table for reading and writing.
#pragma once

#include <array>
#include <optional>
#include <string_view>
#include <utility>

#include "controller/api/network.h"
#include "controller/api/stress.h"

namespace chaos {

template <class E, std::size_t N>
using Names = std::array<std::pair<std::string_view, E>, N>;

template <class E, std::size_t N>
constexpr std::optional<E> find_value(const Names<E, N>& names, std::string_view text) {
    for (const auto& [name, value] : names) {
        if (name == text) return value;
    }
    return std::nullopt;
}

template <class E, std::size_t N>
constexpr std::string_view find_name(const Names<E, N>& names, E wanted) {
    for (const auto& [name, value] : names) {
        if (value == wanted) return name;
    }
    return "";
}

constexpr Names<Distribution, 4> names_of(Distribution /*unused*/) {
    return {{{"normal", Distribution::kNormal},
             {"pareto", Distribution::kPareto},
             {"paretonormal", Distribution::kParetoNormal},
             {"uniform", Distribution::kUniform}}};
}

constexpr Names<Direction, 3> names_of(Direction /*unused*/) {
    return {{{"egress", Direction::kEgress},
             {"ingress", Direction::kIngress},
             {"both", Direction::kBoth}}};
}

constexpr Names<Protocol, 3> names_of(Protocol /*unused*/) {
    return {{{"tcp", Protocol::kTcp}, {"udp", Protocol::kUdp}, {"icmp", Protocol::kIcmp}}};
}

constexpr Names<NetworkAction, 8> names_of(NetworkAction /*unused*/) {
    return {{{"network_latency", NetworkAction::kLatency},
             {"network_loss", NetworkAction::kLoss},
             {"network_duplicate", NetworkAction::kDuplicate},
             {"network_corrupt", NetworkAction::kCorrupt},
             {"network_reorder", NetworkAction::kReorder},
             {"network_bandwidth", NetworkAction::kBandwidth},
             {"network_partition", NetworkAction::kPartition},
             {"network", NetworkAction::kCombined}}};
}

constexpr Names<StressAction, 6> names_of(StressAction /*unused*/) {
    return {{{"cpu_stress", StressAction::kCpu},
             {"memory_stress", StressAction::kMemory},
             {"io_stress", StressAction::kIo},
             {"disk_fill", StressAction::kDiskFill},
             {"pid_stress", StressAction::kPids},
             {"resource_stress", StressAction::kCombined}}};
}

}  // namespace chaos
