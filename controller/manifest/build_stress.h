// Stress actions: from their parameters to the fault, and what no schema can say of them.
#pragma once

#include <vector>

#include "controller/api/stress.h"
#include "controller/manifest/diagnostic.h"

namespace chaos::manifest {

// `parameters` has passed validate() and is filled with defaults.
[[nodiscard]] StressFault build_stress(StressAction action, const Node& parameters);

// `path`: of the parameters.
void check_stress(const StressFault& fault, const Node& parameters, const std::string& path,
                  std::vector<Diagnostic>& problems);

}  // namespace chaos::manifest
