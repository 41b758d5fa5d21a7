// The control groups of a process, version 1 and 2, side by side where a host has both: what they
// allow and what was used in them. Used by the controller and by the stressor.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "reconcilers/stress/hierarchy.h"

namespace chaos::stress {

// What was used in a control group, and what it allows; absent: not told by this kernel.
struct Usage {
    std::optional<std::uint64_t> cpu_ns;
    std::optional<std::uint64_t> periods;    // of the CPU limit
    std::optional<std::uint64_t> throttled;  // of these
    // In use as Docker counts it: without the page cache that can be dropped at once.
    std::optional<std::uint64_t> memory;
    std::optional<std::uint64_t> oom_kills;
    std::optional<std::uint64_t> read;  // bytes, from and to disks
    std::optional<std::uint64_t> written;
    std::optional<std::uint64_t> pids;
    // Percent of the last 10 s in which some process waited for it (PSI; version 2).
    std::optional<double> cpu_pressure;
    std::optional<double> memory_pressure;
    std::optional<double> io_pressure;

    friend bool operator==(const Usage&, const Usage&) = default;
};

// The smallest of what a group and those above it allow; absent: no limit.
struct Limits {
    std::optional<double> cpus;  // CPU seconds a second
    std::optional<std::uint64_t> memory;
    std::optional<std::uint64_t> pids;

    friend bool operator==(const Limits&, const Limits&) = default;
};

// CPU seconds a second that processes may use which may run on that many CPUs.
[[nodiscard]] double cpus_allowed(const Limits& limits, int cpus);

// A limit, and what is used of it: in a group or in one above it, whose other members count too.
struct Level {
    std::uint64_t limit = 0;
    std::uint64_t used = 0;

    friend bool operator==(const Level&, const Level&) = default;
};

// How much to hold so that no level is used by more than that share of its limit; `held` is counted
// in what is used. 0 where there is no level. Pure.
[[nodiscard]] std::uint64_t goal_of_share(double share, const std::vector<Level>& levels,
                                          std::uint64_t held);

class Cgroup {
public:
    Cgroup() = default;
    explicit Cgroup(std::vector<Group> groups) : groups_(std::move(groups)) {}

    // Errors: kNotFound (no such process), kInvalid as locate().
    [[nodiscard]] static Result<Cgroup> of(int pid);

    [[nodiscard]] const std::vector<Group>& groups() const { return groups_; }
    [[nodiscard]] Limits limits() const;
    [[nodiscard]] Usage usage() const;
    // In use where the least limit is, in the group itself where there is none.
    [[nodiscard]] std::optional<std::uint64_t> memory() const;
    [[nodiscard]] std::optional<std::uint64_t> pids() const;
    // Those with a limit, from the group upwards.
    [[nodiscard]] std::vector<Level> memory_levels() const;
    [[nodiscard]] std::vector<Level> pid_levels() const;
    // Whether it is frozen (a paused container): what is started in it does not run.
    [[nodiscard]] bool frozen() const;

private:
    // The group of a controller; null where it is in none.
    [[nodiscard]] const Group* with(std::string_view controller) const;

    std::vector<Group> groups_;
};

}  // namespace chaos::stress
