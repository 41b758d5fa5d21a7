#pragma once

#include <string>

namespace chaos::app {

// What stands for this host in derived seeds: /etc/machine-id, else the host name. `chaosctl plan`
// uses the same, so that it foretells the run.
[[nodiscard]] std::string host_identity();

}  // namespace chaos::app
