#include "test/stress/stress_bed.h"

#include <sys/statvfs.h>

#include <filesystem>
#include <stdexcept>
#include <thread>

namespace chaos::test {

int Watched::pid() const { return std::stoi(containers_.inspect(name_, "{{.State.Pid}}")); }

stress::Cgroup Watched::cgroup() const {
    auto cgroup = stress::Cgroup::of(pid());
    if (!cgroup) throw std::runtime_error(cgroup.error().context);
    return std::move(*cgroup);
}

double Watched::mebibytes() const {
    return static_cast<double>(cgroup().memory().value_or(0)) / (1U << 20U);
}

// The sleep is the measurement.
double Watched::cpus(Duration over) const {
    const auto group = cgroup();
    const auto before = group.usage().cpu_ns.value_or(0);
    const auto start = std::chrono::steady_clock::now();
    std::this_thread::sleep_for(over);
    const auto used = group.usage().cpu_ns.value_or(0) - before;
    const auto took = std::chrono::steady_clock::now() - start;
    return static_cast<double>(used) / static_cast<double>(std::chrono::nanoseconds{took}.count());
}

std::vector<int> Watched::stressors() const {
    std::vector<int> pids;
    const auto id = containers_.inspect(name_, "{{.Id}}");
    for (const auto& entry : std::filesystem::directory_iterator{"/proc"}) {
        const auto proc = entry.path().string();
        if (read_text(proc + "/comm") != "chaos-stressor\n") continue;
        if (read_text(proc + "/cgroup").find(id) == std::string::npos) continue;
        if (read_text(proc + "/stat").find(") Z") != std::string::npos) continue;
        pids.push_back(std::stoi(entry.path().filename().string()));
    }
    return pids;
}

std::int64_t Watched::free_space() const {
    struct statvfs status{};
    const auto root = "/proc/" + std::to_string(pid()) + "/root";
    if (::statvfs(root.c_str(), &status) != 0) throw std::runtime_error(root);
    return static_cast<std::int64_t>(status.f_bavail * status.f_frsize);
}

}  // namespace chaos::test
