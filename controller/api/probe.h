// Measurements of the steady state, and what came of them.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "controller/api/time.h"

namespace chaos {

enum class ProbeType { kContainerHealth, kHttp, kTcp, kExec };
enum class ProbePhase { kBefore, kDuring, kAfter };

struct Probe {
    std::string name;
    ProbeType type = ProbeType::kContainerHealth;
    std::array<bool, 3> phases{true, true, true};  // by ProbePhase
    std::string service;
    std::string url;
    std::string method = "GET";
    std::string address;  // host:port
    std::vector<std::string> command;
    // What counts as success.
    std::vector<std::int64_t> statuses;  // empty: 200 to 399
    std::string body_regex;              // empty: any body or output
    std::int64_t exit_code = 0;
    std::optional<Duration> max_latency;
    Duration interval = std::chrono::seconds{10};
    Duration timeout = std::chrono::seconds{5};
    Duration initial_delay{};
    std::int64_t retries = 0;
    bool stop_on_failure = false;
    double weight = 1;

    [[nodiscard]] bool in(ProbePhase phase) const {
        return phases[static_cast<std::size_t>(phase)];
    }
    friend bool operator==(const Probe&, const Probe&) = default;
};

struct PhaseResult {
    std::int64_t successes = 0;
    std::int64_t failures = 0;
    std::optional<bool> last;
    std::string message;  // of the last failure

    friend bool operator==(const PhaseResult&, const PhaseResult&) = default;
};

struct ProbeState {
    std::string name;
    std::array<PhaseResult, 3> phases;  // by ProbePhase

    [[nodiscard]] PhaseResult& in(ProbePhase phase) {
        return phases[static_cast<std::size_t>(phase)];
    }
    [[nodiscard]] const PhaseResult& in(ProbePhase phase) const {
        return phases[static_cast<std::size_t>(phase)];
    }
    friend bool operator==(const ProbeState&, const ProbeState&) = default;
};

}  // namespace chaos
