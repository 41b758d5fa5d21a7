// Who else suffered: services that depend on a target and became ill while it was hit. Pure.
#pragma once

#include "controller/run/lifecycle.h"

namespace chaos::run {

// The keys of the services of a run's targets; see safety::service_key.
[[nodiscard]] std::set<std::string> hit_services(const Run& run);

// Brings run.suffered up to date with the health of the dependents of what was hit. What was ill
// before the first fault does not count.
void track_cascade(Run& run, const Facts& facts);

// Levels of dependents that became ill: 1 for those that depend on a target directly; 0: none.
[[nodiscard]] int cascade_depth(const Run& run);

// Those that have not become well again.
[[nodiscard]] std::vector<std::string> still_ill(const Run& run);

// The stop condition of the spec that is met now, in words; absent where none is. Conditions that
// must hold for a while are noted in the run.
[[nodiscard]] std::optional<std::string> met_condition(Run& run, const Facts& facts);

// When a condition that is met now has been so for long enough.
[[nodiscard]] std::optional<TimePoint> condition_due(const Run& run, const Facts& facts);

}  // namespace chaos::run
