#include "controller/run/lifecycle.h"

#include <algorithm>
#include <set>

#include "controller/run/recovery.h"
#include "controller/run/selection.h"

namespace chaos::run {
namespace {

// An undo that keeps failing for this long is reported as CleanupFailed; it is still retried.
constexpr Duration kCleanupPatience = std::chrono::minutes{2};

std::set<std::string> resources(const Spec& spec) {
    std::set<std::string> names;
    for (const auto& scenario : spec.scenarios) {
        for (const auto& action : scenario.actions) names.emplace(resource_of(action.fault));
    }
    return names;
}

const Container* find(const World& world, const std::string& name) {
    const auto it = std::ranges::find(world.containers, name, &Container::name);
    return it == world.containers.end() ? nullptr : &*it;
}

Spec capped(const Facts& facts) {
    Spec spec = facts.spec;
    spec.duration = std::min(spec.duration, facts.longest);
    return spec;
}

std::vector<Chosen> chosen_of(const Run& run) {
    std::vector<Chosen> chosen;
    for (const auto& target : run.targets) chosen.push_back({target.name, target.service});
    return chosen;
}

Selection select_now(const Run& run, const Facts& facts) {
    return select(facts.spec, run.seed, facts.world.containers, chosen_of(run));
}

void finish(Run& run, Phase phase, Verdict verdict, std::string reason, std::string message,
            TimePoint now) {
    run.phase = phase;
    run.verdict = verdict;
    run.reason = std::move(reason);
    run.message = std::move(message);
    run.end_time = now;
    run.add_event(now, verdict != Verdict::kPass, std::string{to_string(phase)},
                  run.reason + ": " + run.message);
}

void wait(Run& run, std::string reason, std::string message, TimePoint now) {
    run.phase = Phase::kWaiting;
    run.reason = std::move(reason);
    run.message = std::move(message);
    run.add_event(now, false, run.reason, run.message);
}

void no_targets(Run& run, const Facts& facts, const Selection& selection) {
    std::string why = selection.matched == 0
                          ? "no container matches spec.targets"
                          : std::to_string(selection.matched) +
                                " containers match spec.targets, but none may be hit: mode, value "
                                "and spec.safety leave 0, or none is running";
    if (!selection.spared.empty()) {
        why += "; protected by label: " + std::to_string(selection.spared.size());
    }
    switch (facts.spec.on_no_targets) {
        case OnNoTargets::kFail:
            finish(run, Phase::kFailed, Verdict::kError, "NoTargets", std::move(why), facts.now);
            break;
        case OnNoTargets::kSkip:
            finish(run, Phase::kCompleted, Verdict::kPass, "NoTargetsSkipped", std::move(why),
                   facts.now);
            break;
        case OnNoTargets::kWait: wait(run, "NoTargets", std::move(why), facts.now); break;
    }
    run.settled = run.finished();
}

// The first pick that another experiment holds: "web-1 is held by experiment other"; empty if none.
std::string conflict_of(const Selection& selection, const Facts& facts) {
    for (const auto& pick : selection.picks) {
        for (const auto& resource : resources(facts.spec)) {
            const auto it = facts.held.find(pick.name + "/" + resource);
            if (it != facts.held.end()) {
                return "container " + pick.name + " is held by experiment " + it->second;
            }
        }
    }
    return {};
}

void join(Run& run, const Pick& pick, const Facts& facts) {
    if (auto* known = run.find_target(pick.name)) {
        known->container_id = pick.container_id;
        return;
    }
    run.targets.push_back({.name = pick.name,
                           .service = pick.service,
                           .via = pick.via,
                           .joined_at = facts.now,
                           .container_id = pick.container_id});
    run.add_event(facts.now, false, "TargetSelected",
                  "container " + pick.name + " of service " + pick.service);
}

// Targets at admission: false where the run waits or has ended instead.
bool admit(Run& run, const Selection& selection, const Facts& facts) {
    if (selection.picks.empty()) {
        no_targets(run, facts, selection);
        return false;
    }
    if (auto conflict = conflict_of(selection, facts); !conflict.empty()) {
        if (facts.spec.on_conflict == OnConflict::kQueue) {
            wait(run, "Conflict", std::move(conflict), facts.now);
        } else {
            finish(run, Phase::kRejected, Verdict::kError, "Conflict", std::move(conflict),
                   facts.now);
            run.settled = true;
        }
        return false;
    }
    run.origin = facts.now;
    run.phase = Phase::kInjecting;
    run.reason.clear();
    run.message.clear();
    for (const auto& pick : selection.picks) join(run, pick, facts);
    return true;
}

// Those who joined the population while the run goes on; one that somebody else holds is left out.
void follow(Run& run, const Selection& selection, const Facts& facts) {
    for (const auto& pick : selection.picks) {
        if (run.find_target(pick.name) == nullptr &&
            !conflict_of(Selection{.picks = {pick}}, facts).empty()) {
            continue;
        }
        join(run, pick, facts);
    }
}

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
    } else if (facts.stopping && (run.phase == Phase::kRunning || run.holds_faults())) {
        run.stop_reason = "ControllerStopped";
    } else {
        return;
    }
    run.add_event(facts.now, true, run.stop_reason, "aborting: undoing every fault");
}

// The targets of the run that are still meant: those the spec still selects, and those that do not
// exist at the moment, since a container that is being recreated comes back under its name.
std::vector<Pick> live_picks(const Run& run, const Selection& selection, const World& world) {
    std::vector<Pick> picks;
    for (const auto& target : run.targets) {
        const auto pick = std::ranges::find(selection.picks, target.name, &Pick::name);
        if (pick != selection.picks.end()) {
            picks.push_back(*pick);
        } else if (find(world, target.name) == nullptr) {
            picks.push_back({target.name, target.service, target.container_id, target.via});
        }
    }
    return picks;
}

Timeline timeline_of(const Run& run, const Facts& facts) {
    const auto picks = live_picks(run, select_now(run, facts), facts.world);
    return timeline(capped(facts), run.seed, picks);
}

}  // namespace

Decision decide(Run run, const Facts& facts) {
    note_stop(run, facts);
    std::vector<DesiredFault> desired;
    if (run.stop_reason.empty() && !run.finished() && run.phase != Phase::kRecovering) {
        if (!facts.world.synced) return {run, plan(desired, {}, facts.world, facts.now)};
        const auto selection = select_now(run, facts);
        if (!run.targets.empty()) {
            follow(run, selection, facts);
        } else if (facts.stopping || !admit(run, selection, facts)) {
            return {std::move(run), {}};
        }
        const auto intervals =
            timeline(capped(facts), run.seed, live_picks(run, selection, facts.world));
        if (run.dry_run) {
            end_dry_run(run, intervals, facts);
            return {std::move(run), {}};
        }
        desired = place(intervals, run.origin, run.targets);
    }
    auto faults = plan(desired, run.faults, facts.world, facts.now);
    return {std::move(run), std::move(faults)};
}

namespace {

// Moves the origin so that the first success lies where the timeline has it: the duration counts
// from the first successful injection, not from admission.
void note_start(Run& run, const Facts& facts) {
    if (run.start_time) {
        run.deadline = *run.start_time + capped(facts).duration;
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
    run.deadline = *run.start_time + capped(facts).duration;
    const auto plan = timeline_of(run, facts);
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
    return std::ranges::all_of(place(timeline_of(run, facts), run.origin, run.targets),
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
    for (auto& target : run.targets) {
        const auto before = target;
        const auto again =
            track(target, find(facts.world, target.name), facts.spec.recovery_timeout, facts.now);
        if (again && (!next || *again < *next)) next = again;
        note_recovery(run, before, target, facts.now);
    }
    for (auto& fault : run.faults) {
        if (is_instant(fault.spec)) add_kill_evidence(fault, find(facts.world, fault.target));
    }
    return next;
}

std::string join_names(const std::vector<std::string>& names) {
    std::string text;
    for (const auto& name : names) text += (text.empty() ? "" : ", ") + name;
    return text;
}

void complete(Run& run, const Facts& facts) {
    std::vector<std::string> late;
    for (const auto& target : run.targets) {
        if (target.timed_out) late.push_back(target.name);
    }
    const auto failed = std::ranges::find(run.faults, FaultState::kFailed, &FaultRecord::state);
    if (failed != run.faults.end()) {
        finish(run, Phase::kFailed, Verdict::kError, "InjectionFailed",
               failed->id + ": " + failed->last_error, facts.now);
    } else if (!late.empty()) {
        finish(run, Phase::kCompleted, Verdict::kFail, "NotRecovered",
               join_names(late) + " not healthy within " +
                   format_duration(facts.spec.recovery_timeout) +
                   "; start by hand with: docker start " + join_names(late),
               facts.now);
    } else if (!run.start_time && !timeline_of(run, facts).intervals.empty()) {
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
        run.message = fault.last_error + "; still retried; by hand: docker unpause " + fault.target;
        run.add_event(facts.now, true, run.reason, run.message);
    }
}

// Recovering: undo what holds, then watch the targets.
std::optional<TimePoint> recover(Run& run, const Facts& facts) {
    if (run.phase != Phase::kRecovering && run.phase != Phase::kCleanupFailed && !run.finished()) {
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
    if (!run.stop_reason.empty()) {
        if (!run.finished()) {
            finish(run, Phase::kAborted, Verdict::kAborted, run.stop_reason,
                   "every fault undone and verified gone", facts.now);
        }
        run.settled = !next;
    } else if (!next) {
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
    const bool recovering =
        run.phase == Phase::kRecovering || run.phase == Phase::kCleanupFailed || run.finished();
    if (recovering || gave_up(run, facts) || (facts.world.synced && timeline_over(run, facts)) ||
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
