// How the services are, from what Docker says of their containers. Pure.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "controller/api/container.h"

namespace chaos::safety {

// All containers that count run, and none is unhealthy or restarting. Those that were never
// started, or have ended with exit code 0, do not count; a service of nothing else is not there.
[[nodiscard]] std::map<std::string, bool> service_health(const std::vector<Container>& containers);

struct HealthCount {
    std::size_t healthy = 0;
    std::size_t total = 0;
    std::vector<std::string> ill;  // service keys

    // 1 where there is no service at all.
    [[nodiscard]] double fraction() const {
        return total == 0 ? 1 : static_cast<double>(healthy) / static_cast<double>(total);
    }
};

// `left_out`: keys of services that do not count, since an experiment is hitting them.
[[nodiscard]] HealthCount count_health(const std::map<std::string, bool>& health,
                                       const std::set<std::string>& left_out);

}  // namespace chaos::safety
