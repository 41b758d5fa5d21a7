// Network actions: from their parameters to the fault, and what no schema can say of them.
#pragma once

#include <vector>

#include "controller/api/network.h"
#include "controller/manifest/diagnostic.h"

namespace chaos::manifest {

// `parameters` has passed validate() and is filled with defaults.
[[nodiscard]] NetworkFault build_network(NetworkAction action, const Node& parameters);

// `path`: of the parameters.
void check_network(const NetworkFault& fault, const Node& parameters, const std::string& path,
                   std::vector<Diagnostic>& problems);

}  // namespace chaos::manifest
