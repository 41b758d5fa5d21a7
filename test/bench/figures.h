// One figure: its samples and what is told of them.
#pragma once

#include <chrono>
#include <string>
#include <vector>

namespace chaos::bench {

using Steady = std::chrono::steady_clock;

struct Figure {
    std::string name;
    std::string unit;
    std::vector<double> samples;
};

// Nearest rank: the smallest sample that at least p of all do not exceed; NaN without samples.
[[nodiscard]] double percentile(std::vector<double> samples, double p);

[[nodiscard]] inline double milliseconds(Steady::duration d) {
    return std::chrono::duration<double, std::milli>(d).count();
}

void print_table(const std::vector<Figure>& figures);
void write_json(const std::string& path, const std::vector<Figure>& figures);

// Each of these is one or more figures, measured against the engine in CHAOS_TEST_DOCKER unless it
// says otherwise.
[[nodiscard]] std::vector<Figure> manifest_to_kill(int samples);
[[nodiscard]] std::vector<Figure> deletion_to_thaw(int samples);
[[nodiscard]] std::vector<Figure> start_to_reconciled(int samples);
[[nodiscard]] std::vector<Figure> many_manifests();   // no containers needed
[[nodiscard]] std::vector<Figure> idle_reconciles();  // pure, in this process
[[nodiscard]] std::vector<Figure> loop_reconciles();  // the whole loop, in this process
[[nodiscard]] std::vector<Figure> idle_cost();
[[nodiscard]] std::vector<Figure> sigkills(int samples);
[[nodiscard]] std::vector<Figure> stress_manifests(int samples);
[[nodiscard]] std::vector<Figure> stress_cost();
[[nodiscard]] std::vector<Figure> stress_exactness();  // beside stress-ng
// At least 500 samples, beside a script that does the same.
[[nodiscard]] std::vector<Figure> network_faults(int samples);
[[nodiscard]] std::vector<Figure> network_manifests(int samples);
[[nodiscard]] std::vector<Figure> network_restart(int samples);
[[nodiscard]] std::vector<Figure> network_stop();
[[nodiscard]] std::vector<Figure> emergency_stop();
[[nodiscard]] std::vector<Figure> unselected_throughput();  // between two namespaces

}  // namespace chaos::bench
