// Who is hit: a pure function of (spec, seed, population, who was chosen before).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "controller/api/container.h"
#include "controller/api/experiment.h"
#include "controller/safety/policy.h"

namespace chaos::run {

struct Pick {
    std::string name;
    std::string service;
    std::string container_id;
    std::vector<std::string> via;  // `service` of the target entries that led here; see Action
    std::string project;           // Compose's; may be empty

    friend bool operator==(const Pick&, const Pick&) = default;
};

struct Spared {
    std::string name;
    std::string why;

    friend bool operator==(const Spared&, const Spared&) = default;
};

struct Selection {
    std::vector<Pick> picks;  // by name
    std::size_t matched = 0;  // containers that the targets mean, protected ones left out
    std::size_t matched_services = 0;
    std::size_t service_cap = 0;    // how many services may be hit, from `safety`
    std::vector<Spared> spared;     // containers that would have matched, but must not be touched
    std::vector<std::string> down;  // matched, but not running
    std::string later;  // why somebody who may be hit later must not be now; "" where nobody is so

    friend bool operator==(const Selection&, const Selection&) = default;
};

// One that was chosen earlier in the run; it keeps its place as long as it still matches.
struct Chosen {
    std::string name;
    std::string service;
    std::string project;
};

// Chooses per target entry by mode and value, then keeps as many services as `safety` allows,
// preferring by weight. Only running containers are chosen anew; percentages round down, to at
// least one only where safety.at_least_one says so. Services hit earlier count against the cap for
// the whole run, even when they are gone. With targeting: static and a non-empty `chosen`, nobody
// new is chosen. In safe mode no two services on one path of dependencies are chosen, nor the last
// container of what a critical service needs.
[[nodiscard]] Selection select(const Spec& spec, std::uint64_t seed,
                               const std::vector<Container>& population,
                               const std::vector<Chosen>& chosen,
                               const safety::Policy& policy = {});

}  // namespace chaos::run
