// What the schema has and this version does not do yet: rejected, never ignored. Each part that
// builds something deletes its line here.
#pragma once

#include <vector>

#include "controller/manifest/diagnostic.h"

namespace chaos::manifest {

// Fields and values of a document that are valid and not supported.
void check_supported(const Node& document, std::vector<Diagnostic>& problems);

}  // namespace chaos::manifest
