#include "controller/safety/health.h"

#include "controller/safety/graph.h"

namespace chaos::safety {
namespace {

bool counts(const Container& container) {
    if (container.state == ContainerState::kCreated) return false;
    return container.state != ContainerState::kExited || container.exit_code != 0;
}

bool is_well(const Container& container) {
    return container.state == ContainerState::kRunning && container.health != Health::kUnhealthy;
}

}  // namespace

std::map<std::string, bool> service_health(const std::vector<Container>& containers) {
    std::map<std::string, bool> health;
    for (const auto& container : containers) {
        if (!counts(container)) continue;
        auto& well = health.emplace(service_key(container), true).first->second;
        well = well && is_well(container);
    }
    return health;
}

HealthCount count_health(const std::map<std::string, bool>& health,
                         const std::set<std::string>& left_out) {
    HealthCount count;
    for (const auto& [key, well] : health) {
        if (left_out.contains(key)) continue;
        ++count.total;
        if (well) {
            ++count.healthy;
        } else {
            count.ill.push_back(key);
        }
    }
    return count;
}

}  // namespace chaos::safety
