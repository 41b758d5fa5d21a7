// What an attempt to inject or to undo makes of a fault's record, its target and the run's events:
// one place for the controller and its guard. Pure.
#pragma once

#include <string>

#include "controller/api/effect.h"
#include "controller/api/error.h"
#include "controller/api/run.h"
#include "controller/run/plan.h"

namespace chaos::run {

// Makes, or renews, the record of an injection that is about to be tried. True where the fault may
// be in force already, on the very life that is meant: it is then injected `again`.
bool record_intent(Run& run, const Injection& injection, TimePoint now);

// An attempt to inject. `again`: what record_intent answered. What may be in force keeps its
// record: a reply that was lost or that made no sense says nothing about what was done, and a fault
// that was there before is not gone because a later attempt was refused.
void note_injection(Run& run, const Injection& injection, const Result<Effect>& outcome, bool again,
                    TimePoint now);

// A fault in force was looked at again. Where that failed nothing is known, and it is looked at
// again soon.
void note_observation(Run& run, const std::string& fault_id, const Result<Effect>& outcome,
                      TimePoint now);

// The record could not be made durable, so nothing was done.
void note_unrecorded(Run& run, const std::string& fault_id, const Error& error, bool again,
                     TimePoint now);

// The run was stopped before the injection began, so nothing was done.
void note_withheld(Run& run, const std::string& fault_id, bool again);

// An attempt to undo. A container that is gone took its fault with it. `by`: "" or who undid it
// where that is not the controller. False where it has to be tried again.
bool note_undo(Run& run, const std::string& fault_id, const Result<Effect>& outcome,
               std::string_view by, TimePoint now);

// Takes over a record whose state changes without anything being done.
void note_settled(Run& run, const FaultRecord& settled, TimePoint now);

}  // namespace chaos::run
