// What this kernel can do to packets, found out by trying in a namespace that ends with the trial.
#pragma once

#include <string>
#include <vector>

#include "controller/api/error.h"
#include "reconcilers/network/visit.h"

namespace chaos::network {

struct Ability {
    std::string module;  // "sch_netem": what to load
    bool there = false;
    std::string why;      // the kernel's words where it is not
    std::string purpose;  // what needs it

    friend bool operator==(const Ability&, const Ability&) = default;
};

// All that network faults need. Errors: kPermission (making a namespace needs CAP_SYS_ADMIN),
// kUnavailable.
[[nodiscard]] Result<std::vector<Ability>> abilities();

// The same for a visit.
[[nodiscard]] Abilities as_abilities(const std::vector<Ability>& found);

}  // namespace chaos::network
