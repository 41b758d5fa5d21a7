// A container's first process, by its host PID, safe against PID reuse. Linux only.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "controller/api/error.h"

namespace chaos::container {

// Whether the text of /proc/PID/cgroup places the process in that container: one of its paths has
// the 64-digit id in its last component ("/docker/<id>", "docker-<id>.scope"), on cgroup v1 and v2
// and with the cgroupfs and systemd drivers. Pure.
[[nodiscard]] bool in_container(std::string_view cgroup_file, std::string_view container_id);

// Whether the process is one of the container now. A caller that has opened something of the
// process before asks after that: then what it has opened is the container's.
[[nodiscard]] bool is_in_container(int pid, const std::string& container_id);

// Whether that life of the container is over: its first process has ended (a zombie has), or the
// PID is somebody else's by now.
[[nodiscard]] bool is_life_over(int pid, const std::string& container_id);

// The host PIDs of all processes.
[[nodiscard]] std::vector<int> all_processes();

// Every process of the host, by its host PID, with the id of its container; "" for one of none.
[[nodiscard]] std::vector<std::pair<int, std::string>> processes_by_container();

// Sends a signal to `pid` if and only if it is a process of that container. The pidfd is opened
// first and the membership checked then, so the process that was checked is the one that is
// signalled. Errors: kNotFound (no such process, or one of somebody else), kPermission.
[[nodiscard]] Result<> signal_process(int pid, const std::string& container_id, int signal);

// Sends a signal to every process of the container whose command line (arguments joined by spaces)
// holds a match of the RE2 pattern, each checked as above; returns their host PIDs. Errors:
// kInvalid (the pattern), kNotFound (no process matches), kPermission.
[[nodiscard]] Result<std::vector<int>> signal_matching(const std::string& container_id,
                                                       const std::string& pattern, int signal);

// How many of these processes have ended; a zombie has.
[[nodiscard]] std::size_t count_ended(const std::vector<int>& pids);

}  // namespace chaos::container
