// May it start, may it go on: pure functions of what was observed. What is not known closes a gate.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "controller/api/config.h"
#include "controller/safety/health.h"

namespace chaos::safety {

struct HostUsage {
    double cpu_percent = 0;
    double memory_percent = 0;

    friend bool operator==(const HostUsage&, const HostUsage&) = default;
};

struct Readings {
    std::optional<HostUsage> host;
    std::string host_error;  // why there is none
    // Absent: whether there are any is not known.
    std::optional<std::vector<std::string>> incidents;
    std::string incidents_error;
    std::optional<HealthCount> health;  // absent: the engine does not answer
    // The controller, or what the configuration names, has just come: what is not known is not
    // known yet. What runs already goes on for that moment.
    bool settling = false;
};

// Of one experiment.
struct Question {
    bool safe_mode = true;
    bool begun = false;       // it has targets already: how many others run does not matter
    std::size_t running = 0;  // other experiments that run
};

// What the controller itself says, before any gate is looked at.
struct Standing {
    std::string halted;      // why everything is stopped; "" where it is not
    bool draining = false;   // nothing new is admitted, what runs may end
    bool configured = true;  // false: no valid configuration has been read yet
    std::string restart;     // what of the configuration only a restart brings into force; or ""
};

struct Closed {
    std::string reason;   // CamelCase
    std::string message;  // with the figure and the limit

    friend bool operator==(const Closed&, const Closed&) = default;
};

// Every gate that is closed, the most telling first; empty: it may go on.
[[nodiscard]] std::vector<Closed> closed_gates(const Config& config, const Standing& standing,
                                               const Readings& readings, const Question& question,
                                               TimePoint now);

// Names of all gates' reasons, for metrics.
[[nodiscard]] std::vector<std::string_view> gate_reasons();

}  // namespace chaos::safety
