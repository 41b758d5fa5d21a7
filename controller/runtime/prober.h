// Measures the probes of the experiments that run: what is found goes to a hook, what it means is
// decided elsewhere (controller/run/steady.h).
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "controller/api/probe.h"
#include "controller/asio/task_group.h"
#include "controller/run/steady.h"
#include "controller/runtime/reconciler.h"

namespace chaos::runtime {

class Prober {
public:
    // `why`: of a failure; "" for a success.
    using OnResult = std::function<void(const std::string& experiment, const std::string& probe,
                                        ProbePhase phase, const std::string& why)>;
    // `tasks`: where measurements run; it must be cancelled before the prober ends.
    Prober(TaskGroup& tasks, World& world, OnResult on_result)
        : tasks_(tasks), world_(world), on_result_(std::move(on_result)) {}

    // From now on these probes of an experiment are measured as of that phase; absent: none is. The
    // same again changes nothing. Another phase, or other probes, begin anew.
    void follow(const std::string& experiment, const std::vector<Probe>& probes,
                std::optional<ProbePhase> phase);

private:
    struct Followed {
        std::uint64_t round = 0;
        std::vector<Probe> probes;
        std::optional<ProbePhase> phase;
    };

    [[nodiscard]] Task<> watch(std::string experiment, Probe probe, ProbePhase phase,
                               std::uint64_t round);
    [[nodiscard]] Task<run::Measurement> measure(Probe probe);
    [[nodiscard]] Task<run::Measurement> measure_http(Probe probe);
    [[nodiscard]] Task<run::Measurement> measure_tcp(Probe probe);
    [[nodiscard]] Task<run::Measurement> measure_exec(Probe probe);
    [[nodiscard]] run::Measurement look_at_health(const Probe& probe) const;
    [[nodiscard]] bool is_current(const std::string& experiment, std::uint64_t round) const;

    TaskGroup& tasks_;
    World& world_;
    OnResult on_result_;
    std::map<std::string, Followed> followed_;
    std::uint64_t rounds_ = 0;
};

}  // namespace chaos::runtime
