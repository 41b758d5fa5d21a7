#include "controller/run/lifecycle.h"

#include <algorithm>

#include "controller/run/admission.h"
#include "controller/run/recovery.h"

namespace chaos::run {
namespace {

// An undo that keeps failing for this long is reported as CleanupFailed; it is still retried.
constexpr Duration kCleanupPatience = std::chrono::minutes{2};

void end_dry_run(Run& run, const Timeline& plan, const Facts& facts) {
    for (const auto& interval : plan.intervals) {
        run.add_event(facts.now, false, "WouldInject",
                      interval.id + " after " + format_duration(interval.begin));
    }
    finish(run, Phase::kCompleted, Verdict::kPass, "DryRun",
           std::to_string(plan.intervals.size()) + " faults planned, none injected", facts.now);
    run.settled = true;
}

void note_stop(Run& run, const Facts& facts) {
    if (!run.stop_reason.empty()) return;
    if (!facts.wanted) {
        run.stop_reason = "ManifestDeleted";
    } else if (facts.stopping &&
               (run.holds_faults() || (run.phase == Phase::kRunning && !run.paused_since))) {
        run.stop_reason = "ControllerStopped";
    } else {
        return;
    }
    run.add_event(facts.now, true, run.stop_reason, "aborting: undoing every fault");
}

// While paused nothing is wanted; afterwards the timeline goes on where it stood.
void note_pause(Run& run, const Facts& facts) {
    const bool paused = (facts.paused || run.held) && run.stop_reason.empty() && !run.finished();
    if (paused && !run.paused_since) {
        run.paused_since = facts.now;
        run.add_event(facts.now, false, "Paused", "faults are undone and the clock stands");
    } else if (!paused && run.paused_since) {
        const Duration stood = facts.now - *run.paused_since;
        run.origin += stood;
        run.paused_total += stood;
        run.paused_since.reset();
        run.add_event(facts.now, false, "Resumed", "after " + humanize_duration(stood));
    }
}

bool is_recovering(const Run& run) {
    return run.phase == Phase::kRecovering || run.phase == Phase::kCleanupFailed;
}

bool wants_faults(const Run& run) {
    return run.stop_reason.empty() && !run.finished() && !is_recovering(run) && !run.paused_since;
}

// When a target is to be started; nullopt while Docker does not answer or a fault of ours keeps it
// down on purpose.
std::optional<TimePoint> rescue_time(const Run& run, const RunTarget& target, const Facts& facts) {
    const bool kept_down = std::ranges::any_of(
        run.faults, [&](const auto& f) { return f.target == target.name && f.holds(); });
    if (!facts.world.synced || kept_down) return std::nullopt;
    const auto due = rescue_due(target, find_container(facts.world, target.name));
    return due ? std::optional{std::max(*due, facts.now)} : std::nullopt;
}

std::vector<std::string> to_rescue(const Run& run, const Facts& facts) {
    std::vector<std::string> names;
    for (const auto& target : run.targets) {
        if (!run.settled && rescue_time(run, target, facts) == facts.now) {
            names.push_back(target.name);
        }
    }
    return names;
}

bool awaits_rescue(const Run& run, const Facts& facts) {
    return std::ranges::any_of(run.targets, [&](const auto& target) {
        return rescue_due(target, find_container(facts.world, target.name)).has_value();
    });
}

}  // namespace

Decision decide(Run run, const Facts& facts) {
    note_stop(run, facts);
    note_pause(run, facts);
    std::vector<DesiredFault> desired;
    if (wants_faults(run)) {
        const bool admitted = !run.targets.empty();
        if (!admitted && (!facts.world.synced || facts.stopping)) return {std::move(run), {}};
        const auto selection = select_now(run, facts);
        if (!admitted && !admit(run, selection, facts)) return {std::move(run), {}};
        if (admitted && facts.world.synced) follow(run, selection, facts);
        const auto intervals = timeline_now(run, facts);
        if (run.dry_run) {
            end_dry_run(run, intervals, facts);
            return {std::move(run), {}};
        }
        desired = place(intervals, run.origin, run.targets);
    }
    auto faults = plan(desired, run.faults, facts.world, facts.now);
    faults.start = to_rescue(run, facts);
    return {std::move(run), std::move(faults)};
}

namespace {

// Moves the origin so that the first success lies where the timeline has it: the duration counts
// from the first successful injection, not from admission.
void note_start(Run& run, const Facts& facts) {
    if (run.start_time) {
        run.deadline = *run.start_time + capped(facts).duration + run.paused_total;
        return;
    }
    const FaultRecord* first = nullptr;
    for (const auto& fault : run.faults) {
        if (fault.injected_at && fault.state != FaultState::kRecorded &&
            (first == nullptr || *fault.injected_at < *first->injected_at)) {
            first = &fault;
        }
    }
    if (first == nullptr) return;
    run.start_time = first->injected_at;
    run.deadline = *run.start_time + capped(facts).duration + run.paused_total;
    const auto plan = timeline_now(run, facts);
    const auto it = std::ranges::find(plan.intervals, first->id, &Interval::id);
    if (it != plan.intervals.end()) run.origin = *first->injected_at - it->begin;
}

// Nothing more will come of a fault of the timeline: it is over, or it has failed for good.
bool is_over(const DesiredFault& fault, const Run& run, TimePoint now) {
    const auto record = std::ranges::find(run.faults, fault.id, &FaultRecord::id);
    if (record == run.faults.end()) return !is_instant(fault.fault) && now >= fault.end;
    if (record->not_before) return now >= fault.end;
    if (record->state == FaultState::kFailed) return true;
    if (!is_instant(fault.fault)) return now >= fault.end;
    return record->state != FaultState::kRecorded;
}

bool timeline_over(const Run& run, const Facts& facts) {
    if (!run.stop_reason.empty()) return true;
    return std::ranges::all_of(place(timeline_now(run, facts), run.origin, run.targets),
                               [&](const auto& fault) { return is_over(fault, run, facts.now); });
}

bool undone(const Run& run) {
    return !run.holds_faults() && std::ranges::none_of(run.faults, [](const FaultRecord& f) {
        return f.state == FaultState::kRecorded;
    });
}

void note_recovery(Run& run, const RunTarget& before, const RunTarget& target, TimePoint now) {
    if (!target.disturbed_at) return;
    if (target.time_to_running && !before.time_to_running) {
        run.add_event(
            now, false, "TargetRunning",
            target.name + " ran again after " + humanize_duration(*target.time_to_running));
    }
    if (target.time_to_healthy && !before.time_to_healthy) {
        run.add_event(
            now, false, "TargetHealthy",
            target.name + " was healthy after " + humanize_duration(*target.time_to_healthy));
    }
    if (target.timed_out && !before.timed_out) {
        run.add_event(now, true, "RecoveryTimeout", target.name + " did not recover in time");
    }
}

// When each target's recovery is to be looked at again; nullopt when all is known.
std::optional<TimePoint> track_all(Run& run, const Facts& facts) {
    std::optional<TimePoint> next;
    if (!facts.world.synced) return next;  // nothing that is seen now says anything
    for (auto& target : run.targets) {
        const auto before = target;
        const auto again = track(target, find_container(facts.world, target.name),
                                 facts.spec.recovery_timeout, facts.now);
        const auto rescue = rescue_time(run, target, facts);
        for (const auto& time : {again, rescue}) {
            if (time && (!next || *time < *next)) next = time;
        }
        note_recovery(run, before, target, facts.now);
    }
    for (auto& fault : run.faults) {
        if (is_instant(fault.spec))
            add_death_evidence(fault, find_container(facts.world, fault.target));
    }
    return next;
}

std::string join_names(const std::vector<std::string>& names) {
    std::string text;
    for (const auto& name : names) text += (text.empty() ? "" : ", ") + name;
    return text;
}

// The targets that needed help, and whether it did help.
struct Late {
    std::vector<std::string> started;
    std::vector<std::string> lost;
};

Late late_targets(const Run& run) {
    Late late;
    for (const auto& target : run.targets) {
        if (target.timed_out) (target.recovered ? late.started : late.lost).push_back(target.name);
    }
    return late;
}

void complete_late(Run& run, const Late& late, const Facts& facts) {
    const auto timeout = format_duration(facts.spec.recovery_timeout);
    const auto all = late.lost.empty() ? late.started : late.lost;
    auto message = join_names(all) + " not healthy within " + timeout;
    if (late.lost.empty()) {
        finish(run, Phase::kCompleted, Verdict::kFail, "NotRecovered",
               message + " by itself; started by the controller, then healthy", facts.now);
    } else {
        finish(run, Phase::kCleanupFailed, Verdict::kFail, "NotRecovered",
               message + "; by hand: docker start " + join_names(late.lost), facts.now);
    }
}

void complete(Run& run, const Facts& facts) {
    const auto late = late_targets(run);
    const auto failed = std::ranges::find(run.faults, FaultState::kFailed, &FaultRecord::state);
    if (failed != run.faults.end()) {
        finish(run, Phase::kFailed, Verdict::kError, "InjectionFailed",
               failed->id + ": " + failed->last_error, facts.now);
    } else if (!late.started.empty() || !late.lost.empty()) {
        complete_late(run, late, facts);
    } else if (!run.start_time && !timeline_now(run, facts).intervals.empty()) {
        finish(run, Phase::kFailed, Verdict::kError, "NothingInjected",
               "no target was running while a fault was due", facts.now);
    } else if (!run.start_time) {
        finish(run, Phase::kCompleted, Verdict::kPass, "NothingDrawn",
               "no scenario was drawn by its probability; nothing was injected", facts.now);
    } else {
        finish(run, Phase::kCompleted, Verdict::kPass, "Recovered",
               run.targets.size() == 1 ? "the target recovered" : "all targets recovered",
               facts.now);
    }
    run.settled = true;
}

void note_cleanup_failure(Run& run, const Facts& facts) {
    if (!run.recovering_since || facts.now - *run.recovering_since < kCleanupPatience) return;
    for (const auto& fault : run.faults) {
        if (!fault.holds() || fault.attempts == 0) continue;
        run.phase = Phase::kCleanupFailed;
        run.reason = "UndoFailed";
        run.message =
            fault.last_error + "; still retried; by hand: " + manual_undo(fault.spec, fault.target);
        run.add_event(facts.now, true, run.reason, run.message);
    }
}

// Recovering: undo what holds, then watch the targets.
std::optional<TimePoint> recover(Run& run, const Facts& facts) {
    if (!is_recovering(run) && !run.finished()) {
        run.phase = Phase::kRecovering;
        run.reason = run.stop_reason;
        run.message.clear();
        run.recovering_since = facts.now;
    }
    const auto next = track_all(run, facts);
    if (!undone(run)) {
        note_cleanup_failure(run, facts);
        return next;
    }
    const bool watching = next || awaits_rescue(run, facts) || !facts.world.synced;
    if (!run.stop_reason.empty()) {
        if (!run.finished()) {
            finish(run, Phase::kAborted, Verdict::kAborted, run.stop_reason,
                   "every fault undone and verified gone", facts.now);
        }
        run.settled = !watching;
    } else if (!watching) {
        complete(run, facts);
    }
    return run.settled ? std::nullopt : next;
}

// Nothing could be injected although the whole duration has passed since admission.
bool gave_up(const Run& run, const Facts& facts) {
    return !run.start_time && !run.targets.empty() &&
           facts.now >= run.origin + capped(facts).duration;
}

}  // namespace

Conclusion conclude(Run run, const Facts& facts) {
    if (run.settled) return {std::move(run), std::nullopt};
    if (!run.finished() && run.targets.empty() && run.stop_reason.empty()) {
        return {std::move(run), std::nullopt};  // pending or waiting: woken by what it waits for
    }
    note_start(run, facts);
    if (run.paused_since) {
        auto next = track_all(run, facts);
        return {std::move(run), next};
    }
    if (is_recovering(run) || run.finished() || gave_up(run, facts) ||
        (facts.world.synced && timeline_over(run, facts)) ||
        (run.deadline && facts.now >= *run.deadline)) {
        auto next = recover(run, facts);
        return {std::move(run), next};
    }
    auto next = track_all(run, facts);
    run.phase = run.start_time ? Phase::kRunning : Phase::kInjecting;
    if (run.deadline && (!next || *run.deadline < *next)) next = run.deadline;
    return {std::move(run), next};
}

std::vector<std::string> interesting(const Run& run, const Facts& facts) {
    std::vector<std::string> names;
    for (const auto& target : run.targets) names.push_back(target.name);
    if (run.finished() || !run.stop_reason.empty() || !facts.world.synced || !facts.wanted) {
        return names;
    }
    for (const auto& pick : select_now(run, facts).picks) {
        if (std::ranges::find(names, pick.name) == names.end()) names.push_back(pick.name);
    }
    return names;
}

std::vector<std::string> holdings(const Run& run, const Spec& spec) {
    std::vector<std::string> keys;
    if (run.finished()) return keys;
    for (const auto& target : run.targets) {
        for (const auto& resource : resources(spec)) keys.push_back(target.name + "/" + resource);
    }
    return keys;
}

}  // namespace chaos::run
