#include "controller/run/lifecycle.h"

#include <algorithm>

#include "controller/run/admission.h"
#include "controller/run/adopt.h"
#include "controller/run/cascade.h"
#include "controller/run/peers.h"
#include "controller/run/rescue.h"
#include "controller/run/steady.h"

namespace chaos::run {
namespace {

void end_dry_run(Run& run, const Timeline& plan, const Facts& facts) {
    for (const auto& interval : plan.intervals) {
        run.add_event(facts.now, false, "WouldInject",
                      interval.id + " after " + format_duration(interval.begin));
    }
    finish(run, Phase::kCompleted, Verdict::kNone, "DryRun",
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
    } else if (!facts.closed.empty() && run.begun() && run.underway()) {
        run.stop_reason = facts.closed.front().reason;
        run.add_event(facts.now, true, run.stop_reason,
                      facts.closed.front().message + "; undoing every fault");
        return;
    } else if (const auto failed = run.begun() && run.underway() && !run.paused_since
                                       ? failed_for_good(facts)
                                       : std::nullopt) {
        run.stop_reason = "ProbeFailed";
        run.add_event(facts.now, true, run.stop_reason, *failed + "; undoing every fault");
        return;
    } else if (const auto met = run.begun() && run.underway() && !run.paused_since
                                    ? met_condition(run, facts)
                                    : std::nullopt) {
        run.stop_reason = "StopCondition";
        run.add_event(facts.now, true, run.stop_reason, *met + "; undoing every fault");
        return;
    } else {
        return;
    }
    run.add_event(facts.now, true, run.stop_reason, "aborting: undoing every fault");
}

// While paused nothing is wanted; afterwards the timeline goes on where it stood.
void note_pause(Run& run, const Facts& facts) {
    const bool paused = (facts.paused || run.held) && run.underway();
    if (paused && !run.paused_since) {
        run.paused_since = facts.now;
        run.add_event(facts.now, false, "Paused", "faults are undone and the clock stands");
    } else if (!paused && run.paused_since) {
        const Duration stood = facts.now - *run.paused_since;
        run.origin += stood;
        for (auto& target : run.targets) target.joined_at += stood;
        if (run.start_time) run.paused_total += stood;
        run.paused_since.reset();
        run.add_event(facts.now, false, "Resumed", "after " + humanize_duration(stood));
    }
}

// A run that has not begun when the controller stops does not begin any more; the next one goes on.
bool wants_faults(const Run& run, const Facts& facts) {
    return run.underway() && !run.paused_since && !facts.stopping;
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

// A fault that is due and not in force for want of somebody to be hit.
void note_lacking_peers(Run& run, const DesiredFault& fault, const Facts& facts) {
    if (facts.now < fault.begin || facts.now >= fault.end || !facts.world.synced) return;
    const auto* record = run.find_fault(fault.id);
    if (record != nullptr && record->holds()) return;
    const auto why = lacks_peers(fault, facts.world);
    if (!why.empty()) run.add_event(facts.now, true, "NoPeers", fault.id + " waits: " + why);
    if (!fault.endangers.empty()) {
        run.add_event(facts.now, true, "Protected",
                      fault.id + " waits: " + fault.endangers +
                          ", which shares the target's network, must be spared");
    }
}

}  // namespace

Decision decide(Run run, const Facts& facts) {
    note_stop(run, facts);
    note_pause(run, facts);
    std::vector<DesiredFault> desired;
    std::optional<Timeline> timeline;
    if (wants_faults(run, facts)) {
        const bool admitted = !run.targets.empty();
        if (!admitted && !facts.world.synced) return {std::move(run), {}, {}};
        const auto selection = select_now(run, facts);
        if (!admitted && !admit(run, selection, facts)) return {std::move(run), {}, {}};
        if (admitted && facts.world.synced) follow(run, selection, facts);
        timeline = timeline_of(run, selection, facts);
        if (run.dry_run) {
            end_dry_run(run, *timeline, facts);
            return {std::move(run), {}, {}};
        }
        desired = place(*timeline, run.origin, run.targets);
        for (auto& fault : desired) {
            resolve(fault, facts.world);
            fault.endangers = endangered(fault, facts.world, facts.spec.safety.safe_mode);
            note_lacking_peers(run, fault, facts);
        }
        adopt(run.faults, desired);
    }
    auto faults = plan(desired, run.faults, facts.world, facts.now);
    if (run.underway() && !wants_faults(run, facts)) {
        // Nothing is wanted for a while only: what has not come yet may come afterwards.
        faults.observe.clear();
        std::erase_if(faults.settle,
                      [](const FaultRecord& f) { return f.state != FaultState::kFired; });
    }
    faults.start = to_rescue(run, facts);
    return {std::move(run), std::move(faults), std::move(timeline)};
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
    for (auto& name : peer_containers(facts.spec, facts.world)) {
        if (std::ranges::find(names, name) == names.end()) names.push_back(std::move(name));
    }
    return names;
}

bool holds(const Run& run, const Spec& spec, const std::string& container,
           const std::string& resource) {
    if (run.finished()) return false;
    const bool is_target = std::ranges::any_of(
        run.targets, [&](const RunTarget& target) { return target.name == container; });
    return is_target && resources(spec).contains(resource);
}

}  // namespace chaos::run
