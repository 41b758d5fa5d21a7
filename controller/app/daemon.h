// chaos-controller's parts, put together and run.
#pragma once

#include "controller/app/options.h"

namespace chaos::app {

// Runs until SIGTERM or SIGINT, undoes everything, and returns the exit code: 0 for an orderly end,
// 1 where it could not start, 3 where something could not be undone in time.
[[nodiscard]] int run_daemon(const Options& options);

// The guard's side of it; see controller/guard.
[[nodiscard]] int run_guard(const Options& options);

}  // namespace chaos::app
