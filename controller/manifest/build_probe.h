// Probes of a valid tree with all defaults, and the checks that their types need.
#pragma once

#include <vector>

#include "controller/api/probe.h"
#include "controller/manifest/diagnostic.h"

namespace chaos::manifest {

[[nodiscard]] Probe build_probe(const Node& node);

// What each type needs and the names, which must differ. `list` is spec.probes.
void check_probes(const std::vector<Probe>& probes, const Node& list,
                  std::vector<Diagnostic>& problems);

}  // namespace chaos::manifest
