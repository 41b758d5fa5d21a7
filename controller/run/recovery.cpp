#include "controller/run/recovery.h"

#include <algorithm>

namespace chaos::run {
namespace {

Duration since(TimePoint from, TimePoint to) { return std::max(to - from, Duration{0}); }

// When the container ran again, or nullopt while it does not.
std::optional<TimePoint> running_from(const RunTarget& target, const Container& container,
                                      TimePoint now) {
    if (container.state != ContainerState::kRunning || !container.incarnation) return std::nullopt;
    if (container.incarnation != target.disturbed) return container.started_at.value_or(now);
    if (!target.same_life_counts_from || now < *target.same_life_counts_from) return std::nullopt;
    return target.disturbed_at;
}

void note_restart_delay(RunTarget& target, const Container& container) {
    const bool next_life = container.incarnation != target.disturbed;
    if (next_life && container.finished_at && container.started_at &&
        *container.finished_at >= *target.disturbed_at) {
        target.restart_delay = since(*container.finished_at, *container.started_at);
    }
}

bool is_down(const Container* container) {
    return container != nullptr && !container->running() &&
           container->state != ContainerState::kRestarting;
}

}  // namespace

std::optional<TimePoint> rescue_due(const RunTarget& target, const Container* container,
                                    bool hurry) {
    const bool waited = target.timed_out || (hurry && target.disturbed_at);
    // One that runs and is ill gets a new life, but only after it had its time.
    const bool ill = target.timed_out && container != nullptr &&
                     container->state == ContainerState::kRunning &&
                     container->health == Health::kUnhealthy;
    const bool needs_help = is_down(container) || ill;
    if (!waited || target.recovered || !needs_help || target.rescues >= kMaxRescues) {
        return std::nullopt;
    }
    // Who ended it while our fault was in force is not known, and may not want it started.
    if (target.vanished) return std::nullopt;
    return target.rescue_not_before.value_or(TimePoint{});
}

void note_rescue(RunTarget& target, const std::string& error, TimePoint now) {
    ++target.rescues;
    target.rescue_error = error;
    if (error.empty()) target.rescued_at = now;
    // 1, 2, 4, 8 s: a service that dies again at once is not hammered.
    target.rescue_not_before = now + std::chrono::seconds{1 << (target.rescues - 1)};
}

void note_no_rescue(RunTarget& target, TimePoint now) {
    target.rescue_not_before = now + std::chrono::seconds{1};
}

void disturb(RunTarget& target, const FaultRecord& fault, TimePoint now) {
    target.disturbed = fault.incarnation;
    target.time_to_running.reset();
    target.time_to_healthy.reset();
    target.restart_delay.reset();
    target.vanished = fault.state == FaultState::kVanished;
    target.recovered = false;
    target.timed_out = false;
    target.rescues = 0;
    target.rescued_at.reset();
    target.rescue_not_before.reset();
    if (is_instant(fault.spec)) {
        target.disturbed_at = fault.injected_at.value_or(now);
        target.same_life_counts_from.reset();
        if (!ends_life(fault.spec)) {
            target.same_life_counts_from = *target.disturbed_at + kSignalGrace;
        }
    } else {
        target.disturbed_at = fault.recovered_at.value_or(now);
        target.same_life_counts_from = target.disturbed_at;
    }
}

std::optional<TimePoint> track(RunTarget& target, const Container* container, Duration timeout,
                               TimePoint now) {
    target.state = container != nullptr ? to_string(container->state) : kGone;
    if (container != nullptr) {
        target.container_id = container->id;
        if (container->incarnation) target.incarnation = container->incarnation;
    }
    // Specification section 5: a vanished target counts as recovered. One that we removed does not.
    if (container == nullptr && target.vanished) target.recovered = true;
    if (target.recovered || !target.disturbed_at) {
        target.recovered = true;
        return std::nullopt;
    }
    const TimePoint limit = target.rescued_at.value_or(*target.disturbed_at) + timeout;
    if (container != nullptr) {
        if (const auto from = running_from(target, *container, now)) {
            target.time_to_running = since(*target.disturbed_at, *from);
            note_restart_delay(target, *container);
            if (container->health == Health::kNone) target.recovered = true;
            if (container->health == Health::kHealthy) {
                const auto healthy = std::max(container->health_since.value_or(now), *from);
                target.time_to_healthy = since(*target.disturbed_at, healthy);
                target.recovered = true;
            }
        }
    }
    if (target.recovered) return std::nullopt;
    if (now >= limit) {
        target.timed_out = true;
        return std::nullopt;
    }
    if (target.same_life_counts_from && now < *target.same_life_counts_from) {
        return std::min(limit, *target.same_life_counts_from);
    }
    return limit;
}

void add_death_evidence(FaultRecord& fault, const Container* container) {
    if (fault.state != FaultState::kFired || container == nullptr) return;
    const bool next_life = container->incarnation && *container->incarnation != fault.incarnation;
    const bool dead = !container->running();
    if (!next_life && !dead) return;
    if (container->finished_at && fault.injected_at && !fault.evidence.contains("exited_at") &&
        *container->finished_at >= *fault.injected_at) {
        fault.evidence["exited_at"] = format_time(*container->finished_at);
        if (container->exit_code) {
            fault.evidence["exit_code"] = std::to_string(*container->exit_code);
        }
    }
    if (next_life) fault.evidence.emplace("next_started_at", container->incarnation->started_at);
}

}  // namespace chaos::run
