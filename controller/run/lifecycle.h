// The life of a run: who is hit, what is wanted now, which phase it is in. Pure; the runtime calls
// decide(), carries the plan out, then calls conclude().
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "controller/api/experiment.h"
#include "controller/api/run.h"
#include "controller/run/plan.h"
#include "controller/safety/gates.h"

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
    // Who else holds a container's resource.
    const std::function<std::optional<Holder>(const std::string& container,
                                              const std::string& resource)>& holder_of;
    Duration longest;  // global.experiment_timeout
    TimePoint now;
    // The gates that are closed to this run.
    std::vector<safety::Closed> closed{};
    // What the probes have found in this run.
    std::vector<ProbeState> probes{};
};

struct Decision {
    Run run;
    FaultPlan plan;
    // What the plan was made from; absent where the run wants nothing now.
    std::optional<Timeline> timeline;
};

// Selects targets, computes what is wanted now and plans it. A run that cannot start comes back
// finished (Failed, Rejected or Completed) with an empty plan.
[[nodiscard]] Decision decide(Run run, const Facts& facts);

struct Conclusion {
    Run run;
    std::optional<TimePoint> wait_until;
};

// After the plan was carried out (and noted in run.faults): start time, phase, recovery, verdict.
// `timeline`: that of the decision, where nothing has happened since.
[[nodiscard]] Conclusion conclude(Run run, const Facts& facts,
                                  std::optional<Timeline> timeline = std::nullopt);

// The containers that decide() and conclude() want to know the incarnation of.
[[nodiscard]] std::vector<std::string> interesting(const Run& run, const Facts& facts);

// Whether the run holds a resource of a container: it is not finished, and its spec needs it there.
[[nodiscard]] bool holds(const Run& run, const Spec& spec, const std::string& container,
                         const std::string& resource);

}  // namespace chaos::run
