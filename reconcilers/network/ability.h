// What this kernel can do to packets, found out by trying in a namespace that ends with the trial.
#pragma once

#include <string>
#include <vector>

#include "controller/api/error.h"

namespace chaos::network {

struct Ability {
    std::string discipline;  // "netem"
    bool there = false;
    std::string why;  // the kernel's words where it is not

    friend bool operator==(const Ability&, const Ability&) = default;
};

// One a discipline that network faults need. Errors: kPermission (making a namespace needs
// CAP_SYS_ADMIN), kUnavailable.
[[nodiscard]] Result<std::vector<Ability>> abilities();

}  // namespace chaos::network
