#include "controller/safety/policy.h"

#include <algorithm>
#include <array>

#include "controller/api/glob.h"

namespace chaos::safety {
namespace {

// What belongs to the engine itself: BuildKit's builders.
constexpr std::array<std::string_view, 2> kEngineImages{"moby/buildkit*", "docker/buildkit*"};

bool label_is_true(const Container& container, std::string_view key) {
    const auto it = container.labels.find(key);
    return it != container.labels.end() && it->second == "true";
}

// "True", "1", "yes": whoever writes it means it. Only an explicit "false" does not protect.
bool label_protects(const Container& container) {
    const auto it = container.labels.find(kProtectedLabel);
    return it != container.labels.end() && it->second != "false";
}

const std::string* first_match(const std::vector<std::string>& patterns, const std::string& name,
                               const std::string& service) {
    const auto it = std::ranges::find_if(patterns, [&](const auto& pattern) {
        return glob_match(pattern, name) || glob_match(pattern, service);
    });
    return it == patterns.end() ? nullptr : &*it;
}

bool is_critical(const Policy& policy, const std::string& key) {
    const auto node = policy.graph.nodes().find(key);
    const auto& patterns = policy.safety.critical_services;
    if (node == policy.graph.nodes().end()) return first_match(patterns, key, key) != nullptr;
    if (first_match(patterns, key, node->second.service) != nullptr) return true;
    return std::ranges::any_of(node->second.containers, [&](const auto& name) {
        return first_match(patterns, name, name) != nullptr;
    });
}

// A critical service that depends on this one; "" where none does.
std::string critical_dependent(const Policy& policy, const std::string& key) {
    if (policy.safety.critical_services.empty()) return "";
    for (const auto& [dependent, distance] : policy.graph.dependents(key)) {
        if (is_critical(policy, dependent)) return dependent;
    }
    return "";
}

}  // namespace

std::optional<std::string> why_spared(const Policy& policy, const Container& container, bool safe) {
    if (label_protects(container)) {
        return "label " + std::string{kProtectedLabel} + "=" +
               container.labels.find(kProtectedLabel)->second;
    }
    if (!policy.own_container.empty() && container.id.starts_with(policy.own_container)) {
        return "it is the controller itself";
    }
    for (const auto pattern : kEngineImages) {
        if (glob_match(pattern, container.image)) return "it is a helper of the engine";
    }
    const auto service = container.service();
    if (const auto* pattern =
            first_match(policy.safety.protected_services, container.name, service)) {
        return "safety.protected_services (" + *pattern + ")";
    }
    if (policy.safety.require_opt_in && !label_is_true(container, kEnabledLabel)) {
        return "no label " + std::string{kEnabledLabel} +
               "=true, which safety.require_opt_in demands";
    }
    const auto* critical =
        safe ? first_match(policy.safety.critical_services, container.name, service) : nullptr;
    if (critical == nullptr) return std::nullopt;
    return "safety.critical_services (" + *critical + "), in safe mode";
}

std::optional<std::string> why_spared_now(const Policy& policy, const Container& container,
                                          bool safe, std::size_t others) {
    const auto key = service_key(container);
    if (policy.rested.contains(key)) return "hit less than chaos_monkey.min_spacing ago";
    if (!safe) return std::nullopt;
    const auto dependent = critical_dependent(policy, key);
    if (dependent.empty() || others > 0) return std::nullopt;
    return "it is the only provider of critical service " + dependent + ", in safe mode";
}

bool serves(const Policy& policy, const Container& container) {
    const bool well = container.health == Health::kNone || container.health == Health::kHealthy;
    return container.state == ContainerState::kRunning && well &&
           !policy.held.contains(container.name);
}

bool keeps_one(const Policy& policy, const std::string& key) {
    return !critical_dependent(policy, key).empty();
}

std::optional<std::string> path_neighbour(const Policy& policy, const std::string& key,
                                          const std::set<std::string>& hit) {
    for (const auto* services : {&hit, &policy.busy}) {
        for (const auto& other : *services) {
            if (other != key && policy.graph.on_one_path(key, other)) return other;
        }
    }
    return std::nullopt;
}

}  // namespace chaos::safety
