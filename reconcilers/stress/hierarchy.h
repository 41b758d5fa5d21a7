// Where the control groups of a process are, as directories.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "controller/api/error.h"

namespace chaos::stress {

// A line of /proc/PID/cgroup: in which group of a hierarchy a process is.
struct Membership {
    std::string controllers;  // "cpu,cpuacct", "name=systemd"; empty: version 2
    std::string path;

    friend bool operator==(const Membership&, const Membership&) = default;
};

// A mounted hierarchy, from /proc/PID/mountinfo.
struct Hierarchy {
    std::string mount;
    std::string root;  // the group that the mount shows: "/" but in containers
    bool unified = false;
    std::vector<std::string> options;  // the controllers, among others; version 1 only

    friend bool operator==(const Hierarchy&, const Hierarchy&) = default;
};

// Where a process is in one hierarchy.
struct Group {
    std::string controllers;  // as in Membership
    std::string mount;
    std::string directory;  // below the mount

    [[nodiscard]] bool unified() const { return controllers.empty(); }

    friend bool operator==(const Group&, const Group&) = default;
};

// Pure; lines that make no sense are left out.
[[nodiscard]] std::vector<Membership> parse_memberships(std::string_view cgroup_file);
[[nodiscard]] std::vector<Hierarchy> parse_hierarchies(std::string_view mountinfo);

// Pure. Errors: kInvalid (a group that cannot be reached: its hierarchy is not mounted, or this is
// a cgroup namespace that does not show it).
[[nodiscard]] Result<std::vector<Group>> locate(const std::vector<Membership>& memberships,
                                                const std::vector<Hierarchy>& hierarchies);

}  // namespace chaos::stress
