// The configuration that a verb goes by.
#pragma once

#include "controller/ctl/context.h"

namespace chaos::ctl {

// Fills context.config: from the file named on the command line, else from that of the controller
// that answers, else defaults. Returns the exit code: a named file that is invalid is an error,
// with every problem on context.err.
int load_settings(Context& context);

}  // namespace chaos::ctl
