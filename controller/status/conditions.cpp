#include <algorithm>
#include <array>

#include "controller/status/status.h"

namespace chaos::status {
namespace {

constexpr const char* kTrue = "True";
constexpr const char* kFalse = "False";
constexpr const char* kUnknown = "Unknown";

std::string join(const std::vector<std::string>& lines) {
    std::string text;
    for (const auto& line : lines) text += (text.empty() ? "" : "; ") + line;
    return text;
}

std::string count_of(std::size_t n, const char* noun) {
    return std::to_string(n) + " " + noun + (n == 1 ? "" : "s");
}

Condition valid(const Facts& facts) {
    if (facts.problems.empty()) return {"Valid", kTrue, "Decoded", ""};
    const auto kept = facts.rejected || facts.generation == 0
                          ? std::string{}
                          : "; generation " + std::to_string(facts.generation) + " stays in force";
    return {"Valid", kFalse, "Invalid", join(facts.problems) + kept};
}

Condition admitted(const Facts& facts) {
    const Run* run = facts.run;
    if (facts.rejected) return {"Admitted", kFalse, "Invalid", ""};
    if (run == nullptr && facts.waiting_for_run_id) {
        return {"Admitted", kFalse, "Manual", "waits for a new run-id annotation"};
    }
    if (run == nullptr && facts.next_run) {
        return {"Admitted", kFalse, "Scheduled", "waits for " + format_time(*facts.next_run)};
    }
    if (run == nullptr) return {"Admitted", kUnknown, "Pending", ""};
    if (run->phase == Phase::kRejected || (run->phase == Phase::kWaiting && run->targets.empty())) {
        return {"Admitted", kFalse, run->reason, run->message};
    }
    if (run->targets.empty() && !run->finished()) return {"Admitted", kUnknown, "Pending", ""};
    return {"Admitted", kTrue, "Admitted", ""};
}

Condition selected(const Facts& facts) {
    const Run* run = facts.run;
    if (run != nullptr && !run->targets.empty()) {
        return {"TargetsSelected", kTrue, "Selected", count_of(run->targets.size(), "container")};
    }
    if (run != nullptr && run->reason.starts_with("NoTargets")) {
        return {"TargetsSelected", kFalse, "NoTargets", run->message};
    }
    if (!facts.engine_synced) {
        return {"TargetsSelected", kUnknown, "EngineUnavailable", "Docker does not answer"};
    }
    return {"TargetsSelected", kUnknown, "Pending", ""};
}

std::size_t holding(const Run& run) {
    return static_cast<std::size_t>(std::ranges::count_if(run.faults, &FaultRecord::holds));
}

Condition injected(const Facts& facts) {
    const Run* run = facts.run;
    if (run == nullptr) return {"Injected", kUnknown, "Pending", ""};
    if (run->dry_run) return {"Injected", kFalse, "DryRun", run->message};
    // Not in force, or not as it should be.
    const auto failed = std::ranges::find_if(run->faults, [](const FaultRecord& fault) {
        return fault.state == FaultState::kFailed ||
               (fault.holds() && !fault.undoing && fault.attempts > 0);
    });
    if (failed != run->faults.end()) {
        const bool retried = failed->not_before && !run->finished();
        const auto* reason = retried               ? "Retrying"
                             : failed->unsupported ? "Unsupported"
                                                   : "InjectionFailed";
        return {"Injected", retried ? kUnknown : kFalse, reason,
                failed->id + ": " + failed->last_error};
    }
    if (!run->start_time) {
        return {"Injected", run->finished() ? kFalse : kUnknown,
                run->finished() ? run->reason : "Pending", ""};
    }
    const auto done = std::ranges::count_if(
        run->faults, [](const FaultRecord& f) { return f.injected_at.has_value(); });
    return {"Injected", kTrue, "Injected", count_of(static_cast<std::size_t>(done), "fault")};
}

bool has_effect(const FaultRecord& fault) {
    if (std::holds_alternative<NetworkFault>(fault.spec)) {
        const auto packets = fault.evidence.find("packets");
        return packets != fault.evidence.end() && packets->second != "0";
    }
    if (std::holds_alternative<StressFault>(fault.spec)) return fault.evidence.contains("effect");
    if (!is_instant(fault.spec)) return fault.evidence.contains("state");
    constexpr std::array kProofs{"exit_code", "next_started_at", "ended", "removed"};
    return std::ranges::any_of(kProofs, [&](const auto* k) { return fault.evidence.contains(k); });
}

Condition effect(const Facts& facts) {
    const Run* run = facts.run;
    if (run == nullptr || !run->start_time) return {"EffectVerified", kUnknown, "Pending", ""};
    std::size_t proven = 0;
    std::size_t injected_faults = 0;
    std::size_t custom = 0;
    for (const auto& fault : run->faults) {
        if (!fault.injected_at || fault.state == FaultState::kRecorded) continue;
        ++injected_faults;
        if (std::holds_alternative<CustomFault>(fault.spec)) ++custom;
        if (has_effect(fault)) ++proven;
    }
    const auto text =
        std::to_string(proven) + " of " + count_of(injected_faults, "fault") + " read back";
    if (injected_faults == 0) return {"EffectVerified", kUnknown, "Pending", ""};
    if (proven == injected_faults) return {"EffectVerified", kTrue, "ReadBack", text};
    if (proven + custom == injected_faults) {
        return {"EffectVerified", kUnknown, "NotMeasured",
                text + "; what custom actions do is for their programs to tell"};
    }
    return {"EffectVerified", run->finished() ? kFalse : kUnknown, "NoEffectSeen", text};
}

Condition steady_state(const Facts& facts) {
    constexpr const char* kType = "SteadyState";
    if (facts.run == nullptr || facts.run->probes.empty()) return {kType, kUnknown, "NoProbes", ""};
    std::vector<std::string> failing;
    bool measured = false;
    for (const auto& probe : facts.run->probes) {
        // The latest phase that has a result tells how things are.
        for (const auto phase : {ProbePhase::kAfter, ProbePhase::kDuring, ProbePhase::kBefore}) {
            const auto& result = probe.in(phase);
            if (!result.last) continue;
            measured = true;
            if (!*result.last) failing.push_back(probe.name + ": " + result.message);
            break;
        }
    }
    if (!measured) return {kType, kUnknown, "Pending", ""};
    if (failing.empty()) return {kType, kTrue, "ProbesSucceed", ""};
    return {kType, kFalse, "ProbeFailed", join(failing)};
}

Condition recovered(const Facts& facts) {
    const Run* run = facts.run;
    if (run == nullptr || !run->start_time) return {"Recovered", kUnknown, "Pending", ""};
    if (run->phase == Phase::kCleanupFailed) {
        return {"Recovered", kFalse, run->holds_faults() ? "UndoFailed" : "NotRecovered",
                run->message};
    }
    if (run->holds_faults()) {
        return {"Recovered", kFalse, "InForce", count_of(holding(*run), "fault") + " in force"};
    }
    return {"Recovered", kTrue, "NothingInForce", ""};
}

Condition recovery_verified(const Facts& facts) {
    const Run* run = facts.run;
    constexpr const char* kType = "RecoveryVerified";
    if (run == nullptr || !run->start_time) return {kType, kUnknown, "Pending", ""};
    std::vector<std::string> late;
    std::vector<std::string> down;
    bool all = true;
    for (const auto& target : run->targets) {
        if (target.recovered && target.rescues > 0) {
            late.push_back(target.name + " was started, then healthy");
        } else if (target.timed_out && !target.vanished) {
            late.push_back(target.name + " not healthy in time" +
                           (target.recovered ? ", but later" : ""));
        }
        if (target.disturbed_at && !target.recovered) all = false;
        // Whoever did it: what is down is not healthy.
        if (target.state != "running" && !target.state.empty() &&
            !(target.vanished && target.recovered)) {
            down.push_back(target.name + " is " + target.state);
        }
    }
    if (!late.empty()) return {kType, kFalse, "RecoveryTimeout", join(late)};
    const bool over = run->finished() || (all && !run->holds_faults());
    if (over && !down.empty()) return {kType, kFalse, "TargetDown", join(down)};
    if (run->holds_faults() || !all) return {kType, kUnknown, "Recovering", join(down)};
    const auto gone = static_cast<std::size_t>(std::ranges::count_if(
        run->targets, [](const RunTarget& t) { return t.vanished && t.state != "running"; }));
    const auto text = count_of(run->targets.size() - gone, "target");
    if (gone == 0) return {kType, kTrue, "Healthy", text};
    return {kType, kTrue, "Vanished", text + " healthy; " + std::to_string(gone) + " gone"};
}

// The words of an enumeration that starts at 0, up to and with `last`.
template <class E>
std::vector<std::string> words_up_to(E last) {
    std::vector<std::string> words;
    for (int i = 0; i <= static_cast<int>(last); ++i) {
        const auto word = to_string(static_cast<E>(i));
        if (!word.empty()) words.emplace_back(word);
    }
    return words;
}

}  // namespace

std::vector<std::string> phases() { return words_up_to(Phase::kCleanupFailed); }
std::vector<std::string> verdicts() { return words_up_to(Verdict::kAborted); }

std::vector<std::string> condition_types() {
    std::vector<std::string> types;
    for (auto& condition : conditions({})) types.push_back(std::move(condition.type));
    types.emplace_back("SourceUnavailable");
    return types;
}

std::vector<Condition> conditions(const Facts& facts) {
    std::vector<Condition> all{valid(facts),     admitted(facts),         selected(facts),
                               injected(facts),  effect(facts),           steady_state(facts),
                               recovered(facts), recovery_verified(facts)};
    if (!facts.unavailable.empty()) {
        all.push_back({"SourceUnavailable", kTrue, "Unreadable", facts.unavailable});
    }
    return all;
}

}  // namespace chaos::status
