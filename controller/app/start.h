// From the command line to a running controller, or its guard.
#pragma once

#include "controller/app/options.h"

namespace chaos::app {

// The exit code: as run_parts(), 2 where options are missing.
[[nodiscard]] int run_daemon(const Options& options);

// The guard's side of it; see controller/guard.
[[nodiscard]] int run_guard(const Options& options);

}  // namespace chaos::app
