#include "controller/run/outcome.h"

#include <utility>

#include "controller/run/recovery.h"

namespace chaos::run {
namespace {

std::string describe(const FaultRecord& fault) {
    return std::string{type_name(fault.spec)} + " on " + fault.target;
}

void merge(FaultRecord& fault, const Effect& effect) {
    for (const auto& [key, value] : effect.evidence) fault.evidence[key] = value;
    fault.attempts = 0;
    fault.not_before.reset();
    fault.last_error.clear();
    fault.unsupported = false;
}

void note_failure(FaultRecord& fault, const Error& error, Duration cap, TimePoint now) {
    ++fault.attempts;
    fault.last_error = error.context;
    fault.unsupported = error.code == ErrorCode::kUnsupported;
    fault.not_before = now + backoff(fault.attempts, cap);
}

void note_disturbance(Run& run, const FaultRecord& fault, TimePoint now) {
    if (auto* target = run.find_target(fault.target)) disturb(*target, fault, now);
}

void give_up(FaultRecord& fault) {
    fault.state = FaultState::kFailed;
    fault.injected_at.reset();
}

// The error leaves open whether the fault is in force now.
bool is_open(const Error& error, bool again) {
    if (again) return error.code != ErrorCode::kNotFound;
    return error.code == ErrorCode::kUnavailable || error.code == ErrorCode::kInternal;
}

// Said where a fault has lost its peers.
std::string nobody_hit(const FaultRecord& record) {
    const auto* network = std::get_if<NetworkFault>(&record.spec);
    if (network == nullptr) return {};
    const bool no_to = network->to && network->to->names_addresses() && record.peers.to.empty();
    const bool no_from = network->partition && record.peers.partition.empty();
    return no_to || no_from ? ", for nobody at the moment: its peers have no address" : "";
}

std::string injected_text(const FaultRecord& record, Cause cause, bool before, bool again) {
    const auto what = describe(record);
    if (cause == Cause::kChange) return "changed " + what + " in place" + nobody_hit(record);
    if (!before) return "injected " + what;
    if (again) return "put back " + what + ", which was not in force any more";
    return "injected " + what + " again, which started at " + record.incarnation.started_at;
}

}  // namespace

bool record_intent(Run& run, const Injection& injection, TimePoint now) {
    const auto& wanted = injection.fault;
    auto* record = run.find_fault(wanted.id);
    const bool again =
        record != nullptr && record->holds() && record->incarnation == injection.onto;
    if (record == nullptr) {
        run.faults.push_back({.id = wanted.id,
                              .spec = wanted.fault,
                              .target = wanted.target,
                              .service = wanted.service});
        record = &run.faults.back();
        record->uid =
            run.experiment + "/" + wanted.id + "/" + std::to_string(now.time_since_epoch().count());
    }
    if (!again) record->evidence.clear();  // it is another life's
    record->spec = wanted.fault;
    record->incarnation = injection.onto;
    record->state = FaultState::kRecorded;
    record->recovered_at.reset();
    record->experiment = run.experiment;
    record->peers = wanted.peers;
    record->ends_at = record->armed_until = wanted.end;
    record->recorded_at = now;
    record->undoing = false;
    // The clock of a kill starts here: nothing between this and the signal takes long.
    if (is_instant(record->spec)) record->injected_at = now;
    if (auto* target = run.find_target(record->target)) target->incarnation = injection.onto;
    return again;
}

void note_injection(Run& run, const Injection& injection, const Result<Effect>& outcome, bool again,
                    TimePoint now) {
    auto& record = *run.find_fault(injection.fault.id);
    if (!outcome) {
        const auto& error = outcome.error();
        note_failure(record, error, kInjectBackoffCap, now);
        if (error.code == ErrorCode::kNotFound && !is_instant(record.spec) && record.injected_at) {
            // It was in force, and went with the life it was in: the next one gets it again.
            record.state = FaultState::kVanished;
            note_disturbance(run, record, now);
            run.add_event(now, true, "TargetChanged", error.context);
            return;
        }
        if (!is_open(error, again)) {
            give_up(record);
            // Waiting will not mend it.
            if (error.code == ErrorCode::kConflict || !error.retryable()) {
                record.not_before.reset();
            }
        }
        run.add_event(now, true,
                      error.code == ErrorCode::kUnsupported ? "Unsupported" : "InjectionFailed",
                      error.context);
        return;
    }
    const bool lasts = !is_instant(record.spec);
    const bool before = lasts && record.injected_at;
    record.state = lasts ? FaultState::kInjected : FaultState::kFired;
    const bool in_place = again && before && injection.cause != Cause::kPutBack;
    if (!in_place) record.injected_at = outcome->at;
    record.observed_at = now;
    if (injection.cause == Cause::kChange) record.evidence.erase("effect");  // to be seen anew
    merge(record, *outcome);
    auto* target = run.find_target(record.target);
    if (!lasts) {
        note_disturbance(run, record, now);
    } else if (target != nullptr && target->vanished) {
        target->disturbed_at.reset();  // the fault is back: recovery counts from its end
        target->vanished = target->timed_out = false;
    }
    const bool silent = injection.cause == Cause::kConfirm || injection.cause == Cause::kMove;
    if (silent && before) return;
    run.add_event(now, false, injection.cause == Cause::kNew ? "FaultInjected" : "FaultChanged",
                  injected_text(record, injection.cause, before, again));
}

void note_observation(Run& run, const std::string& fault_id, const Result<Effect>& outcome,
                      TimePoint now) {
    auto& record = *run.find_fault(fault_id);
    record.observed_at = now;
    if (!outcome) {
        // Its container has ended: the next look at that tells.
        if (outcome.error().code != ErrorCode::kNotFound) {
            record.last_error = outcome.error().context;
            run.add_event(now, true, "ObservationFailed", outcome.error().context);
        }
        return;
    }
    // All that is known of a stressor is in each look: what is not asked for any more goes.
    if (std::holds_alternative<StressFault>(record.spec)) record.evidence.clear();
    merge(record, *outcome);
    if (!outcome->put_back) return;
    run.add_event(now, true, "FaultPutBack",
                  "put back " + describe(record) + ", which was not in force any more");
}

void note_unrecorded(Run& run, const std::string& fault_id, const Error& error, bool again,
                     TimePoint now) {
    auto& record = *run.find_fault(fault_id);
    if (!again) give_up(record);
    note_failure(record, error, kInjectBackoffCap, now);
}

void note_withheld(Run& run, const std::string& fault_id, bool again) {
    if (again) return;  // in force from before: it is undone
    auto& record = *run.find_fault(fault_id);
    if (record.state != FaultState::kRecorded) return;  // it was settled meanwhile
    record.state = FaultState::kSkipped;
    record.injected_at.reset();
    record.last_error = "the run was stopped before it was injected";
}

bool note_undo(Run& run, const std::string& fault_id, const Result<Effect>& outcome,
               std::string_view by, TimePoint now) {
    auto& record = *run.find_fault(fault_id);
    if (!outcome && outcome.error().code != ErrorCode::kNotFound) {
        // The attempts to inject count no more: undoing has a backoff of its own.
        if (!std::exchange(record.undoing, true)) record.attempts = 0;
        note_failure(record, outcome.error(), kUndoBackoffCap, now);
        run.add_event(now, true, "UndoFailed", outcome.error().context);
        return false;
    }
    record.state = outcome ? FaultState::kUndone : FaultState::kVanished;
    record.recovered_at = outcome ? outcome->at : now;
    if (outcome && !record.injected_at && !record.last_error.empty() && !record.undoing) {
        // Every attempt has failed, and whether one had an effect all the same is settled now.
        record.state = FaultState::kFailed;
        record.not_before.reset();
    } else if (outcome) {
        merge(record, *outcome);
    }
    note_disturbance(run, record, now);
    const auto who = by.empty() ? std::string{} : std::string{by} + ": ";
    run.add_event(now, false, outcome ? "FaultUndone" : "TargetVanished",
                  who + (outcome ? "undid " : "nothing left to undo: ") + describe(record));
    return true;
}

void note_settled(Run& run, const FaultRecord& settled, TimePoint now) {
    auto* record = run.find_fault(settled.id);
    if (record != nullptr) {
        *record = settled;
    } else {
        run.faults.push_back(settled);
    }
    if (settled.state == FaultState::kFired) note_disturbance(run, settled, now);
}

}  // namespace chaos::run
