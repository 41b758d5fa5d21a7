// Stress faults: how fast a manifest becomes one and is gone, what the controller and the stressors
// cost themselves, and how near both they and stress-ng come to what was asked for.
#include <csignal>
#include <stdexcept>
#include <thread>

#include "test/bench/figures.h"
#include "test/stress/stress_bed.h"

namespace chaos::bench {
namespace {

using namespace chaos::test;

std::string path_of(const stress::Group& group) { return group.mount + group.directory; }

// Looks for a stressor in a container's control group, again and again.
class Watcher {
public:
    explicit Watcher(const Watched& web) : procs_(path_of(web.cgroup().groups().at(0))) {
        procs_ += "/cgroup.procs";
    }

    void wait_for(bool there) const {
        const auto end = Steady::now() + std::chrono::seconds{10};
        while (has_stressor() != there) {
            if (Steady::now() > end) throw std::runtime_error("it does not come");
        }
    }

private:
    [[nodiscard]] bool has_stressor() const {
        std::istringstream pids{read_text(procs_)};
        for (std::string pid; pids >> pid;) {
            if (read_text("/proc/" + pid + "/comm") == "chaos-stressor\n") return true;
        }
        return false;
    }

    std::string procs_;
};

// stress-ng in the container's control groups, as somebody would script it.
pid_t start_stress_ng(const Watched& web, const std::vector<std::string>& arguments) {
    std::vector<std::string> argv{
        "sh", "-c",
        "while test $1 != --; do echo $$ > $1/cgroup.procs; shift; done; shift; exec stress-ng "
        "-q \"$@\"",
        "sh"};
    const auto cgroup = web.cgroup();
    for (const auto& group : cgroup.groups()) argv.push_back(path_of(group));
    argv.emplace_back("--");
    argv.insert(argv.end(), arguments.begin(), arguments.end());
    return spawn_program(argv);
}

// By how many percentage points of the limit the CPU share is off, over 10 s.
double cpu_off(const Watched& web, double limit, int load) {
    std::this_thread::sleep_for(1s);
    return std::abs(web.cpus(10s) / limit * 100 - load);
}

// By how many percent memory in use is off, looked at when it has settled.
double memory_off(const Watched& web, double mebibytes) {
    std::this_thread::sleep_for(3s);
    return std::abs(web.mebibytes() - mebibytes) / mebibytes * 100;
}

double cpu_seconds_in(const std::vector<stress::Cgroup>& cgroups) {
    double sum = 0;
    for (const auto& cgroup : cgroups) {
        sum += static_cast<double>(cgroup.usage().cpu_ns.value_or(0)) / 1e9;
    }
    return sum;
}

}  // namespace

std::vector<Figure> stress_manifests(int samples) {
    const StressBed bed;
    const Watcher watcher{bed.web};
    Figure there{"manifest written -> stressor in the control group", "ms", {}};
    Figure gone{"manifest deleted -> stressor gone", "ms", {}};
    for (int i = 0; i < samples; ++i) {
        const auto name = "s" + std::to_string(i);
        const auto text =
            experiment(name, by_name(bed.web.name()), "{type: cpu_stress, parameters: {load: 10}}");
        auto start = Steady::now();
        bed.lab.write(name + ".yaml", text);
        watcher.wait_for(true);
        there.samples.push_back(milliseconds(Steady::now() - start));
        bed.lab.expect_phase(name, "Running");
        start = Steady::now();
        bed.lab.remove(name + ".yaml");
        watcher.wait_for(false);
        gone.samples.push_back(milliseconds(Steady::now() - start));
        bed.lab.expect_phase(name, "Aborted");
    }
    return {there, gone};
}

// Fifty stressors that hold a little memory: what they cost beside what they are asked for.
std::vector<Figure> stress_cost() {
    constexpr int kContainers = 50;
    Containers containers;
    for (int i = 0; i < kContainers; ++i) {
        containers.start("c" + std::to_string(i), {.options = {"--memory", "64m"}});
    }
    Lab lab{containers};
    lab.start({"--log-level", "info"});
    lab.write(
        "all.yaml",
        experiment("all", "{selector: {names: [\"" + containers.prefix() + "c*\"]}, mode: all}",
                   "{type: memory_stress, parameters: {size: 1Mi}}",
                   "  safety: {max_affected_services: 1000}\n"));
    lab.expect_phase("all", "Running");
    std::vector<stress::Cgroup> cgroups;
    double resident = 0;
    for (int i = 0; i < kContainers; ++i) {
        const Watched web{containers, containers.prefix() + "c" + std::to_string(i)};
        cgroups.push_back(web.cgroup());
        resident = resident_megabytes(web.stressors().at(0));
    }
    Figure cpu{"controller's CPU, 50 stressors running", "% core", {}};
    Figure memory{"controller's resident memory, the same", "MB", {}};
    Figure own{"a stressor's own CPU beside its load", "% core", {}};
    Figure small{"a stressor's own resident memory beside its load", "MB", {}};
    for (int round = 0; round < 6; ++round) {
        const auto before = cpu_seconds(lab.pid());
        const auto used_before = cpu_seconds_in(cgroups);
        std::this_thread::sleep_for(10s);
        cpu.samples.push_back((cpu_seconds(lab.pid()) - before) / 10 * 100);
        memory.samples.push_back(resident_megabytes(lab.pid()));
        own.samples.push_back((cpu_seconds_in(cgroups) - used_before) / 10 * 100 / kContainers);
    }
    small.samples.push_back(resident - 1);
    return {cpu, memory, own, small};
}

std::vector<Figure> stress_exactness() {
    constexpr int kRounds = 3;
    const StressBed bed;
    Figure cpu{"cpu_stress 80 % of 0.5 CPU: off by", "points", {}};
    Figure ng_cpu{"stress-ng --cpu 1 --cpu-load 40: off by", "points", {}};
    Figure memory{"memory_stress 75 % of 128 MiB: off by", "%", {}};
    Figure ng_memory{"stress-ng --vm 1 --vm-bytes 96m --vm-keep: off by", "%", {}};
    for (int i = 0; i < kRounds; ++i) {
        const auto ask = [&](const std::string& name, const std::string& action) {
            const auto full = name + std::to_string(i);
            bed.apply(full, action);
            return full;
        };
        auto name = ask("cpu", "{type: cpu_stress, parameters: {load: 80}}");
        cpu.samples.push_back(cpu_off(bed.web, 0.5, 80));
        bed.remove(name);
        auto pid = start_stress_ng(bed.web, {"--cpu", "1", "--cpu-load", "40"});
        ng_cpu.samples.push_back(cpu_off(bed.web, 0.5, 80));
        end_program(pid);
        name = ask("memory", "{type: memory_stress, parameters: {percent: 75}}");
        memory.samples.push_back(memory_off(bed.web, 96));
        bed.remove(name);
        pid = start_stress_ng(bed.web, {"--vm", "1", "--vm-bytes", "96m", "--vm-keep"});
        ng_memory.samples.push_back(memory_off(bed.web, 96));
        end_program(pid);
    }
    return {cpu, ng_cpu, memory, ng_memory};
}

}  // namespace chaos::bench
