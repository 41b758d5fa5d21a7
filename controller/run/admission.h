// How a run gets its targets: admitted, refused, waiting; and who joins later. Pure parts of
// lifecycle.cpp, which alone uses them.
#pragma once

#include <set>
#include <string>

#include "controller/run/lifecycle.h"
#include "controller/run/selection.h"

namespace chaos::run {

// What the actions of a spec need for themselves on a container; see resources_of.
[[nodiscard]] std::set<std::string> resources(const Spec& spec);

// How long a run that another one is in the way of waits before it is rejected: a manifest that
// replaces another is often seen before the other's deletion is. Longer than the second look at a
// deletion and the patience with a checkout under way (controller/source/desired.h) in all but
// checkouts that hang.
inline constexpr Duration kConflictPatience = std::chrono::seconds{2};
// How long a container that is meant may take to be started.
inline constexpr Duration kStartPatience = std::chrono::seconds{2};

// The spec with its duration cut to what the configuration allows.
[[nodiscard]] Spec capped(const Facts& facts);

[[nodiscard]] Selection select_now(const Run& run, const Facts& facts);

// Ends a run and says so in its events.
void finish(Run& run, Phase phase, Verdict verdict, std::string reason, std::string message,
            TimePoint now);

// Targets at admission; false where the run waits or has ended instead.
[[nodiscard]] bool admit(Run& run, const Selection& selection, const Facts& facts);

// Those who joined the population while the run goes on; one that somebody else holds is left out.
void follow(Run& run, const Selection& selection, const Facts& facts);

// The timeline of the targets that are still meant: those the selection (of now) still has, and
// those that do not exist at the moment, since a container that is being recreated comes back under
// its name.
[[nodiscard]] Timeline timeline_of(const Run& run, const Selection& selection, const Facts& facts);

}  // namespace chaos::run
