// The life of a run: who is hit, what is wanted now, which phase it is in. Pure; the runtime calls
// decide(), carries the plan out, then calls conclude().
#pragma once

#include <map>
#include <string>

#include "controller/api/experiment.h"
#include "controller/api/run.h"
#include "controller/run/plan.h"

namespace chaos::run {

// Who holds a container's resource.
struct Holder {
    std::string experiment;
    bool ending = false;  // about to let go of it
};

struct Facts {
    const Spec& spec;       // the last good one
    bool wanted = true;     // false once the manifest is gone
    bool paused = false;    // by the annotation
    bool stopping = false;  // the controller is about to exit
    World world;
    // By "container/resource"; without what this run holds.
    const std::map<std::string, Holder>& held;
    Duration longest;  // global.experiment_timeout
    TimePoint now;
};

struct Decision {
    Run run;
    FaultPlan plan;
};

// Selects targets, computes what is wanted now and plans it. A run that cannot start comes back
// finished (Failed, Rejected or Completed) with an empty plan.
[[nodiscard]] Decision decide(Run run, const Facts& facts);

struct Conclusion {
    Run run;
    std::optional<TimePoint> wait_until;
};

// After the plan was carried out (and noted in run.faults): start time, phase, recovery, verdict.
[[nodiscard]] Conclusion conclude(Run run, const Facts& facts);

// The containers that decide() and conclude() want to know the incarnation of.
[[nodiscard]] std::vector<std::string> interesting(const Run& run, const Facts& facts);

// "container/resource" keys of what the run holds while it is not finished.
[[nodiscard]] std::vector<std::string> holdings(const Run& run, const Spec& spec);

}  // namespace chaos::run
