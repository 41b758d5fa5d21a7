// The heart: what must be done now so that the faults in force are the faults wanted. Pure;
// planning again on a world where the plan was carried out gives an empty plan.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "controller/api/container.h"
#include "controller/api/run.h"
#include "controller/run/timeline.h"

namespace chaos::run {

// An interval in absolute time.
struct DesiredFault {
    std::string id;
    FaultSpec fault;
    std::string target;
    std::string service;
    TimePoint begin;
    TimePoint end;

    friend bool operator==(const DesiredFault&, const DesiredFault&) = default;
};

struct Injection {
    DesiredFault fault;
    Incarnation onto;  // checked again by the reconciler before it acts

    friend bool operator==(const Injection&, const Injection&) = default;
};

struct FaultPlan {
    std::vector<std::string> undo;    // ids of records; carried out before any injection
    std::vector<Injection> inject;    // new, or again onto a restarted container
    std::vector<FaultRecord> settle;  // records that only change their state: nothing to be done
    std::vector<std::string> start;   // targets that did not come back and are to be started
    std::optional<TimePoint> wait_until;  // when time alone changes the plan

    [[nodiscard]] bool empty() const {
        return undo.empty() && inject.empty() && settle.empty() && start.empty();
    }
    friend bool operator==(const FaultPlan&, const FaultPlan&) = default;
};

struct World {
    const std::vector<Container>& containers;  // by name
    // False while Docker does not answer: absence then means nothing, and nothing is injected.
    bool synced = true;
};

// Null where there is none of that name.
[[nodiscard]] const Container* find_container(const World& world, std::string_view name);

[[nodiscard]] std::vector<DesiredFault> place(const Timeline& timeline, TimePoint origin,
                                              const std::vector<RunTarget>& targets);

[[nodiscard]] FaultPlan plan(const std::vector<DesiredFault>& desired,
                             const std::vector<FaultRecord>& records, const World& world,
                             TimePoint now);

// Backoff after `attempts` failed attempts: 100 ms doubled each time, at most `cap`.
[[nodiscard]] Duration backoff(int attempts, Duration cap);
inline constexpr Duration kUndoBackoffCap = std::chrono::seconds{30};
inline constexpr Duration kInjectBackoffCap = std::chrono::minutes{5};

}  // namespace chaos::run
