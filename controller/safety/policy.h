// Which containers may be touched at all. Pure.
#pragma once

#include <optional>
#include <set>
#include <string>

#include "controller/api/config.h"
#include "controller/api/container.h"
#include "controller/safety/graph.h"

namespace chaos::safety {

struct Policy {
    SafetyConfig safety;
    Graph graph;
    std::string own_container;     // id, or a prefix of it; empty: the controller runs on the host
    std::set<std::string> busy;    // keys of services that other experiments are hitting
    std::set<std::string> held;    // names of containers that other experiments are hitting
    std::set<std::string> rested;  // keys of services that were hit too short a time ago
};

// Why a container must never be touched; absent where it may be. `safe`: in safe mode.
[[nodiscard]] std::optional<std::string> why_spared(const Policy& policy,
                                                    const Container& container, bool safe);

// Why a container must not be chosen now, though it may be later: it was hit too short a time ago,
// or, in safe mode, none that serves is left besides it of what a critical service needs. Not to be
// asked of one that was chosen before: its own fault may have made it so. `others`: how many more
// of its service serve.
[[nodiscard]] std::optional<std::string> why_spared_now(const Policy& policy,
                                                        const Container& container, bool safe,
                                                        std::size_t others);

// Whether a container does its work for those that depend on it: it runs, is not ill, and no other
// experiment is hitting it.
[[nodiscard]] bool serves(const Policy& policy, const Container& container);

// Whether one container of a service must be left alone in safe mode, since a critical service
// depends on it.
[[nodiscard]] bool keeps_one(const Policy& policy, const std::string& key);

// The service, other than itself, among `hit` or those that other experiments hit, that lies on one
// path of dependencies with `key`; absent where there is none.
[[nodiscard]] std::optional<std::string> path_neighbour(const Policy& policy,
                                                        const std::string& key,
                                                        const std::set<std::string>& hit);

}  // namespace chaos::safety
