// The figures of specification section 13 that this version can have. Prints a table and, with
// --json FILE, the same for programs. --samples N (default 200), --only NAME for one of them.
#include <functional>
#include <iostream>
#include <stdexcept>
#include <utility>

#include "test/bench/figures.h"
#include "test/integration/harness.h"

namespace {

using namespace chaos::bench;

int run(int argc, char** argv) {
    int samples = 200;
    std::string json_path;
    std::string only;
    for (int i = 1; i + 1 < argc; i += 2) {
        const std::string option = argv[i];
        if (option == "--samples") samples = std::stoi(argv[i + 1]);
        if (option == "--json") json_path = argv[i + 1];
        if (option == "--only") only = argv[i + 1];
    }
    if (chaos::test::shared_engine().empty()) {
        throw std::runtime_error("CHAOS_TEST_DOCKER names no engine; use make bench");
    }
    const std::vector<std::pair<std::string, std::function<std::vector<Figure>()>>> benches{
        {"kill", [&] { return manifest_to_kill(samples); }},
        {"thaw", [&] { return deletion_to_thaw(samples); }},
        {"restart", [&] { return start_to_reconciled(samples); }},
        {"start", many_manifests},
        {"reconcile", idle_reconciles},
        {"loop", loop_reconciles},
        {"idle", idle_cost},
        {"network", [&] { return network_faults(samples); }},
        {"network-manifest", [&] { return network_manifests(samples); }},
        {"network-restart", [&] { return network_restart(samples); }},
        {"network-stop", network_stop},
        {"emergency-stop", emergency_stop},
        {"network-throughput", unselected_throughput},
        {"stress", [&] { return stress_manifests(samples); }},
        {"stress-cost", stress_cost},
        {"stress-exactness", stress_exactness},
        {"sigkill", [&] { return sigkills(samples); }},
    };
    std::vector<Figure> figures;
    for (const auto& [name, bench] : benches) {
        if (!only.empty() && only != name) continue;
        std::cerr << "bench: " << name << "…\n";
        for (auto& figure : bench()) figures.push_back(std::move(figure));
    }
    print_table(figures);
    if (!json_path.empty()) write_json(json_path, figures);
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    try {
        return run(argc, argv);
    } catch (const std::exception& error) {
        std::cerr << "bench: " << error.what() << '\n';
        return 1;
    }
}
