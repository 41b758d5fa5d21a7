#include "controller/run/steady.h"

#include <re2/re2.h>

#include <algorithm>

namespace chaos::run {
namespace {

const PhaseResult* result_of(const Facts& facts, const std::string& probe, ProbePhase phase) {
    const auto it = std::ranges::find(facts.probes, probe, &ProbeState::name);
    return it == facts.probes.end() ? nullptr : &it->in(phase);
}

bool status_fits(const Probe& probe, unsigned status) {
    if (probe.statuses.empty()) return status >= 200 && status < 400;
    return std::ranges::find(probe.statuses, static_cast<std::int64_t>(status)) !=
           probe.statuses.end();
}

}  // namespace

std::optional<std::string> why_failed(const Probe& probe, const Measurement& measured) {
    if (!measured.error.empty()) return measured.error;
    if (probe.type == ProbeType::kHttp && !status_fits(probe, measured.status)) {
        return "answered with status " + std::to_string(measured.status);
    }
    if (probe.type == ProbeType::kExec && measured.exit_code != probe.exit_code) {
        return "ended with exit code " + std::to_string(measured.exit_code) + ", expected " +
               std::to_string(probe.exit_code);
    }
    if (!probe.body_regex.empty() &&
        !re2::RE2::PartialMatch(measured.output, re2::RE2{probe.body_regex, re2::RE2::Quiet})) {
        return "nothing in the answer matches " + probe.body_regex;
    }
    if (probe.max_latency && measured.took > *probe.max_latency) {
        return "took " + humanize_duration(measured.took) + ", expected at most " +
               format_duration(*probe.max_latency);
    }
    return std::nullopt;
}

std::optional<ProbePhase> probe_phase(const Run& run) {
    if (run.finished() || run.paused_since) return std::nullopt;
    if (run.recovering()) return ProbePhase::kAfter;
    if (!run.stop_reason.empty()) return std::nullopt;
    return run.targets.empty() ? ProbePhase::kBefore : ProbePhase::kDuring;
}

std::optional<Unsteady> unsteady_before(const Facts& facts) {
    for (const auto& probe : facts.spec.probes) {
        if (!probe.in(ProbePhase::kBefore)) continue;
        const auto* result = result_of(facts, probe.name, ProbePhase::kBefore);
        if (result == nullptr || !result->last) {
            return Unsteady{"probe " + probe.name + " is being measured", false};
        }
        if (!*result->last) return Unsteady{"probe " + probe.name + ": " + result->message, true};
    }
    return std::nullopt;
}

const PhaseResult* during(const Facts& facts, const std::string& probe) {
    const auto* result = result_of(facts, probe, ProbePhase::kDuring);
    return result == nullptr || !result->last ? nullptr : result;
}

std::optional<std::string> failed_for_good(const Facts& facts) {
    for (const auto& probe : facts.spec.probes) {
        const auto* result = during(facts, probe.name);
        if (!probe.stop_on_failure || result == nullptr || *result->last) continue;
        return "probe " + probe.name + ": " + result->message;
    }
    return std::nullopt;
}

std::vector<std::string> unrecovered_probes(const Facts& facts) {
    std::vector<std::string> names;
    for (const auto& probe : facts.spec.probes) {
        if (!probe.in(ProbePhase::kAfter)) continue;
        const auto* result = result_of(facts, probe.name, ProbePhase::kAfter);
        if (result == nullptr || !result->last.value_or(false)) names.push_back(probe.name);
    }
    return names;
}

std::vector<std::string> failed_during(const Facts& facts) {
    std::vector<std::string> names;
    for (const auto& probe : facts.spec.probes) {
        const auto* result = result_of(facts, probe.name, ProbePhase::kDuring);
        if (result != nullptr && result->failures > 0) names.push_back(probe.name);
    }
    return names;
}

}  // namespace chaos::run
