// The controller's parts, put together and run.
#pragma once

#include <string>

#include "controller/app/config_source.h"
#include "controller/app/options.h"
#include "controller/guard/process.h"
#include "controller/store/store.h"
#include "reconcilers/stress/keeper.h"

namespace chaos::app {

// What was there to be had before anything began.
struct State {
    std::string docker_path;  // of the engine's socket
    store::Store store;
    stress::Keeper keeper;
    guard::Process guard;
};

// `given`: the command line; `options`: the same, completed by the configuration. Runs until
// SIGTERM, SIGINT or chaosctl stop, undoes everything, and returns the exit code: 0 for an orderly
// end, 1 where it could not start, 3 where something could not be undone in time.
[[nodiscard]] int run_parts(const Options& given, const Options& options, ConfigSource& config,
                            State state);

}  // namespace chaos::app
