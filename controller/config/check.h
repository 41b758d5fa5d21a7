// The checks of a configuration that no schema can express.
#pragma once

#include <vector>

#include "controller/api/config.h"
#include "controller/manifest/diagnostic.h"

namespace chaos::config {

// `root` is what `config` was built from.
void check(const Config& config, const manifest::Node& root,
           std::vector<manifest::Diagnostic>& problems);

}  // namespace chaos::config
