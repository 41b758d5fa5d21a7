// The process that undoes when the controller cannot: it waits for the controller's death, gives a
// new one time to take over, and then undoes from the journal whatever is in force.
#pragma once

#include <string>

#include "controller/api/time.h"

namespace chaos::guard {

struct Settings {
    int watch_fd = -1;    // a pidfd of the controller
    int controller = -1;  // its process id
    std::string state_dir;
    std::string docker_path;
    // How long a new controller has to come: specification section 6.
    Duration grace = std::chrono::seconds{5};
};

// Returns when there is nothing (left) to undo, or another controller has the state: the exit code.
[[nodiscard]] int run(const Settings& settings);

}  // namespace chaos::guard
