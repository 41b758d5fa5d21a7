// What several faults together do to a packet that all of them are for. Pure.
#pragma once

#include <vector>

#include "reconcilers/network/merge.h"

namespace chaos::network {

// Whether one discipline can do what all of them ask. Errors: kConflict.
[[nodiscard]] Result<> can_combine(const std::vector<const NetworkFault*>& faults);

// `mtu`: of the interface, in bytes. `netem`: whether the kernel has it; without it only rates are
// left to do here.
[[nodiscard]] Leaf combine(std::uint16_t number, const std::vector<const NetworkFault*>& faults,
                           unsigned mtu, bool netem);

// Whether the fault needs a discipline that is netem, and whether it needs any, and so a class
// (where the kernel has netem; see loss_by_nftables).
[[nodiscard]] bool needs_netem(const NetworkFault& fault);
[[nodiscard]] bool needs_class(const NetworkFault& fault);
// Whether nftables can do the fault's loss where there is no netem.
[[nodiscard]] bool loss_by_nftables(const NetworkFault& fault);

}  // namespace chaos::network
