// Network and stress faults and peers' addresses as JSON, field by field as manifests name them.
#pragma once

#include "controller/api/network.h"
#include "controller/api/stress.h"
#include "controller/json/json.h"

namespace chaos::store {

// Inside an object: the members of the fault, all but its type.
void put_network(json::Writer& out, const NetworkFault& fault);
[[nodiscard]] NetworkFault get_network(NetworkAction action, json::Value from);

void put_stress(json::Writer& out, const StressFault& fault);
[[nodiscard]] StressFault get_stress(StressAction action, json::Value from);

// Inside an object: the members of the addresses.
void put_addresses(json::Writer& out, const PeerAddresses& addresses);
[[nodiscard]] PeerAddresses get_addresses(json::Value from);

}  // namespace chaos::store
