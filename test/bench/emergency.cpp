// Emergency stop with 500 faults of several kinds in force.
#include <csignal>
#include <stdexcept>
#include <thread>

#include "test/bench/figures.h"
#include "test/network/docker_network.h"

namespace chaos::bench {
namespace {

using namespace chaos::test;

constexpr int kContainers = 50;
constexpr int kNetworkEach = 8;
constexpr int kFaults = kContainers * (kNetworkEach + 2);  // a stressor and a pause besides
constexpr int kRounds = 5;

std::string network_actions() {
    std::string actions =
        "{type: network_bandwidth, parameters: {rate: 1mbit, to: {cidrs: [10.9.9.9]}}}";
    for (int i = 1; i < kNetworkEach; ++i) {
        actions += ", {type: network_partition, parameters: {from: {cidrs: [10.9.8." +
                   std::to_string(i) + "]}}}";
    }
    return actions;
}

// The value of a metric without labels; 0 where it is not there.
long metric(const Lab& lab, const std::string& name) {
    const auto text = lab.http("/metrics");
    const auto at = text.find("\n" + name + " ");
    return at == std::string::npos ? 0 : std::stol(text.substr(at + name.size() + 2));
}

void write_all(const Lab& lab, const std::string& targets, const std::string& name,
               const std::string& actions) {
    auto text = experiment(name, targets, actions, "  safety: {max_affected_services: 1000}\n");
    text.replace(text.find("{name: s,"), 9, "{name: s, order: parallel,");
    lab.write(name + ".yaml", text);
}

// The metric counts those that are confirmed again, too; the log has one line each.
void expect_in_force(const Lab& lab, long count) {
    const auto injected = [&] {
        long lines = 0;
        const auto log = lab.log();
        const std::string line = "fault injected";
        for (auto at = log.find(line); at != std::string::npos; at = log.find(line, at + 1))
            ++lines;
        return lines;
    };
    if (!until([&] { return injected() >= count; }, 60s)) {
        throw std::runtime_error(std::to_string(count) + " faults do not come into force");
    }
}

double stop_once(const Containers& containers) {
    Lab lab{containers};
    lab.start({"--log-level", "info"});
    const auto targets = "{selector: {names: [\"" + containers.prefix() + "e*\"]}, mode: all}";
    write_all(lab, targets, "network", network_actions());
    write_all(lab, targets, "stress", "{type: pid_stress, parameters: {count: 1}}");
    expect_in_force(lab, kFaults - kContainers);
    // Nothing could be started in what is frozen, so this comes last.
    write_all(lab, targets, "pause", "{type: container_pause}");
    expect_in_force(lab, kFaults);
    const auto start = Steady::now();
    if (lab.ctl({"emergency-stop"}).exit_code != 0) throw std::runtime_error("not stopped");
    while (metric(lab, "chaos_undo_seconds_count") < kFaults) {
        if (Steady::now() - start > 30s) throw std::runtime_error("not all was undone");
        // Writing the metrics takes time of the one thread that undoes.
        std::this_thread::sleep_for(10ms);
    }
    return milliseconds(Steady::now() - start);
}

}  // namespace

std::vector<Figure> emergency_stop() {
    const DockerNetwork network;
    Containers containers;
    for (int i = 0; i < kContainers; ++i) {
        containers.start("e" + std::to_string(i), {.network = network.name()});
    }
    Figure figure{
        "chaosctl emergency-stop with 500 mixed faults -> all undone, verified", "ms", {}};
    for (int round = 0; round < kRounds; ++round) figure.samples.push_back(stop_once(containers));
    return {figure};
}

}  // namespace chaos::bench
