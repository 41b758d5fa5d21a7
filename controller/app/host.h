#pragma once

#include <string>

namespace chaos::app {

// What stands for this host in derived seeds: /etc/machine-id, else the host name. `chaosctl plan`
// uses the same, so that it foretells the run.
[[nodiscard]] std::string host_identity();

// Where the state store is unless said otherwise: $STATE_DIRECTORY (systemd's), for root
// /var/lib/chaos-controller, for others below $XDG_STATE_HOME.
[[nodiscard]] std::string default_state_dir();

// The id of the container that this process runs in, or a prefix of it; "" on the host itself.
[[nodiscard]] std::string own_container();

}  // namespace chaos::app
