#include <algorithm>

#include "controller/run/admission.h"
#include "controller/run/cascade.h"
#include "controller/run/recovery.h"
#include "controller/run/rescue.h"
#include "controller/run/steady.h"

namespace chaos::run {
namespace {

// An undo that keeps failing for this long is reported as CleanupFailed; it is still retried.
constexpr Duration kCleanupPatience = std::chrono::minutes{2};

// The reason of a run whose spec was edited so that no container is meant any more.
constexpr const char* kNothingLeft = "NoTargets";

bool awaits_rescue(const Run& run, const Facts& facts) {
    return std::ranges::any_of(run.targets, [&](const auto& target) {
        return rescue_time(run, target, facts).has_value();
    });
}

// Moves the origin so that the first success lies where the timeline has it: the duration counts
// from the first successful injection, not from admission.
void note_start(Run& run, const Timeline& timeline) {
    const FaultRecord* first = nullptr;
    for (const auto& fault : run.faults) {
        if (fault.injected_at && fault.state != FaultState::kRecorded &&
            (first == nullptr || *fault.injected_at < *first->injected_at)) {
            first = &fault;
        }
    }
    if (first == nullptr) return;
    run.start_time = first->injected_at;
    const auto it = std::ranges::find(timeline.intervals, first->id, &Interval::id);
    if (it != timeline.intervals.end()) run.origin = *first->injected_at - it->begin;
}

// What is in force knows when it has to end at the latest: for the guard, should it come to that.
void note_ends(Run& run, const std::vector<DesiredFault>& placed) {
    for (auto& fault : run.faults) {
        if (!fault.holds()) continue;
        const auto it = std::ranges::find(placed, fault.id, &DesiredFault::id);
        if (it != placed.end()) fault.ends_at = it->end;
    }
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

bool timeline_over(const Run& run, const std::vector<DesiredFault>& placed, TimePoint now) {
    return std::ranges::all_of(placed, [&](const auto& f) { return is_over(f, run, now); });
}

bool undone(const Run& run) {
    return !run.holds_faults() && std::ranges::none_of(run.faults, [](const FaultRecord& f) {
        return f.state == FaultState::kRecorded;
    });
}

// Somebody else has ended a target under a fault that does not.
void note_meddling(Run& run, const RunTarget& before, const RunTarget& target, TimePoint now) {
    const auto up = [](const std::string& state) {
        return state == "running" || state == "paused";
    };
    const bool under_fault = std::ranges::any_of(run.faults, [&](const FaultRecord& f) {
        const bool stopped = std::holds_alternative<ContainerStop>(f.spec);
        const bool ended = stopped ? before.state != kGone && target.state == kGone
                                   : up(before.state) && !up(target.state);
        return f.target == target.name && f.holds() && ended;
    });
    if (under_fault) {
        run.add_event(now, true, "TargetDown",
                      target.name + " is " + target.state + ", which is not this run's doing");
    }
}

void note_recovery(Run& run, const RunTarget& before, const RunTarget& target, TimePoint now) {
    if (!target.disturbed_at) return;
    // After a network fault it had never stopped.
    const bool ran_on = target.time_to_running == Duration{0};
    if (target.time_to_running && !before.time_to_running && !ran_on) {
        run.add_event(
            now, false, "TargetRunning",
            target.name + " ran again after " + humanize_duration(*target.time_to_running));
    }
    if (target.time_to_healthy && !before.time_to_healthy) {
        run.add_event(
            now, false, "TargetHealthy",
            target.name + " was healthy after " + humanize_duration(*target.time_to_healthy));
    }
    if (target.timed_out && !before.timed_out && !target.vanished) {
        run.add_event(now, true, "RecoveryTimeout", target.name + " did not recover in time");
    }
}

// When each target's recovery is to be looked at again; nullopt when all is known.
std::optional<TimePoint> track_all(Run& run, const Facts& facts) {
    std::optional<TimePoint> next;
    if (!facts.world.synced) return next;  // nothing that is seen now says anything
    track_cascade(run, facts);
    for (auto& target : run.targets) {
        const auto before = target;
        const auto again = track(target, find_container(facts.world, target.name),
                                 facts.spec.recovery_timeout, facts.now);
        const auto rescue = rescue_time(run, target, facts);
        for (const auto& time : {again, rescue}) {
            if (time && (!next || *time < *next)) next = time;
        }
        note_recovery(run, before, target, facts.now);
        note_meddling(run, before, target, facts.now);
    }
    for (auto& fault : run.faults) {
        if (is_instant(fault.spec))
            add_death_evidence(fault, find_container(facts.world, fault.target));
    }
    return next;
}

std::string join_names(const std::vector<std::string>& names, std::string_view between = ", ") {
    std::string text;
    for (const auto& name : names) {
        if (!text.empty()) text += between;
        text += name;
    }
    return text;
}

// The targets that did not come back by themselves.
struct Late {
    std::vector<std::string> started;  // by the controller or its guard, and then came
    std::vector<std::string> slow;     // came by themselves, or by somebody else's help
    std::vector<std::string> lost;
    std::vector<std::string> ended;  // by somebody else, during a fault
};

Late late_targets(const Run& run) {
    Late late;
    for (const auto& target : run.targets) {
        const bool helped = target.rescues > 0;
        if (!target.timed_out && !helped) continue;
        if (target.recovered) {
            (helped ? late.started : late.slow).push_back(target.name);
        } else {
            (target.vanished ? late.ended : late.lost).push_back(target.name);
        }
    }
    return late;
}

// What a person types to have the targets back.
std::string manual_start(const std::vector<std::string>& names, const Facts& facts) {
    std::vector<std::string> down;
    std::vector<std::string> ill;
    std::vector<std::string> gone;
    for (const auto& name : names) {
        const auto* container = find_container(facts.world, name);
        (container == nullptr ? gone : container->running() ? ill : down).push_back(name);
    }
    std::string text;
    const auto add = [&](const std::string& what, const std::vector<std::string>& whom,
                         std::string_view between) {
        if (!whom.empty()) text += (text.empty() ? "" : "; ") + what + join_names(whom, between);
    };
    add("docker start ", down, " ");
    add("docker restart ", ill, " ");
    add("make anew what does not exist any more: ", gone, ", ");
    return text;
}

void complete_late(Run& run, const Late& late, const Facts& facts) {
    const auto within = " not healthy within " + format_duration(facts.spec.recovery_timeout);
    std::string message;
    const auto add = [&](const std::vector<std::string>& names, const std::string& what) {
        if (!names.empty()) message += (message.empty() ? "" : "; ") + join_names(names) + what;
    };
    add(late.lost, within);
    add(late.started, " did not come back by itself; started by the controller, then healthy");
    add(late.slow, within + ", but later");
    if (late.lost.empty()) {
        finish(run, Phase::kCompleted, Verdict::kFail, "NotRecovered", message, facts.now);
        return;
    }
    finish(run, Phase::kCleanupFailed, Verdict::kFail, "NotRecovered",
           message + "; by hand: " + manual_start(late.lost, facts) + "; then: chaosctl recover " +
               run.experiment,
           facts.now);
}

// A run in which nothing was injected, and nothing failed either.
void complete_idle(Run& run, const Timeline& timeline, TimePoint now) {
    const bool drawn = std::ranges::any_of(timeline.scenarios, &ScenarioDraw::drawn);
    if (!timeline.intervals.empty()) {
        finish(run, Phase::kFailed, Verdict::kError, "NothingInjected",
               "no target was running while a fault was due, or nobody whom it was to hit had an "
               "address",
               now);
    } else if (drawn) {
        finish(run, Phase::kFailed, Verdict::kError, "NothingDue",
               "no action of the scenarios drawn is due on any of the targets chosen", now);
    } else {
        finish(run, Phase::kCompleted, Verdict::kPass, "NothingDrawn",
               "no scenario was drawn by its probability; nothing was injected", now);
    }
}

// Dependents and probes that were not as they should be, in words; "" where all were.
std::string unsteady_after(const Run& run, const Facts& facts) {
    if (!run.start_time) return {};
    const auto within = " within " + format_duration(facts.spec.recovery_timeout);
    if (const auto ill = still_ill(run); !ill.empty()) {
        return join_names(ill) + ", which depend on a target, were not healthy again" + within;
    }
    if (const auto failing = unrecovered_probes(facts); !failing.empty()) {
        return "probes that did not succeed after the faults" + within + ": " + join_names(failing);
    }
    const auto failed = failed_during(facts);
    return failed.empty() ? "" : "probes that failed during the run: " + join_names(failed);
}

void complete(Run& run, const Timeline& timeline, const Facts& facts) {
    const auto late = late_targets(run);
    const auto failed = std::ranges::find(run.faults, FaultState::kFailed, &FaultRecord::state);
    if (failed != run.faults.end()) {
        finish(run, Phase::kFailed, Verdict::kError,
               failed->unsupported ? "Unsupported" : "InjectionFailed",
               failed->id + ": " + failed->last_error, facts.now);
    } else if (!late.started.empty() || !late.slow.empty() || !late.lost.empty()) {
        complete_late(run, late, facts);
    } else if (!late.ended.empty()) {
        finish(run, Phase::kCompleted, Verdict::kFail, "TargetDown",
               join_names(late.ended) + " went down during a fault, and not by it", facts.now);
    } else if (auto unsteady = unsteady_after(run, facts); !unsteady.empty()) {
        finish(run, Phase::kCompleted, Verdict::kFail, "SteadyStateLost", std::move(unsteady),
               facts.now);
    } else if (run.reason == kNothingLeft) {
        finish(run, Phase::kFailed, Verdict::kError, "NoTargets",
               "the spec as edited leaves nothing to be done to any container; spec.safety may "
               "have no room for another service",
               facts.now);
    } else if (!run.start_time) {
        complete_idle(run, timeline, facts.now);
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

// Aborted as soon as every fault is undone; the targets are watched on, and one that stays down is
// the last word.
void abort(Run& run, bool watching, const Facts& facts) {
    if (!run.finished()) {
        finish(run, Phase::kAborted, Verdict::kAborted, run.stop_reason,
               "every fault undone and verified gone", facts.now);
    }
    run.settled = !watching;
    const auto lost = late_targets(run).lost;
    if (!run.settled || lost.empty()) return;
    finish(run, Phase::kCleanupFailed, Verdict::kAborted, "NotRecovered",
           join_names(lost) + " did not come back; by hand: " + manual_start(lost, facts),
           facts.now);
}

// How long the dependents that became ill may take to be well again, and probes to succeed; absent:
// no longer, or there is none.
std::optional<TimePoint> dependents_wait(const Run& run, const Facts& facts) {
    const bool probed = !run.finished() && run.start_time && !unrecovered_probes(facts).empty();
    if ((still_ill(run).empty() && !probed) || !run.recovering_since) return std::nullopt;
    const auto limit = *run.recovering_since + facts.spec.recovery_timeout;
    return facts.now < limit ? std::optional{limit} : std::nullopt;
}

// Recovering: undo what holds, then watch the targets.
std::optional<TimePoint> recover(Run& run, const Timeline& timeline, const Facts& facts) {
    if (!run.recovering() && !run.finished()) {
        run.phase = Phase::kRecovering;
        // By the spec that faults were last injected by: later edits are another run's.
        const bool nothing_left = run.start_time && timeline.intervals.empty();
        run.reason = run.stop_reason.empty() && nothing_left ? kNothingLeft : run.stop_reason;
        run.message.clear();
        run.recovering_since = facts.now;
    }
    const auto next = track_all(run, facts);
    if (!undone(run)) {
        note_cleanup_failure(run, facts);
        return next;
    }
    const auto dependents = dependents_wait(run, facts);
    const auto soonest = next && dependents ? std::min(next, dependents) : next ? next : dependents;
    const bool watching = soonest || awaits_rescue(run, facts) || !facts.world.synced;
    if (!run.stop_reason.empty()) {
        abort(run, watching, facts);
    } else if (!watching) {
        complete(run, timeline, facts);
    }
    return run.settled ? std::nullopt : soonest;
}

// A run without targets: woken by what it waits for, or to be rejected when that does not come.
std::optional<TimePoint> waits_until(const Run& run, const Facts& facts) {
    if (run.phase != Phase::kWaiting) return std::nullopt;
    const auto& spec = facts.spec;
    const bool conflict = run.reason == "Conflict" && spec.on_conflict != OnConflict::kQueue;
    const bool start = run.reason == "NoTargets" && spec.on_no_targets != OnNoTargets::kWait;
    if (!conflict && !start) return std::nullopt;
    const TimePoint end = *run.waiting_since + (conflict ? kConflictPatience : kStartPatience);
    return end > facts.now ? std::optional{end} : std::nullopt;
}

// The faults have had their time: all are over, or the run is past its end.
bool is_over(const Run& run, const Timeline& timeline, const Facts& facts) {
    if (!run.stop_reason.empty()) return true;
    if (run.deadline) {
        if (facts.now >= *run.deadline) return true;
    } else if (facts.now >= run.origin + timeline.limit) {
        return true;  // nothing could be injected although the whole time has passed
    }
    return facts.world.synced &&
           timeline_over(run, place(timeline, run.origin, run.targets), facts.now);
}

}  // namespace

Conclusion conclude(Run run, const Facts& facts, std::optional<Timeline> timeline) {
    if (run.settled) return {std::move(run), std::nullopt};
    if (!facts.probes.empty()) run.probes = facts.probes;
    if (!run.finished() && run.targets.empty() && run.stop_reason.empty()) {
        const auto next = waits_until(run, facts);
        return {std::move(run), next};
    }
    if (!timeline) timeline = timeline_of(run, select_now(run, facts), facts);
    // How the dependents were before the first fault must be known before there is one.
    if (!run.start_time) track_cascade(run, facts);
    if (!run.start_time) note_start(run, *timeline);
    if (run.start_time && run.underway()) {
        run.deadline = *run.start_time + capped(facts).duration + run.paused_total;
    }
    if (run.paused_since) {
        run.deadline.reset();  // the clock stands: nobody knows when it will be
        auto next = track_all(run, facts);
        return {std::move(run), next};
    }
    note_ends(run, place(*timeline, run.origin, run.targets));
    if (run.recovering() || run.finished() || is_over(run, *timeline, facts)) {
        auto next = recover(run, *timeline, facts);
        return {std::move(run), next};
    }
    auto next = track_all(run, facts);
    const auto due = condition_due(run, facts);
    if (due && (!next || *due < *next)) next = due;
    run.phase = run.start_time ? Phase::kRunning : Phase::kInjecting;
    if (run.deadline && (!next || *run.deadline < *next)) next = run.deadline;
    return {std::move(run), next};
}

}  // namespace chaos::run
