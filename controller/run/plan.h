// The heart: what must be done now so that the faults in force are the faults wanted. Pure;
// planning again on a world where the plan was carried out gives an empty plan.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "controller/api/container.h"
#include "controller/api/run.h"
#include "controller/run/timeline.h"
#include "controller/safety/policy.h"

namespace chaos::run {

// An interval in absolute time.
struct DesiredFault {
    std::string id;
    FaultSpec fault;
    std::string target;
    std::string service;
    TimePoint begin;
    TimePoint end;
    PeerAddresses peers;  // of a network fault; see peers.h
    // A container that must be spared and that the fault would hit too; "" where there is none.
    std::string endangers;

    friend bool operator==(const DesiredFault&, const DesiredFault&) = default;
};

// Why a fault is put into force: told to people, the same to the reconciler.
enum class Cause {
    kNew,      // for the first time, or into another life of the container
    kPutBack,  // it was in force and is not any more
    kChange,   // other parameters or other addresses, in place
    kMove,     // its end moves, in place
    kConfirm,  // what an earlier life of the controller has left is read back
};

struct Injection {
    DesiredFault fault;
    Incarnation onto;  // checked again by the reconciler before it acts
    Cause cause = Cause::kNew;

    friend bool operator==(const Injection&, const Injection&) = default;
};

struct FaultPlan {
    std::vector<std::string> undo;     // ids of records; carried out before any injection
    std::vector<Injection> inject;     // new, or again onto a restarted container, or changed
    std::vector<std::string> observe;  // ids of records in force that are to be looked at again
    std::vector<FaultRecord> settle;   // records that only change their state: nothing to be done
    std::vector<std::string> start;    // targets that did not come back and are to be started
    std::optional<TimePoint> wait_until;  // when time alone changes the plan

    [[nodiscard]] bool empty() const {
        return undo.empty() && inject.empty() && observe.empty() && settle.empty() && start.empty();
    }
    friend bool operator==(const FaultPlan&, const FaultPlan&) = default;
};

struct World {
    const std::vector<Container>& containers;  // by name
    // False while Docker does not answer: absence then means nothing, and nothing is injected.
    bool synced = true;
    // The addresses behind hostnames, of those that are known.
    const std::map<std::string, std::vector<std::string>>& hosts = kNoHosts;

    // Whom to spare.
    const safety::Policy& policy = kNoPolicy;

    inline static const std::map<std::string, std::vector<std::string>> kNoHosts{};
    inline static const safety::Policy kNoPolicy{};
};

// Null where there is none of that name.
[[nodiscard]] const Container* find_container(const World& world, std::string_view name);

[[nodiscard]] std::vector<DesiredFault> place(const Timeline& timeline, TimePoint origin,
                                              const std::vector<RunTarget>& targets);

[[nodiscard]] FaultPlan plan(const std::vector<DesiredFault>& desired,
                             const std::vector<FaultRecord>& records, const World& world,
                             TimePoint now);

// How often a fault that Docker does not hold is looked at: whether it still is there, and what it
// has done; and how soon where nothing has been seen of it yet.
inline constexpr Duration kObserveInterval = std::chrono::seconds{5};
inline constexpr Duration kFirstLook = std::chrono::seconds{1};

// Backoff after `attempts` failed attempts: 100 ms doubled each time, at most `cap`.
[[nodiscard]] Duration backoff(int attempts, Duration cap);
inline constexpr Duration kUndoBackoffCap = std::chrono::seconds{30};
inline constexpr Duration kInjectBackoffCap = std::chrono::minutes{5};

}  // namespace chaos::run
