#include "controller/run/peers.h"

#include <algorithm>
#include <set>

#include "controller/run/match.h"

namespace chaos::run {
namespace {

const NetworkFault* network_of(const FaultSpec& fault) { return std::get_if<NetworkFault>(&fault); }

// Every list of peers of a fault.
std::vector<const Peers*> lists_of(const NetworkFault& fault) {
    std::vector<const Peers*> lists;
    for (const auto* peers : {&fault.to, &fault.except, &fault.partition}) {
        if (*peers) lists.push_back(&**peers);
    }
    return lists;
}

template <class Visit>
void for_each_list(const Spec& spec, Visit&& visit) {
    for (const auto& scenario : spec.scenarios) {
        for (const auto& action : scenario.actions) {
            const auto* fault = network_of(action.fault);
            if (fault == nullptr) continue;
            for (const auto* peers : lists_of(*fault)) visit(*peers);
        }
    }
}

bool is_one_of(const Container& container, const std::vector<std::string>& services) {
    return std::ranges::any_of(
        services, [&](const auto& pattern) { return matches_service(pattern, container); });
}

// A container that shares another's namespace is reached under the other's addresses.
const Container* owner_of_network(const Container* container, const World& world) {
    if (container->network_of.empty()) return container;
    const auto owner = std::ranges::find_if(world.containers, [&](const Container& c) {
        return c.id == container->network_of || c.name == container->network_of;
    });
    return owner == world.containers.end() ? container : &*owner;
}

// It has addresses, and they are not known: nobody has asked yet, or they are the host's.
bool hides_addresses(const Container& container) {
    const bool on_host = std::ranges::find(container.networks, "host") != container.networks.end();
    return container.running() && container.addresses.empty() &&
           (!container.incarnation || on_host);
}

std::vector<std::string> addresses_of(const Peers& peers, const World& world) {
    std::set<std::string> found{peers.cidrs.begin(), peers.cidrs.end()};
    for (const auto& container : world.containers) {
        if (!is_one_of(container, peers.services)) continue;
        const auto& addresses = owner_of_network(&container, world)->addresses;
        found.insert(addresses.begin(), addresses.end());
    }
    for (const auto& name : peers.hostnames) {
        const auto it = world.hosts.find(name);
        if (it != world.hosts.end()) found.insert(it->second.begin(), it->second.end());
    }
    return {found.begin(), found.end()};
}

std::string list_names(const Peers& peers) {
    std::string text;
    for (const auto* names : {&peers.services, &peers.hostnames}) {
        for (const auto& name : *names) text += (text.empty() ? "" : ", ") + name;
    }
    return text;
}

// One of the peers whose addresses are not known.
std::optional<std::string> unresolved(const Peers& peers, const World& world) {
    for (const auto& container : world.containers) {
        if (!is_one_of(container, peers.services)) continue;
        if (hides_addresses(*owner_of_network(&container, world))) return container.name;
    }
    for (const auto& name : peers.hostnames) {
        const auto it = world.hosts.find(name);
        if (it == world.hosts.end() || it->second.empty()) return name;
    }
    return std::nullopt;
}

}  // namespace

// One that is in the network namespace of the target and would be hit with it.
std::string endangered(const DesiredFault& fault, const World& world, bool safe) {
    const auto* target = find_container(world, fault.target);
    const bool network = network_of(fault.fault) != nullptr;
    // What ends the owner's life takes its interfaces from those that share them.
    const bool ends = ends_life(fault.fault) || std::holds_alternative<ContainerStop>(fault.fault);
    if (target == nullptr || (!network && !ends)) return {};
    const auto* owner = owner_of_network(target, world);
    if (!network && owner != target) return {};
    for (const auto& container : world.containers) {
        if (&container == target || !container.running()) continue;
        const bool shares =
            owner_of_network(&container, world) == owner ||
            // Both outlive the owner.
            (!target->network_of.empty() && container.network_of == target->network_of);
        if (shares && safety::why_spared(world.policy, container, safe)) return container.name;
    }
    return {};
}

void resolve(DesiredFault& fault, const World& world) {
    const auto* network = network_of(fault.fault);
    if (network == nullptr) return;
    const auto addresses = [&](const std::optional<Peers>& peers) {
        return peers ? addresses_of(*peers, world) : std::vector<std::string>{};
    };
    fault.peers = {.to = addresses(network->to),
                   .except = addresses(network->except),
                   .partition = addresses(network->partition)};
    if (const auto* target = find_container(world, fault.target)) {
        fault.peers.networks = target->networks;
    }
}

std::string lacks_exceptions(const DesiredFault& fault, const World& world) {
    const auto* network = network_of(fault.fault);
    if (network == nullptr || !network->except) return {};
    const auto name = unresolved(*network->except, world);
    if (!name) return {};
    return "the addresses of " + *name + ", which the fault is to spare, are not known";
}

void keep_exceptions(DesiredFault& fault, const FaultRecord& record) {
    const auto* network = network_of(fault.fault);
    const auto* before = network_of(record.spec);
    if (network == nullptr || before == nullptr || !network->except) return;
    if (network->except != before->except) return;
    const bool may_be_unknown =
        !network->except->hostnames.empty() || !network->except->services.empty();
    if (!may_be_unknown) return;
    std::set<std::string> spared{fault.peers.except.begin(), fault.peers.except.end()};
    spared.insert(record.peers.except.begin(), record.peers.except.end());
    fault.peers.except = {spared.begin(), spared.end()};
}

std::string lacks_peers(const DesiredFault& fault, const World& world) {
    const auto* network = network_of(fault.fault);
    if (network == nullptr) return {};
    if (auto why = lacks_exceptions(fault, world); !why.empty()) return why;
    const auto nobody = [](const std::optional<Peers>& peers,
                           const std::vector<std::string>& addresses) {
        return peers && peers->names_addresses() && addresses.empty();
    };
    if (nobody(network->to, fault.peers.to)) {
        return "none of " + list_names(*network->to) + " has an address";
    }
    const bool only_cuts = network->action == NetworkAction::kPartition;
    if (only_cuts && nobody(network->partition, fault.peers.partition)) {
        return "none of " + list_names(*network->partition) + " has an address";
    }
    return {};
}

std::vector<std::string> peer_containers(const Spec& spec, const World& world) {
    std::set<std::string> names;
    for_each_list(spec, [&](const Peers& peers) {
        if (peers.services.empty()) return;
        for (const auto& container : world.containers) {
            if (!is_one_of(container, peers.services)) continue;
            names.insert(container.name);
            names.insert(owner_of_network(&container, world)->name);
        }
    });
    return {names.begin(), names.end()};
}

std::vector<std::string> peer_hostnames(const Spec& spec) {
    std::set<std::string> names;
    for_each_list(spec, [&](const Peers& peers) {
        names.insert(peers.hostnames.begin(), peers.hostnames.end());
    });
    return {names.begin(), names.end()};
}

}  // namespace chaos::run
