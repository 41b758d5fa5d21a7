// Whom network faults mean by services and hostnames: addresses, as the world has them now. Pure.
#pragma once

#include <string>
#include <vector>

#include "controller/api/experiment.h"
#include "controller/run/plan.h"

namespace chaos::run {

// A protected container that shares the network namespace of the fault's target, and would be hit
// with it; "" where there is none, and for other kinds of fault.
[[nodiscard]] std::string endangered(const DesiredFault& fault, const World& world, bool safe);

// Fills in the addresses of a fault's peers; nothing for other kinds of fault.
void resolve(DesiredFault& fault, const World& world);

// Why a fault that names its peers cannot be injected now: nobody of that name has an address, or
// it is not known whom an exception spares; "" where it can.
[[nodiscard]] std::string lacks_peers(const DesiredFault& fault, const World& world);

// The part of it about whom the fault is to spare.
[[nodiscard]] std::string lacks_exceptions(const DesiredFault& fault, const World& world);

// Spares whom the fault in force spares as well: an address that is not in the latest answer, or
// not known after a restart, is not hit because of that.
void keep_exceptions(DesiredFault& fault, const FaultRecord& record);

// The containers that are named as peers, and the hostnames.
[[nodiscard]] std::vector<std::string> peer_containers(const Spec& spec, const World& world);
[[nodiscard]] std::vector<std::string> peer_hostnames(const Spec& spec);

}  // namespace chaos::run
