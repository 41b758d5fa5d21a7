#include "controller/run/admission.h"

#include <algorithm>

#include "controller/run/steady.h"

namespace chaos::run {
namespace {

std::vector<Chosen> chosen_of(const Run& run) {
    std::vector<Chosen> chosen;
    for (const auto& target : run.targets)
        chosen.push_back({target.name, target.service, target.project});
    return chosen;
}

void wait(Run& run, std::string reason, std::string message, TimePoint now) {
    if (run.phase != Phase::kWaiting || run.reason != reason) run.waiting_since = now;
    run.phase = Phase::kWaiting;
    run.reason = std::move(reason);
    run.message = std::move(message);
    run.add_event(now, false, run.reason, run.message);
}

// "container db is spared: safety.protected_services (db); …"
std::string spared_text(const Selection& selection) {
    constexpr std::size_t kShown = 3;
    std::string text;
    for (std::size_t i = 0; i < std::min(selection.spared.size(), kShown); ++i) {
        const auto& spared = selection.spared[i];
        text += (i == 0 ? "" : "; ") + ("container " + spared.name + " is spared: " + spared.why);
    }
    const auto more = selection.spared.size() - std::min(selection.spared.size(), kShown);
    return more == 0 ? text : text + "; and " + std::to_string(more) + " more";
}

void no_targets(Run& run, const Facts& facts, const Selection& selection) {
    std::string why =
        selection.matched == 0
            ? "no container matches spec.targets"
            : std::to_string(selection.matched) +
                  (selection.matched == 1 ? " container matches" : " containers match") +
                  " spec.targets, but none may be hit: mode, value and spec.safety "
                  "leave 0, or none is running";
    if (!selection.spared.empty() && selection.matched > 0) {
        why += "; spared: " + std::to_string(selection.spared.size());
    }
    if (!selection.spared.empty() && selection.matched == 0 &&
        facts.spec.on_no_targets == OnNoTargets::kFail) {
        finish(run, Phase::kRejected, Verdict::kError, "Protected", spared_text(selection),
               facts.now);
        run.settled = true;
        return;
    }
    // One that was made a moment ago is about to be started.
    const bool waits = run.phase == Phase::kWaiting && run.reason == "NoTargets";
    const bool patient = !waits || facts.now < *run.waiting_since + kStartPatience;
    if (!selection.down.empty() && patient && facts.spec.on_no_targets != OnNoTargets::kWait) {
        wait(run, "NoTargets", std::move(why), facts.now);
        return;
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

struct Conflict {
    std::string message;  // "container web-1 is held by experiment other"
    bool ending = false;
};

// The first that another experiment holds, those preferred that do not let go of it.
std::optional<Conflict> conflict_of(const std::vector<std::string>& names, const Facts& facts) {
    std::optional<Conflict> found;
    for (const auto& name : names) {
        for (const auto& resource : resources(facts.spec)) {
            const auto holder = facts.holder_of(name, resource);
            if (!holder || (found && !found->ending)) continue;
            found = {"container " + name + " (" + resource + ") is held by experiment " +
                         holder->experiment,
                     holder->ending};
        }
    }
    return found;
}

// Waits for the holder to let go: for as long as it takes with on_conflict: queue, or where it is
// about to; else only until it is clear that it stays.
void meet_conflict(Run& run, Conflict conflict, const Facts& facts) {
    const bool first = run.phase != Phase::kWaiting || run.reason != "Conflict";
    const bool patient = facts.spec.on_conflict == OnConflict::kQueue || conflict.ending || first ||
                         facts.now < *run.waiting_since + kConflictPatience;
    if (patient) {
        wait(run, "Conflict", std::move(conflict.message), facts.now);
        return;
    }
    finish(run, Phase::kRejected, Verdict::kError, "Conflict",
           conflict.message + "; on_conflict: queue would wait for it", facts.now);
    run.settled = true;
}

std::vector<std::string> names_of(const Selection& selection) {
    std::vector<std::string> names;
    for (const auto& pick : selection.picks) names.push_back(pick.name);
    return names;
}

// What fails already would show nothing, and need not get worse: it is waited for. "" where all are
// well.
std::string ill_target(const Selection& selection, const Facts& facts) {
    for (const auto& pick : selection.picks) {
        const auto* container = find_container(facts.world, pick.name);
        if (container == nullptr || container->health != Health::kUnhealthy) continue;
        return "container " + pick.name + " is unhealthy already";
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
                           .project = pick.project,
                           .via = pick.via,
                           .joined_at = facts.now,
                           .container_id = pick.container_id});
    run.add_event(facts.now, false, "TargetSelected",
                  "container " + pick.name + " of service " + pick.service);
}

}  // namespace

std::set<std::string> resources(const Spec& spec) {
    std::set<std::string> names;
    for (const auto& scenario : spec.scenarios) {
        for (const auto& action : scenario.actions) {
            for (auto& name : resources_of(action.fault)) names.insert(std::move(name));
        }
    }
    return names;
}

Spec capped(const Facts& facts) {
    Spec spec = facts.spec;
    spec.duration = std::min(spec.duration, facts.longest);
    return spec;
}

Selection select_now(const Run& run, const Facts& facts) {
    return select(facts.spec, run.seed, facts.world.containers, chosen_of(run), facts.world.policy);
}

void finish(Run& run, Phase phase, Verdict verdict, std::string reason, std::string message,
            TimePoint now) {
    run.phase = phase;
    run.verdict = verdict;
    run.reason = std::move(reason);
    run.message = std::move(message);
    run.end_time = now;
    const bool bad = verdict != Verdict::kPass && verdict != Verdict::kNone;
    run.add_event(now, bad, std::string{to_string(phase)}, run.reason + ": " + run.message);
}

bool admit(Run& run, const Selection& selection, const Facts& facts) {
    // What can never run says so at once; the rest waits for the gates.
    const bool never = selection.picks.empty() && selection.down.empty() && selection.later.empty();
    if (!facts.closed.empty() && !never) {
        // The figure that decided stays: a new one every second is no news.
        const bool same = run.phase == Phase::kWaiting && run.reason == facts.closed.front().reason;
        if (!same) wait(run, facts.closed.front().reason, facts.closed.front().message, facts.now);
        return false;
    }
    // A container that another experiment keeps down, or has just killed, is not nobody.
    std::vector<std::string> names = selection.picks.empty() ? selection.down : names_of(selection);
    auto conflict = conflict_of(names, facts);
    if (selection.picks.empty() && !conflict && !selection.later.empty()) {
        wait(run, "SparedForNow", selection.later, facts.now);
        return false;
    }
    if (selection.picks.empty() && !conflict) {
        no_targets(run, facts, selection);
        return false;
    }
    if (conflict) {
        meet_conflict(run, std::move(*conflict), facts);
        return false;
    }
    if (auto ill = ill_target(selection, facts); !ill.empty()) {
        wait(run, "TargetUnhealthy", std::move(ill), facts.now);
        return false;
    }
    if (const auto unsteady = unsteady_before(facts)) {
        if (!unsteady->measured) {
            wait(run, "SteadyState", unsteady->message, facts.now);
            return false;
        }
        finish(run, Phase::kFailed, Verdict::kFail, "SteadyState", unsteady->message, facts.now);
        run.settled = true;
        return false;
    }
    run.origin = facts.now;
    run.waiting_since.reset();
    run.phase = Phase::kInjecting;
    run.reason.clear();
    run.message.clear();
    for (const auto& pick : selection.picks) join(run, pick, facts);
    return true;
}

void follow(Run& run, const Selection& selection, const Facts& facts) {
    for (const auto& pick : selection.picks) {
        if (run.find_target(pick.name) == nullptr && conflict_of({pick.name}, facts)) {
            continue;
        }
        join(run, pick, facts);
    }
}

Timeline timeline_of(const Run& run, const Selection& selection, const Facts& facts) {
    std::vector<Pick> picks;
    for (const auto& target : run.targets) {
        const auto pick = std::ranges::find(selection.picks, target.name, &Pick::name);
        if (pick != selection.picks.end()) {
            picks.push_back(*pick);
        } else if (find_container(facts.world, target.name) == nullptr) {
            picks.push_back(
                {target.name, target.service, target.container_id, target.via, target.project});
        }
    }
    return timeline(capped(facts), run.seed, picks);
}

}  // namespace chaos::run
