// Short ways to say what a test is about.
#pragma once

#include <string>
#include <vector>

#include "controller/api/container.h"
#include "controller/api/experiment.h"

namespace chaos::test {

using namespace std::chrono_literals;

// A fixed moment: tests never read a clock.
inline const TimePoint kT0 =
    TimePoint{std::chrono::sys_days{std::chrono::year{2026} / 11 / 24}} + 8h;

inline std::string long_id(const std::string& name) {
    std::string id = name;
    for (auto& c : id) c = "0123456789abcdef"[static_cast<unsigned char>(c) % 16];
    id.resize(64, 'f');
    return id;
}

// A running container with a known life.
inline Container container(const std::string& name, const std::string& service = "") {
    Container c;
    c.id = long_id(name);
    c.name = name;
    c.image = "app:1";
    if (!service.empty()) c.labels[std::string{kComposeServiceLabel}] = service;
    c.state = ContainerState::kRunning;
    c.incarnation = Incarnation{c.id, "2026-11-24T07:00:00Z", 100};
    c.started_at = kT0 - 1h;
    return c;
}

inline Target service(const std::string& name, double weight = 1) {
    Target target;
    target.service = name;
    target.weight = weight;
    return target;
}

inline Action action(FaultSpec fault, std::optional<Duration> duration = std::nullopt) {
    Action a;
    a.fault = fault;
    a.duration = duration;
    return a;
}

inline Spec spec(std::vector<Target> targets, std::vector<Action> actions,
                 Duration duration = 10min) {
    Spec s;
    s.duration = duration;
    s.targets = std::move(targets);
    Scenario scenario;
    scenario.name = "s";
    scenario.actions = std::move(actions);
    s.scenarios = {std::move(scenario)};
    return s;
}

}  // namespace chaos::test
