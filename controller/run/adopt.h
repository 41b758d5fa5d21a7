// An edit may rename a scenario or put an action before another: the faults stay what they were,
// only their ids change.
#pragma once

#include <vector>

#include "controller/api/run.h"
#include "controller/run/plan.h"

namespace chaos::run {

// Gives records whose id is wanted no more, or for another fault, the id of a wanted fault without
// a record that is the same but for its name: same target, parameters and repetition. So nothing
// fires twice, and nothing is undone only to be injected again.
void adopt(std::vector<FaultRecord>& records, const std::vector<DesiredFault>& desired);

}  // namespace chaos::run
