#include "controller/run/plan.h"

#include <algorithm>
#include <map>
#include <set>

#include "controller/run/peers.h"

namespace chaos::run {
namespace {

class Planner {
public:
    Planner(const World& world, TimePoint now) : world_(world), now_(now) {}

    FaultPlan run(const std::vector<DesiredFault>& desired,
                  const std::vector<FaultRecord>& records) {
        std::map<std::string, const DesiredFault*> wanted;
        for (const auto& fault : desired) wanted[fault.id] = &fault;
        std::set<std::string> recorded;
        for (const auto& record : records) {
            recorded.insert(record.id);
            const auto it = wanted.find(record.id);
            visit(record, it == wanted.end() ? nullptr : it->second);
        }
        for (const auto& fault : desired) {
            if (!recorded.contains(fault.id)) visit_new(fault);
        }
        return std::move(plan_);
    }

private:
    void wait_for(TimePoint time) {
        if (time > now_ && (!plan_.wait_until || time < *plan_.wait_until)) {
            plan_.wait_until = time;
        }
    }

    [[nodiscard]] const Container* find(const std::string& name) const {
        return find_container(world_, name);
    }

    // True when the backoff of a failed attempt is over.
    bool due(const FaultRecord& record) {
        if (!record.not_before || *record.not_before <= now_) return true;
        wait_for(*record.not_before);
        return false;
    }

    void visit(const FaultRecord& record, const DesiredFault* wanted) {
        const bool active = wanted != nullptr && wanted->begin <= now_ && now_ < wanted->end;
        if (is_instant(record.spec)) {
            visit_instant(record, active ? wanted : nullptr);
            return;
        }
        if (!active) {
            // The backoff of attempts to inject is none for the first one to undo.
            if (record.holds() && (!record.undoing || due(record))) plan_.undo.push_back(record.id);
            if (wanted != nullptr) wait_for(wanted->begin);
            return;
        }
        wait_for(wanted->end);
        visit_held(record, *wanted);
    }

    // An interval fault that is wanted now and has a record.
    void visit_held(const FaultRecord& record, const DesiredFault& wanted) {
        const auto* container = find(wanted.target);
        if (container == nullptr) return;
        if (std::holds_alternative<ContainerStop>(record.spec) && !container->running()) {
            visit_stopped(record, wanted, *container);
            return;
        }
        if (!container->running() || !container->incarnation) return;
        const bool same_life = record.incarnation == *container->incarnation;
        const bool refused = record.state == FaultState::kFailed && same_life && !record.not_before;
        if (is_supervised(record.spec)) {
            if (refused && record.spec == wanted.fault) return;
            if (cannot_start(record, *container)) return;
            // What failed before an edit says nothing of what comes after it.
            if (record.spec != wanted.fault || due(record))
                visit_supervised(record, wanted, *container, same_life);
            return;
        }
        // What a user's program did need not be in the container, so no life of it ends it.
        const bool custom = std::holds_alternative<CustomFault>(record.spec);
        const bool in_force =
            record.state == FaultState::kInjected &&
            (custom || (same_life && container->state == ContainerState::kPaused));
        if (in_force || refused || !due(record) || !wanted.endangers.empty()) return;
        inject(wanted, *container, same_life ? Cause::kPutBack : Cause::kNew);
    }

    // What is not known to run would have to be started, and nothing starts in a frozen cgroup.
    static bool cannot_start(const FaultRecord& record, const Container& container) {
        return is_frozen_stress(record, container) &&
               (record.state != FaultState::kInjected || !record.observed_at);
    }

    static bool is_frozen_stress(const FaultRecord& record, const Container& container) {
        return std::holds_alternative<StressFault>(record.spec) &&
               container.state == ContainerState::kPaused;
    }

    // A fault that the kernel or a process of ours holds, and that ends by itself.
    void visit_supervised(const FaultRecord& record, DesiredFault wanted,
                          const Container& container, bool same_life) {
        if (!record.holds() || !same_life) {
            try_inject(wanted);
            return;
        }
        keep_exceptions(wanted, record);
        const bool unknown =
            spares_others(record, wanted) && !lacks_exceptions(wanted, world_).empty();
        if (unknown || !wanted.endangers.empty()) {
            // Until it is known whom to spare, or until whoever has joined the network has left it.
            plan_.undo.push_back(record.id);
        } else if (record.state != FaultState::kInjected || !record.observed_at) {
            inject(wanted, container, Cause::kConfirm);
        } else if (record.spec != wanted.fault || record.peers != wanted.peers) {
            // Peers that are gone for the moment end nothing: nobody is hit, that is all.
            inject(wanted, container, Cause::kChange);
        } else if (end_moved(record, wanted)) {
            inject(wanted, container, Cause::kMove);
        } else if (const auto next = next_look(record); next > now_) {
            wait_for(next);
        } else if (world_.synced && !is_frozen_stress(record, container)) {
            plan_.observe.push_back(record.id);
        }
    }

    static bool spares_others(const FaultRecord& record, const DesiredFault& wanted) {
        const auto* before = std::get_if<NetworkFault>(&record.spec);
        const auto* after = std::get_if<NetworkFault>(&wanted.fault);
        return before != nullptr && after != nullptr && before->except != after->except;
    }

    // What a stressor does shows only after a while.
    static TimePoint next_look(const FaultRecord& record) {
        const bool unproven =
            std::holds_alternative<StressFault>(record.spec) && !record.evidence.contains("effect");
        return *record.observed_at + (unproven ? kFirstLook : kObserveInterval);
    }

    // The kernel ends it on its own, and is told where that would be too late or clearly too soon:
    // a run's first fault moves the timeline by the little time that its injection took.
    static bool end_moved(const FaultRecord& record, const DesiredFault& wanted) {
        constexpr Duration kNoMatter = std::chrono::milliseconds{100};
        if (!record.armed_until) return true;
        return wanted.end < *record.armed_until || wanted.end > *record.armed_until + kNoMatter;
    }

    // A container that is down as a stop wants it. Recorded only: it may be our doing, so the life
    // that the record names is stopped again (which changes nothing) and noted as ours.
    void visit_stopped(const FaultRecord& record, const DesiredFault& wanted,
                       const Container& container) {
        const bool ours = record.incarnation.container_id == container.id;
        if (record.state == FaultState::kRecorded && ours && due(record) && world_.synced) {
            plan_.inject.push_back({wanted, record.incarnation, Cause::kConfirm});
        }
    }

    void visit_instant(const FaultRecord& record, const DesiredFault* wanted) {
        if (record.state == FaultState::kRecorded) {
            settle_interrupted(record, wanted);
        } else if (record.state == FaultState::kFailed && record.not_before) {
            if (wanted == nullptr) {
                settle(record, FaultState::kFailed);
            } else if (due(record)) {
                try_inject(*wanted);
            }
        }
    }

    // The record was made, and then we died, or Docker's answer was lost: did it fire? The same
    // life still running says no, for a signal that kills. For other signals nothing can tell, and
    // twice is worse than not at all.
    void settle_interrupted(const FaultRecord& record, const DesiredFault* wanted) {
        const auto* container = find(record.target);
        if (!due(record)) return;
        if (!world_.synced ||
            (container != nullptr && container->running() && !container->incarnation)) {
            return;  // cannot be judged yet
        }
        const bool survived = container != nullptr && container->running() &&
                              container->incarnation == record.incarnation;
        // Docker may still be at it, for whoever asked.
        if (survived && record.recorded_at &&
            now_ < *record.recorded_at + longest_effect(record.spec)) {
            wait_for(*record.recorded_at + longest_effect(record.spec));
            return;
        }
        if (ends_life(record.spec) && survived) {
            if (wanted != nullptr) {
                try_inject(*wanted);
            } else {
                settle(record, FaultState::kSkipped);
            }
            return;
        }
        settle(record, FaultState::kFired);
    }

    void settle(const FaultRecord& record, FaultState state) {
        auto settled = record;
        settled.state = state;
        settled.not_before.reset();
        if (state == FaultState::kFired && !settled.injected_at) settled.injected_at = now_;
        plan_.settle.push_back(std::move(settled));
    }

    void visit_new(const DesiredFault& fault) {
        if (now_ < fault.begin) {
            wait_for(fault.begin);
        } else if (now_ < fault.end) {
            wait_for(fault.end);
            try_inject(fault);
        } else if (is_instant(fault.fault)) {
            FaultRecord missed{.id = fault.id,
                               .spec = fault.fault,
                               .target = fault.target,
                               .service = fault.service,
                               .last_error = "the container was not running when it was due"};
            missed.state = FaultState::kSkipped;
            plan_.settle.push_back(std::move(missed));
        }
    }

    void try_inject(const DesiredFault& fault) {
        const auto* container = find(fault.target);
        if (container == nullptr || !container->running() || !container->incarnation) return;
        // A frozen process takes a signal only when it is thawed, perhaps long after the deadline;
        // what is started in a frozen cgroup starts when that is thawed.
        const bool needs_life =
            is_instant(fault.fault) || std::holds_alternative<StressFault>(fault.fault);
        if (needs_life && container->state == ContainerState::kPaused) return;
        // Without them it would be in force for nobody, or for those whom it is to spare.
        if (!lacks_peers(fault, world_).empty()) return;
        if (!fault.endangers.empty()) return;
        inject(fault, *container, Cause::kNew);
    }

    void inject(const DesiredFault& fault, const Container& container, Cause cause) {
        if (world_.synced) plan_.inject.push_back({fault, *container.incarnation, cause});
    }

    const World& world_;
    TimePoint now_;
    FaultPlan plan_;
};

}  // namespace

const Container* find_container(const World& world, std::string_view name) {
    const auto it = std::ranges::lower_bound(world.containers, name, {}, &Container::name);
    return it == world.containers.end() || it->name != name ? nullptr : &*it;
}

std::vector<DesiredFault> place(const Timeline& timeline, TimePoint origin,
                                const std::vector<RunTarget>& targets) {
    std::vector<DesiredFault> faults;
    for (const auto& interval : timeline.intervals) {
        const auto target = std::ranges::find(targets, interval.target, &RunTarget::name);
        if (target == targets.end()) continue;
        const TimePoint begin = origin + interval.begin;
        // A container that joined later is not hit by what was over before it came.
        if (is_instant(interval.fault) && begin < target->joined_at && target->joined_at > origin) {
            continue;
        }
        faults.push_back({interval.id,
                          interval.fault,
                          interval.target,
                          interval.service,
                          begin,
                          origin + interval.end,
                          {}});
    }
    return faults;
}

FaultPlan plan(const std::vector<DesiredFault>& desired, const std::vector<FaultRecord>& records,
               const World& world, TimePoint now) {
    return Planner{world, now}.run(desired, records);
}

Duration backoff(int attempts, Duration cap) {
    Duration wait = std::chrono::milliseconds{100};
    for (int i = 1; i < attempts && wait < cap; ++i) wait *= 2;
    return std::min(wait, cap);
}

}  // namespace chaos::run
