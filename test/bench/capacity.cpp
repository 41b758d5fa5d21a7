// What many manifests and containers cost, and how much a reconcile that changes nothing.
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <stdexcept>
#include <thread>

#include "test/bench/figures.h"
#include "test/integration/harness.h"
#include "test/support/sim.h"

namespace chaos::bench {
namespace {

using namespace chaos::test;

void write_manual(const Lab& lab, int count) {
    for (int i = 0; i < count; ++i) {
        const auto name = "m" + std::to_string(i);
        lab.dir().write("manifests/" + name + ".yaml",
                        experiment(name, "{service: nobody-" + std::to_string(i) + "}",
                                   "{type: container_kill}", "  schedule: manual\n"));
    }
}

double metric(const Lab& lab, const std::string& name) {
    const auto text = lab.http("/metrics");
    const auto at = text.find("\n" + name + " ");
    return at == std::string::npos ? 0 : std::stod(text.substr(at + name.size() + 2));
}

}  // namespace

// From the start of the process to the reconcile of the last of 10,000 manifests that wait.
std::vector<Figure> many_manifests() {
    constexpr int kManifests = 10'000;
    Figure figure{"start with 10,000 manifests, all reconciled", "ms", {}};
    for (int round = 0; round < 3; ++round) {
        const Containers containers;
        Lab lab{containers};
        write_manual(lab, kManifests);
        const auto start = Steady::now();
        lab.start({"--log-level", "info"}, false);
        const bool all = until(
            [&] { return metric(lab, "chaos_reconcile_total{result=\"success\"}") >= kManifests; },
            60s);
        if (!all) throw std::runtime_error("not all reconciled:\n" + lab.log());
        figure.samples.push_back(milliseconds(Steady::now() - start));
        lab.stop(SIGKILL);
    }
    return {figure};
}

// Deciding and concluding for a run whose pause is in force, on a world that does not change.
std::vector<Figure> idle_reconciles() {
    auto s = sim(spec({service("web")}, {action(ContainerPause{}, 1min)}), {container("web")});
    s.settle();
    Figure figure{"reconciles that change nothing (pure part)", "1/s", {}};
    constexpr int kBatch = 20'000;
    for (int round = 0; round < 10; ++round) {
        const auto start = Steady::now();
        for (int i = 0; i < kBatch; ++i) {
            if (s.step(); !s.last_plan.empty()) throw std::runtime_error("something changed");
        }
        const std::chrono::duration<double> took = Steady::now() - start;
        figure.samples.push_back(kBatch / took.count());
    }
    return {figure};
}

std::vector<Figure> idle_cost() {
    constexpr int kContainers = 200;
    constexpr int kManifests = 1000;
    Containers containers;
    for (int i = 0; i < kContainers; ++i) containers.start("i" + std::to_string(i));
    Lab lab{containers};
    write_manual(lab, kManifests);
    lab.start({"--log-level", "info"});
    Figure cpu{"idle CPU, 200 containers, 1,000 manifests", "% core", {}};
    Figure memory{"idle resident memory, the same", "MB", {}};
    // Ten seconds a sample: each holds exactly one rescan.
    std::this_thread::sleep_for(5s);
    for (int round = 0; round < 6; ++round) {
        const auto before = cpu_seconds(lab.pid());
        std::this_thread::sleep_for(10s);
        cpu.samples.push_back((cpu_seconds(lab.pid()) - before) / 10 * 100);
        memory.samples.push_back(resident_megabytes(lab.pid()));
    }
    return {cpu, memory};
}

}  // namespace chaos::bench
