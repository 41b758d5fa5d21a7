#include "controller/api/container.h"

namespace chaos {

std::string Container::service() const {
    const auto it = labels.find(kComposeServiceLabel);
    return it == labels.end() || it->second.empty() ? name : it->second;
}

std::string Container::project() const {
    const auto it = labels.find(kComposeProjectLabel);
    return it == labels.end() ? std::string{} : it->second;
}

std::string_view to_string(ContainerState state) {
    switch (state) {
        case ContainerState::kCreated: return "created";
        case ContainerState::kRunning: return "running";
        case ContainerState::kPaused: return "paused";
        case ContainerState::kRestarting: return "restarting";
        case ContainerState::kExited: return "exited";
        case ContainerState::kDead: return "dead";
        case ContainerState::kUnknown: break;
    }
    return "unknown";
}

std::string_view to_string(Health health) {
    switch (health) {
        case Health::kNone: return "none";
        case Health::kStarting: return "starting";
        case Health::kHealthy: return "healthy";
        case Health::kUnhealthy: break;
    }
    return "unhealthy";
}

}  // namespace chaos
