#include "reconcilers/stress/cgroup.h"

#include <algorithm>
#include <functional>

#include "reconcilers/stress/control_files.h"
#include "reconcilers/stress/text.h"

namespace chaos::stress {
namespace {

// The controller files of version 1 say "no limit" by a number near the largest there is.
constexpr std::uint64_t kNoLimit = 1ULL << 60U;

bool names(std::string_view list, std::string_view word) {
    bool found = false;
    each_part(list, ',', [&](std::string_view part) { found = found || part == word; });
    return found;
}

std::string path_of(const Group& group) {
    return group.directory == "/" ? group.mount : group.mount + group.directory;
}

std::string read_in(const Group& group, const char* file) {
    return read_file(path_of(group) + "/" + file);
}

template <class T>
void keep_least(std::optional<T>& least, std::optional<T> value) {
    if (value && (!least || *value < *least)) least = value;
}

// Calls `look` with the group and with every group above it.
void each_above(Group group, const std::function<void(const Group&)>& look) {
    for (;;) {
        look(group);
        if (group.directory == "/" || group.directory.empty()) return;
        group.directory.resize(group.directory.rfind('/'));
        if (group.directory.empty()) group.directory = "/";
    }
}

std::optional<double> cpus_allowed(const Group& group) {
    if (group.unified()) return cpus_in(read_in(group, "cpu.max"));
    return cpus_in(std::string{first_word(read_in(group, "cpu.cfs_quota_us"))} + " " +
                   read_in(group, "cpu.cfs_period_us"));
}

std::optional<std::uint64_t> memory_allowed(const Group& group) {
    auto limit =
        number_in(read_in(group, group.unified() ? "memory.max" : "memory.limit_in_bytes"));
    return limit && *limit < kNoLimit ? limit : std::nullopt;
}

std::optional<std::uint64_t> memory_used(const Group& group) {
    const bool v2 = group.unified();
    const auto all = number_in(read_in(group, v2 ? "memory.current" : "memory.usage_in_bytes"));
    const auto cache =
        value_in(read_in(group, "memory.stat"), v2 ? "inactive_file" : "total_inactive_file");
    if (!all) return std::nullopt;
    return *all - std::min(*all, cache.value_or(0));
}

std::vector<Level> levels_of(const Group& group,
                             std::optional<std::uint64_t> (*allowed)(const Group&),
                             std::optional<std::uint64_t> (*used)(const Group&)) {
    std::vector<Level> levels;
    each_above(group, [&](const Group& g) {
        const auto limit = allowed(g);
        const auto use = limit ? used(g) : std::nullopt;
        if (limit && use) levels.push_back({*limit, *use});
    });
    return levels;
}

std::optional<std::uint64_t> pids_allowed(const Group& group) {
    return number_in(read_in(group, "pids.max"));
}

std::optional<std::uint64_t> pids_used(const Group& group) {
    return number_in(read_in(group, "pids.current"));
}

// Where the least limit is, or in the group itself.
std::optional<std::uint64_t> used_of(const std::vector<Level>& levels,
                                     const std::optional<std::uint64_t>& own) {
    const auto least = std::ranges::min_element(levels, {}, &Level::limit);
    return least == levels.end() ? own : std::optional{least->used};
}

void add_io(const Group& group, Usage& usage) {
    if (group.unified()) {
        const auto stat = read_in(group, "io.stat");
        usage.read = sum_in(stat, "rbytes=");
        usage.written = sum_in(stat, "wbytes=");
        return;
    }
    // Lines "8:0 Read 4096"; the recursive file came with Linux 4.13.
    auto text = read_in(group, "blkio.throttle.io_service_bytes_recursive");
    if (text.empty()) text = read_in(group, "blkio.throttle.io_service_bytes");
    if (text.empty()) return;
    usage.read = sum_in(text, "Read ");
    usage.written = sum_in(text, "Write ");
}

}  // namespace

Result<Cgroup> Cgroup::of(int pid) {
    const auto memberships = read_file("/proc/" + std::to_string(pid) + "/cgroup");
    if (memberships.empty()) {
        return fail(ErrorCode::kNotFound, "process " + std::to_string(pid) + " has ended");
    }
    auto groups = locate(parse_memberships(memberships),
                         parse_hierarchies(read_file("/proc/self/mountinfo")));
    if (!groups) return std::unexpected(groups.error());
    return Cgroup{std::move(*groups)};
}

const Group* Cgroup::with(std::string_view controller) const {
    const Group* unified = nullptr;
    for (const auto& group : groups_) {
        if (names(group.controllers, controller)) return &group;
        if (group.unified()) unified = &group;
    }
    return unified;
}

Limits Cgroup::limits() const {
    Limits limits;
    if (const auto* cpu = with("cpu")) {
        each_above(*cpu, [&](const Group& g) { keep_least(limits.cpus, cpus_allowed(g)); });
    }
    if (const auto* memory = with("memory")) {
        each_above(*memory, [&](const Group& g) { keep_least(limits.memory, memory_allowed(g)); });
    }
    if (const auto* pids = with("pids")) {
        each_above(*pids, [&](const Group& g) { keep_least(limits.pids, pids_allowed(g)); });
    }
    return limits;
}

std::vector<Level> Cgroup::memory_levels() const {
    const auto* group = with("memory");
    return group == nullptr ? std::vector<Level>{} : levels_of(*group, memory_allowed, memory_used);
}

std::vector<Level> Cgroup::pid_levels() const {
    const auto* group = with("pids");
    return group == nullptr ? std::vector<Level>{} : levels_of(*group, pids_allowed, pids_used);
}

std::optional<std::uint64_t> Cgroup::memory() const {
    const auto* group = with("memory");
    if (group == nullptr) return std::nullopt;
    return used_of(memory_levels(), memory_used(*group));
}

std::optional<std::uint64_t> Cgroup::pids() const {
    const auto* group = with("pids");
    return group == nullptr ? std::nullopt : used_of(pid_levels(), pids_used(*group));
}

bool Cgroup::frozen() const {
    const auto* group = with("freezer");
    if (group == nullptr) return false;
    if (group->unified()) return value_in(read_in(*group, "cgroup.events"), "frozen") == 1;
    const auto state = read_in(*group, "freezer.state");
    return !state.empty() && !state.starts_with("THAWED");
}

double cpus_allowed(const Limits& limits, int cpus) {
    return std::min(limits.cpus.value_or(cpus), static_cast<double>(cpus));
}

std::uint64_t goal_of_share(double share, const std::vector<Level>& levels, std::uint64_t held) {
    std::optional<std::uint64_t> goal;
    for (const auto& level : levels) {
        const auto most = static_cast<std::uint64_t>(share * static_cast<double>(level.limit));
        const auto others = level.used - std::min(level.used, held);
        keep_least(goal, std::optional{most - std::min(most, others)});
    }
    return goal.value_or(0);
}

Usage Cgroup::usage() const {
    Usage usage;
    if (const auto* cpu = with("cpu")) {
        const auto stat = read_in(*cpu, "cpu.stat");
        usage.periods = value_in(stat, "nr_periods");
        usage.throttled = value_in(stat, "nr_throttled");
        if (const auto us = value_in(stat, "usage_usec")) usage.cpu_ns = *us * 1000;
        usage.cpu_pressure = pressure_in(read_in(*cpu, "cpu.pressure"));
    }
    const auto* account = with("cpuacct");
    if (account != nullptr && !account->unified()) {
        usage.cpu_ns = number_in(read_in(*account, "cpuacct.usage"));
    }
    usage.memory = memory();
    if (const auto* memory = with("memory")) {
        usage.oom_kills =
            value_in(read_in(*memory, memory->unified() ? "memory.events" : "memory.oom_control"),
                     "oom_kill");
        usage.memory_pressure = pressure_in(read_in(*memory, "memory.pressure"));
    }
    const auto* disks = with("blkio");
    if (disks != nullptr) {
        add_io(*disks, usage);
        usage.io_pressure = pressure_in(read_in(*disks, "io.pressure"));
    }
    usage.pids = pids();
    return usage;
}

}  // namespace chaos::stress
