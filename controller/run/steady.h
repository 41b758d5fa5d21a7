// What probes mean to a run: may it start, must it end, has it recovered. Pure.
#pragma once

#include <optional>
#include <string>

#include "controller/run/lifecycle.h"

namespace chaos::run {

// What one measurement has found.
struct Measurement {
    std::string error;  // nothing could be measured: refused, timed out, not healthy
    unsigned status = 0;
    std::string output;  // a body, or what a command has printed
    std::int64_t exit_code = 0;
    Duration took{};
};

// Why it does not count as success; absent where it does.
[[nodiscard]] std::optional<std::string> why_failed(const Probe& probe,
                                                    const Measurement& measured);

// The phase in which the run's probes are to be measured now; absent: they are not.
[[nodiscard]] std::optional<ProbePhase> probe_phase(const Run& run);

// The probe that keeps a run from starting, in words: `measured` is false where its first result is
// still to come. Absent: none does.
struct Unsteady {
    std::string message;
    bool measured = false;
};
[[nodiscard]] std::optional<Unsteady> unsteady_before(const Facts& facts);

// The probe whose failure ends the run by its stop_on_failure.
[[nodiscard]] std::optional<std::string> failed_for_good(const Facts& facts);

// The last result of a probe while the run goes on; absent: none yet.
[[nodiscard]] const PhaseResult* during(const Facts& facts, const std::string& probe);

// Probes that have not succeeded since the faults are over.
[[nodiscard]] std::vector<std::string> unrecovered_probes(const Facts& facts);

// Probes that failed while the run went on.
[[nodiscard]] std::vector<std::string> failed_during(const Facts& facts);

}  // namespace chaos::run
