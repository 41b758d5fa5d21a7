// The state of the whole controller for `chaosctl status` and `chaosctl monkey status`.
#pragma once

#include <string>

#include "controller/app/control.h"

namespace chaos::app {

// JSON: configuration, emergency stop, gates with their figures, what runs, the monkey.
[[nodiscard]] std::string state_text(const Controls& controls);

}  // namespace chaos::app
