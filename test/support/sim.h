// A simulated world that plans are carried out on: containers that die when killed, freeze when
// paused, and come back when told to. Holds state; knows nothing of how plans are made.
#pragma once

#include <algorithm>
#include <map>
#include <set>

#include "controller/run/lifecycle.h"
#include "controller/run/outcome.h"
#include "controller/run/recovery.h"
#include "test/support/make.h"

namespace chaos::test {

class Sim {
public:
    std::vector<Container> containers;
    bool synced = true;
    TimePoint now = kT0;
    Run run;
    Spec spec;
    bool wanted = true;
    bool paused = false;
    bool stopping = false;
    bool start_works = true;
    std::map<std::string, run::Holder> held;  // by "container/resource"
    std::set<std::string> undo_fails;         // container names
    std::optional<Error> inject_error;
    safety::Policy policy;  // its graph is made anew at each step
    safety::Dependencies dependencies;
    std::vector<safety::Closed> closed;  // gates
    std::vector<ProbeState> probes;

    // What a probe has found in a phase; `why`: of a failure.
    void probed(const std::string& name, ProbePhase phase, const std::string& why = "") {
        auto state = std::ranges::find(probes, name, &ProbeState::name);
        if (state == probes.end()) state = probes.insert(probes.end(), ProbeState{name, {}});
        auto& result = state->in(phase);
        ++(why.empty() ? result.successes : result.failures);
        result.last = why.empty();
        result.message = why;
    }
    std::vector<std::string> done;  // "inject container_kill web-1", "undo …"
    // Faults that Docker does not hold, by fault id.
    struct Held {
        FaultSpec spec;
        PeerAddresses peers;
        TimePoint ends_at;
        Incarnation life;
    };
    std::map<std::string, Held> kernel;

    Container& at(const std::string& name) {
        return *std::ranges::find(containers, name, &Container::name);
    }

    void die(const std::string& name) {
        auto& c = at(name);
        c.state = ContainerState::kExited;
        c.incarnation.reset();
        c.exit_code = 137;
        c.finished_at = now;
    }

    void start(const std::string& name, Health health = Health::kNone) {
        auto& c = at(name);
        c.state = ContainerState::kRunning;
        c.started_at = now;
        c.incarnation = Incarnation{c.id, format_time(now), ++next_pid_};
        set_health(name, health);
    }

    void set_health(const std::string& name, Health health) {
        at(name).health = health;
        at(name).health_since = now;
    }

    [[nodiscard]] run::Facts facts() {
        std::ranges::sort(containers, {}, &Container::name);
        holder_of_ = [this](const auto& container, const auto& resource) {
            const auto it = held.find(container + "/" + resource);
            return it == held.end() ? std::nullopt : std::optional{it->second};
        };
        policy.graph = safety::Graph{containers, dependencies};
        return {spec,
                wanted,
                paused,
                stopping,
                {containers, synced, run::World::kNoHosts, policy},
                holder_of_,
                30min,
                now,
                closed,
                probes};
    }

    // One reconcile; returns when to come again. Empty plans change nothing.
    std::optional<TimePoint> step() {
        auto decision = run::decide(run, facts());
        run = std::move(decision.run);
        last_plan = decision.plan;
        carry_out(decision.plan);
        if (!last_plan.empty()) decision.timeline.reset();
        auto conclusion = run::conclude(run, facts(), std::move(decision.timeline));
        run = std::move(conclusion.run);
        auto next = conclusion.wait_until;
        if (last_plan.wait_until && (!next || *last_plan.wait_until < *next))
            next = last_plan.wait_until;
        return next;
    }

    // Steps until the plan is empty, as the runtime does.
    std::optional<TimePoint> settle() {
        for (int i = 0; i < 20; ++i) {
            const auto next = step();
            if (last_plan.empty() && (!next || *next > now)) return next;
        }
        throw std::runtime_error("the plan never becomes empty");
    }

    run::FaultPlan last_plan;

private:
    void carry_out(const run::FaultPlan& plan) {
        for (const auto& id : plan.undo) undo(id);
        for (const auto& settled : plan.settle) run::note_settled(run, settled, now);
        for (const auto& injection : plan.inject) inject(injection);
        for (const auto& id : plan.observe) {
            done.push_back("observe " + run.find_fault(id)->target);
            run::note_observation(run, id, Effect{now, {{"packets", "1"}, {"effect", "seen"}}},
                                  now);
        }
        for (const auto& name : plan.start) {
            done.push_back("start " + name);
            const bool checked = at(name).health != Health::kNone;
            if (start_works) start(name, checked ? Health::kStarting : Health::kNone);
            run::note_rescue(*run.find_target(name), start_works ? "" : "refused", now);
        }
    }

    void undo(const std::string& id) {
        const FaultRecord record = *run.find_fault(id);
        if (undo_fails.contains(record.target)) {
            run::note_undo(run, id, fail(ErrorCode::kUnavailable, "refused"), "", now);
            return;
        }
        done.push_back("undo " + std::string{type_name(record.spec)} + " " + record.target);
        const auto it = std::ranges::find(containers, record.target, &Container::name);
        const bool stopped = std::holds_alternative<ContainerStop>(record.spec);
        const bool there =
            it != containers.end() && (stopped || it->incarnation == record.incarnation);
        if (there && stopped && !it->running()) start(record.target);
        const bool supervised = is_supervised(record.spec);
        if (supervised) kernel.erase(id);
        if (there && !supervised) it->state = ContainerState::kRunning;
        Result<Effect> outcome{Effect{now, {}}};
        if (!there) outcome = fail(ErrorCode::kNotFound, "gone");
        run::note_undo(run, id, outcome, "", now);
    }

    void inject(const run::Injection& injection) {
        const auto& fault = injection.fault;
        done.push_back("inject " + std::string{type_name(fault.fault)} + " " + fault.target);
        const bool again = run::record_intent(run, injection, now);
        if (inject_error) {
            run::note_injection(run, injection, std::unexpected(*inject_error), again, now);
            return;
        }
        Effect effect{now, {}};
        if (is_instant(fault.fault)) {
            if (!std::holds_alternative<ProcessKill>(fault.fault)) die(fault.target);
            if (std::holds_alternative<ContainerRemove>(fault.fault)) {
                std::erase_if(containers, [&](const auto& c) { return c.name == fault.target; });
            }
        } else {
            effect.evidence["state"] = "read back";
            if (is_supervised(fault.fault)) {
                kernel[fault.id] = {fault.fault, fault.peers, fault.end, injection.onto};
            } else if (std::holds_alternative<ContainerStop>(fault.fault)) {
                if (at(fault.target).running()) die(fault.target);
            } else {
                at(fault.target).state = ContainerState::kPaused;
            }
        }
        run::note_injection(run, injection, effect, again, now);
    }

    int next_pid_ = 1000;
    std::function<std::optional<run::Holder>(const std::string&, const std::string&)> holder_of_;
};

// A run of the given spec, about to be admitted.
inline Sim sim(Spec spec, std::vector<Container> containers) {
    Sim s;
    s.spec = std::move(spec);
    s.containers = std::move(containers);
    s.run.experiment = "e";
    s.run.seed = 1;
    s.run.created_at = s.run.origin = s.now;
    s.run.dry_run = s.spec.dry_run;
    return s;
}

using Lines = std::vector<std::string>;

inline Sim kill_sim() {
    auto s = sim(spec({service("web")}, {action(ContainerKill{})}), {container("web")});
    s.at("web").health = Health::kHealthy;
    return s;
}

inline Sim pause_sim(Duration duration = 1min) {
    return sim(spec({service("web")}, {action(ContainerPause{}, duration)}), {container("web")});
}

}  // namespace chaos::test
