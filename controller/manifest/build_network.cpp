#include "controller/manifest/build_network.h"

#include <algorithm>

#include "controller/manifest/quantity.h"
#include "controller/manifest/scalars.h"

namespace chaos::manifest {
namespace {

Delay build_delay(const Node& node) {
    return {.latency = duration_at(node, "latency").value_or(Duration{}),
            .jitter = duration_at(node, "jitter").value_or(Duration{}),
            .correlation = number_at(node, "correlation").value_or(0),
            .distribution = enum_at(node, "distribution", names_of(Distribution{}))};
}

Share build_share(const Node& node) {
    return {number_at(node, "percent").value_or(0), number_at(node, "correlation").value_or(0)};
}

Loss build_loss(const Node& node) {
    if (const Node* model = node.find("gemodel")) {
        return GilbertElliott{.p = number_at(*model, "p").value_or(0),
                              .r = number_at(*model, "r").value_or(100),
                              .one_minus_h = number_at(*model, "one_minus_h").value_or(100),
                              .one_minus_k = number_at(*model, "one_minus_k").value_or(0)};
    }
    if (const Node* state = node.find("state")) {
        const double p13 = number_at(*state, "p13").value_or(0);
        const double p32 = number_at(*state, "p32").value_or(0);
        // 100 - p13 is tc's default; together with p32 it must not be more than certain.
        return FourState{.p13 = p13,
                         .p31 = number_at(*state, "p31").value_or(100 - std::max(p13, p32)),
                         .p32 = p32,
                         .p23 = number_at(*state, "p23").value_or(100),
                         .p14 = number_at(*state, "p14").value_or(0)};
    }
    return build_share(node);
}

Reorder build_reorder(const Node& node) {
    const auto gap = integer_at(node, "gap").value_or(0);
    return {build_share(node), gap > 0 ? static_cast<int>(gap) : 1};
}

Bandwidth build_bandwidth(const Node& node) {
    Bandwidth bandwidth;
    bandwidth.rate = parse_rate(node.text_at("rate")).value_or(0);
    if (const auto burst = string_at(node, "burst")) bandwidth.burst = parse_bytes(*burst);
    bandwidth.latency = duration_at(node, "latency");
    return bandwidth;
}

Peers build_peers(const Node& node) {
    Peers peers;
    peers.services = strings_at(node, "services");
    peers.cidrs = strings_at(node, "cidrs");
    peers.hostnames = strings_at(node, "hostnames");
    for (const auto& text : strings_at(node, "ports")) {
        peers.ports.push_back(parse_ports(text).value_or(Ports{}));
    }
    for (const auto& text : strings_at(node, "protocols")) {
        peers.protocols.push_back(find_value(names_of(Protocol{}), text).value_or(Protocol::kTcp));
    }
    return peers;
}

template <class T>
std::optional<T> build_at(const Node& node, std::string_view key, T (*build)(const Node&)) {
    const Node* found = node.find(key);
    return found == nullptr ? std::nullopt : std::optional{build(*found)};
}

void build_effects(NetworkAction action, const Node& node, NetworkFault& fault) {
    switch (action) {
        case NetworkAction::kLatency: fault.delay = build_delay(node); break;
        case NetworkAction::kLoss: fault.loss = build_loss(node); break;
        case NetworkAction::kDuplicate: fault.duplicate = build_share(node); break;
        case NetworkAction::kCorrupt: fault.corrupt = build_share(node); break;
        case NetworkAction::kReorder: fault.reorder = build_reorder(node); break;
        case NetworkAction::kBandwidth: fault.bandwidth = build_bandwidth(node); break;
        case NetworkAction::kPartition:
            fault.partition = build_at(node, "from", build_peers);
            break;
        case NetworkAction::kCombined:
            fault.delay = build_at(node, "delay", build_delay);
            fault.loss = build_at(node, "loss", build_loss);
            fault.duplicate = build_at(node, "duplicate", build_share);
            fault.corrupt = build_at(node, "corrupt", build_share);
            fault.reorder = build_at(node, "reorder", build_reorder);
            fault.bandwidth = build_at(node, "bandwidth", build_bandwidth);
            if (const Node* partition = node.find("partition")) {
                fault.partition = build_at(*partition, "from", build_peers);
            }
            break;
    }
}

}  // namespace

NetworkFault build_network(NetworkAction action, const Node& parameters) {
    NetworkFault fault;
    fault.action = action;
    build_effects(action, parameters, fault);
    fault.direction = enum_at(parameters, "direction", names_of(Direction{}));
    fault.to = build_at(parameters, "to", build_peers);
    fault.except = build_at(parameters, "except", build_peers);
    fault.interfaces = strings_at(parameters, "interfaces");
    return fault;
}

}  // namespace chaos::manifest
