#include "controller/runtime/prober.h"

#include <algorithm>

#include "controller/http/client.h"
#include "controller/run/match.h"

namespace chaos::runtime {
namespace {

using run::Measurement;
using Clock = std::chrono::steady_clock;

}  // namespace

void Prober::follow(const std::string& experiment, const std::vector<Probe>& probes,
                    std::optional<ProbePhase> phase) {
    if (probes.empty() || !phase) {
        followed_.erase(experiment);
        return;
    }
    auto& followed = followed_[experiment];
    if (followed.phase == phase && followed.probes == probes) return;
    followed = {++rounds_, probes, phase};
    for (const auto& probe : probes) {
        if (probe.in(*phase)) tasks_.spawn(watch(experiment, probe, *phase, followed.round));
    }
}

bool Prober::is_current(const std::string& experiment, std::uint64_t round) const {
    const auto it = followed_.find(experiment);
    return it != followed_.end() && it->second.round == round;
}

Task<> Prober::watch(std::string experiment, Probe probe, ProbePhase phase, std::uint64_t round) {
    if (probe.initial_delay > Duration{0} && !co_await sleep_for(probe.initial_delay)) co_return;
    while (is_current(experiment, round)) {
        const auto start = Clock::now();
        std::optional<std::string> why;
        for (std::int64_t i = 0; i <= probe.retries; ++i) {
            const auto measured = co_await measure(probe);
            why = run::why_failed(probe, measured);
            if (!why) break;
        }
        if (!is_current(experiment, round)) co_return;
        on_result_(experiment, probe.name, phase, why.value_or(""));
        const auto next = start + probe.interval - Clock::now();
        if (!co_await sleep_for(std::max<Duration>(next, Duration{0}))) co_return;
    }
}

Task<Measurement> Prober::measure(Probe probe) {
    switch (probe.type) {
        case ProbeType::kHttp: return measure_http(std::move(probe));
        case ProbeType::kTcp: return measure_tcp(std::move(probe));
        case ProbeType::kExec: return measure_exec(std::move(probe));
        case ProbeType::kContainerHealth: break;
    }
    auto now = [](Measurement measured) -> Task<Measurement> { co_return measured; };
    return now(look_at_health(probe));
}

Measurement Prober::look_at_health(const Probe& probe) const {
    if (!world_.synced()) return {.error = "the Docker engine does not answer"};
    bool any = false;
    for (const auto& container : world_.containers()) {
        if (!run::matches_service(probe.service, container)) continue;
        any = true;
        const bool well =
            container.state == ContainerState::kRunning &&
            (container.health == Health::kHealthy || container.health == Health::kNone);
        if (well) continue;
        const bool runs = container.state == ContainerState::kRunning;
        return {.error =
                    container.name + " is " +
                    std::string{runs ? to_string(container.health) : to_string(container.state)}};
    }
    if (!any) return {.error = "no container of service " + probe.service};
    return {};
}

Task<Measurement> Prober::measure_http(Probe probe) {
    auto url = http::parse_url(probe.url);
    if (!url) co_return Measurement{.error = url.error().context};
    const auto start = Clock::now();
    const auto reply = co_await http::call(probe.method, std::move(*url), probe.timeout);
    if (!reply) co_return Measurement{.error = reply.error().context};
    Measurement measured;
    measured.status = reply->status;
    measured.output = reply->body;
    measured.took = Clock::now() - start;
    co_return measured;
}

Task<Measurement> Prober::measure_tcp(Probe probe) {
    const auto colon = probe.address.rfind(':');
    auto host = probe.address.substr(0, colon);
    if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
    const auto start = Clock::now();
    const auto connected =
        co_await http::connect(host, probe.address.substr(colon + 1), probe.timeout);
    if (!connected) co_return Measurement{.error = connected.error().context};
    Measurement measured;
    measured.took = Clock::now() - start;
    co_return measured;
}

Task<Measurement> Prober::measure_exec(Probe probe) {
    const auto& containers = world_.containers();
    const auto it = std::ranges::find_if(containers, [&](const auto& container) {
        return container.state == ContainerState::kRunning &&
               run::matches_service(probe.service, container);
    });
    if (it == containers.end()) {
        co_return Measurement{.error = "no container of service " + probe.service + " runs"};
    }
    const auto name = it->name;
    const auto start = Clock::now();
    const auto done = co_await world_.execute(name, probe.command, probe.timeout);
    if (!done) co_return Measurement{.error = name + ": " + done.error().context};
    Measurement measured;
    measured.exit_code = done->exit_code;
    measured.output = done->output;
    measured.took = Clock::now() - start;
    co_return measured;
}

}  // namespace chaos::runtime
