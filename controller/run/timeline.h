// When what happens: the timeline of a run, computed once from (spec, seed, targets).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "controller/api/experiment.h"
#include "controller/run/selection.h"

namespace chaos::run {

// One fault on one container, in offsets from the run's origin.
struct Interval {
    std::string id;  // "scenario/0:container_kill/2@container": action index, type, repetition
    FaultSpec fault;
    std::string target;
    std::string service;
    Duration begin{};
    // For an instant fault the time after which it is too late to fire: the next repetition, or the
    // end of the experiment.
    Duration end{};

    friend bool operator==(const Interval&, const Interval&) = default;
};

struct ScenarioDraw {
    std::string name;
    bool drawn = false;

    friend bool operator==(const ScenarioDraw&, const ScenarioDraw&) = default;
};

struct Timeline {
    std::vector<ScenarioDraw> scenarios;
    std::vector<Interval> intervals;  // by begin, then id
    Duration length{};                // the end of the last interval; instants count their begin
    Duration limit{};                 // beyond which nothing reaches

    friend bool operator==(const Timeline&, const Timeline&) = default;
};

// Scenarios follow one another in the order listed, each if its probability is drawn; the actions
// of one follow one another, or begin together with order: parallel. Nothing reaches further than
// spec.duration beyond the first fault. Faults of one kind that overlap on a target are one: what
// is paused cannot be paused again.
[[nodiscard]] Timeline timeline(const Spec& spec, std::uint64_t seed,
                                const std::vector<Pick>& picks);

}  // namespace chaos::run
