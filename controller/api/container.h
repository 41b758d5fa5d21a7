// A container as observed: what selectors match on and what recovery is read from.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "controller/api/time.h"

namespace chaos {

enum class ContainerState { kCreated, kRunning, kPaused, kRestarting, kExited, kDead, kUnknown };
enum class Health { kNone, kStarting, kHealthy, kUnhealthy };  // kNone: no health check

// One life of a container. A restart keeps the id and changes the rest, so a fault is tied to this
// and not to the id.
struct Incarnation {
    std::string container_id;
    std::string started_at;  // as Docker's inspect writes it, compared only for equality
    int pid = 0;             // of the container's first process in the host's PID namespace

    friend bool operator==(const Incarnation&, const Incarnation&) = default;
};

using Labels = std::map<std::string, std::string, std::less<>>;  // found by string_view, too

struct Container {
    std::string id;
    std::string name;  // without the leading slash
    std::string image;
    Labels labels;
    std::vector<std::string> networks;
    std::vector<std::string> addresses;  // IPv4 and IPv6, of the present life
    // The id or name of the container whose network namespace it shares (network_mode
    // container:…); empty: its own, or the host's.
    std::string network_of;
    ContainerState state = ContainerState::kUnknown;
    Health health = Health::kNone;
    // When the present life began and when `health` took its present value; absent where no event
    // was seen and inspect was not asked.
    std::optional<TimePoint> started_at;
    std::optional<TimePoint> health_since;
    // From inspect, for this life; absent until asked for, and again after the next start.
    std::optional<Incarnation> incarnation;
    // Of the last life, where its end was seen.
    std::optional<std::int64_t> exit_code;
    std::optional<TimePoint> finished_at;

    // The Compose service, or the name where Compose did not make it.
    [[nodiscard]] std::string service() const;
    // The Compose project; empty where Compose did not make it. Services of the same name in two
    // projects are two services.
    [[nodiscard]] std::string project() const;
    // Alive as far as a fault is concerned: there is a process to signal or freeze.
    [[nodiscard]] bool running() const {
        return state == ContainerState::kRunning || state == ContainerState::kPaused;
    }

    friend bool operator==(const Container&, const Container&) = default;
};

[[nodiscard]] std::string_view to_string(ContainerState state);
[[nodiscard]] std::string_view to_string(Health health);

inline constexpr std::string_view kComposeProjectLabel = "com.docker.compose.project";
inline constexpr std::string_view kComposeServiceLabel = "com.docker.compose.service";

}  // namespace chaos
