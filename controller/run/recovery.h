// Whether, and how fast, a target came back after a fault. Times come from Docker's events.
#pragma once

#include "controller/api/container.h"
#include "controller/api/run.h"

namespace chaos::run {

// How long a process gets to die of a signal that it may also handle or ignore. Until then the life
// that was hit does not count as running again.
inline constexpr Duration kSignalGrace = std::chrono::seconds{5};

inline constexpr std::string_view kGone = "gone";  // RunTarget::state where there is no container

// Starts the recovery clock: a kill at its injection, a pause at its end. `fault` is the record
// after the event.
void disturb(RunTarget& target, const FaultRecord& fault, TimePoint now);

// Brings time_to_running, time_to_healthy, recovered and timed_out up to date with what is observed
// now; `container` is null where there is none. Returns when to look again for time's sake alone.
std::optional<TimePoint> track(RunTarget& target, const Container* container, Duration timeout,
                               TimePoint now);

// How often a target that stays down is started before it is given up.
inline constexpr int kMaxRescues = 5;

// From when on a target that was hit and is down may be started, and one that is unhealthy although
// it had its time restarted (at once: the epoch); nullopt where there is nothing to start, or it
// was tried often enough. It gets its recovery timeout to come back by itself, unless there is a
// `hurry`: nobody may be there to wait.
[[nodiscard]] std::optional<TimePoint> rescue_due(const RunTarget& target,
                                                  const Container* container, bool hurry);

// Notes one attempt to start it, made at `now`; `error` is empty where Docker accepted it.
void note_rescue(RunTarget& target, const std::string& error, TimePoint now);

// Notes that it was not down when it was to be started; looked at again after a second.
void note_no_rescue(RunTarget& target, TimePoint now);

// Adds to the record of an instant fault what is known of the death it caused, if it did: exit code
// and time, and the start of the next life.
void add_death_evidence(FaultRecord& fault, const Container* container);

}  // namespace chaos::run
