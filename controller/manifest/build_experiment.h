// A valid tree with all defaults → the typed experiment, and the checks that need both.
#pragma once

#include <vector>

#include "controller/api/experiment.h"
#include "controller/manifest/diagnostic.h"

namespace chaos::manifest {

// `root` has passed validate() and check_action(), and is filled with defaults.
[[nodiscard]] Experiment build_experiment(const Node& root, const CustomActions& custom);

// What no schema can say: modes that need a value, actions that could never start, targets that
// are not named in the spec, intensities above what safe mode allows.
void check_meaning(const Experiment& experiment, const Node& root,
                   std::vector<Diagnostic>& problems);

}  // namespace chaos::manifest
