#include "controller/api/run.h"

#include <algorithm>
#include <array>

namespace chaos {
namespace {

constexpr std::size_t kEventsKept = 50;  // specification section 4

constexpr std::array<std::string_view, 10> kPhases{
    "Pending",   "Waiting", "Injecting", "Running",  "Recovering",
    "Completed", "Failed",  "Aborted",   "Rejected", "CleanupFailed"};
constexpr std::array<std::string_view, 5> kVerdicts{"", "Pass", "Fail", "Error", "Aborted"};
constexpr std::array<std::string_view, 7> kFaultStates{"Recorded", "Injected", "Fired", "Undone",
                                                       "Vanished", "Skipped",  "Failed"};

}  // namespace

bool Run::finished() const {
    return phase == Phase::kCompleted || phase == Phase::kFailed || phase == Phase::kAborted ||
           phase == Phase::kRejected || (phase == Phase::kCleanupFailed && settled);
}

bool Run::holds_faults() const {
    return std::ranges::any_of(faults, [](const FaultRecord& f) { return f.holds(); });
}

std::vector<std::string> Run::unrecovered() const {
    std::vector<std::string> names;
    if (settled) return names;
    for (const auto& target : targets) {
        const bool perhaps_hit = std::ranges::any_of(faults, [&](const FaultRecord& f) {
            return f.target == target.name && is_instant(f.spec) &&
                   f.state == FaultState::kRecorded;
        });
        const bool hit = target.disturbed_at && !target.recovered && !target.vanished;
        if (perhaps_hit || hit) names.push_back(target.name);
    }
    return names;
}

RunTarget* Run::find_target(const std::string& name) {
    const auto it = std::ranges::find(targets, name, &RunTarget::name);
    return it == targets.end() ? nullptr : &*it;
}

FaultRecord* Run::find_fault(const std::string& fault_id) {
    const auto it = std::ranges::find(faults, fault_id, &FaultRecord::id);
    return it == faults.end() ? nullptr : &*it;
}

void Run::add_event(TimePoint now, bool warning, std::string event_reason,
                    std::string event_message) {
    if (!events.empty() && events.back().reason == event_reason &&
        events.back().message == event_message) {
        return;
    }
    events.push_back({now, warning, std::move(event_reason), std::move(event_message)});
    if (events.size() > kEventsKept) events.erase(events.begin());
}

void shift(Run& run, Duration by) {
    const auto move = [by](std::optional<TimePoint>& time) {
        if (time) *time += by;
    };
    run.created_at += by;
    run.origin += by;
    for (auto* time : {&run.start_time, &run.deadline, &run.end_time, &run.recovering_since,
                       &run.waiting_since, &run.paused_since}) {
        move(*time);
    }
    for (auto& target : run.targets) {
        target.joined_at += by;
        for (auto* time : {&target.disturbed_at, &target.same_life_counts_from, &target.rescued_at,
                           &target.rescue_not_before}) {
            move(*time);
        }
    }
    for (auto& fault : run.faults) {
        for (auto* time :
             {&fault.recorded_at, &fault.injected_at, &fault.recovered_at, &fault.ends_at,
              &fault.not_before, &fault.armed_until, &fault.observed_at}) {
            move(*time);
        }
    }
}

bool same_but_for_looks(Run a, const Run& b) {
    if (a.faults.size() != b.faults.size()) return false;
    for (std::size_t i = 0; i < a.faults.size(); ++i) {
        a.faults[i].observed_at = b.faults[i].observed_at;
    }
    return a == b;
}

RunSummary summarize(const Run& run) {
    return {run.id,      run.run_id, run.seed,       run.phase,
            run.verdict, run.reason, run.start_time, run.end_time};
}

std::string_view to_string(Phase phase) { return kPhases.at(static_cast<std::size_t>(phase)); }
std::string_view to_string(Verdict verdict) {
    return kVerdicts.at(static_cast<std::size_t>(verdict));
}
std::string_view to_string(FaultState state) {
    return kFaultStates.at(static_cast<std::size_t>(state));
}

}  // namespace chaos
