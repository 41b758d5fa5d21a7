#include "reconcilers/container/process.h"

#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <re2/re2.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <sstream>

#include "reconcilers/container/descriptor.h"

namespace chaos::container {
namespace {

std::unexpected<Error> from_errno(const std::string& doing) {
    auto code = ErrorCode::kInternal;
    if (errno == ESRCH || errno == ENOENT) code = ErrorCode::kNotFound;
    if (errno == EPERM || errno == EACCES) code = ErrorCode::kPermission;
    return fail(code, doing + ": " + std::strerror(errno));
}

std::string read_proc(int pid, const char* name) {
    std::ifstream file{"/proc/" + std::to_string(pid) + "/" + name};
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
}

std::string command_line(int pid) {
    auto text = read_proc(pid, "cmdline");
    while (text.ends_with('\0')) text.pop_back();
    std::ranges::replace(text, '\0', ' ');
    return text;
}

}  // namespace

std::vector<int> all_processes() {
    std::vector<int> pids;
    std::error_code ec;
    for (const auto& entry : std::filesystem::directory_iterator{"/proc", ec}) {
        const auto name = entry.path().filename().string();
        if (std::ranges::all_of(name, [](char c) { return c >= '0' && c <= '9'; })) {
            pids.push_back(std::stoi(name));
        }
    }
    return pids;
}

namespace {

// Of this project, in the container's control groups but not in its PID namespace.
bool is_stressor(int pid) {
    std::error_code ec;
    const auto proc = "/proc/" + std::to_string(pid);
    const auto comm = read_proc(pid, "comm");
    return (comm == "chaos-stressor\n" || comm == "chaos-decoy\n") &&
           std::filesystem::read_symlink(proc + "/ns/pid", ec) ==
               std::filesystem::read_symlink("/proc/self/ns/pid", ec);
}

}  // namespace

bool in_container(std::string_view cgroup_file, std::string_view container_id) {
    if (container_id.size() < 64) return false;
    while (!cgroup_file.empty()) {
        const auto end = std::min(cgroup_file.find('\n'), cgroup_file.size());
        const auto line = cgroup_file.substr(0, end);
        // Below the container's own cgroup there may be others, made by its processes.
        if (line.find(container_id) != std::string_view::npos) return true;
        cgroup_file.remove_prefix(std::min(end + 1, cgroup_file.size()));
    }
    return false;
}

namespace {

// The container that the text of /proc/PID/cgroup names: the first run of 64 hexadecimal digits.
std::string container_in(std::string_view cgroup_file) {
    constexpr std::size_t kIdLength = 64;
    std::size_t run = 0;
    for (std::size_t i = 0; i < cgroup_file.size(); ++i) {
        const char c = cgroup_file[i];
        run = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') ? run + 1 : 0;
        if (run == kIdLength) return std::string{cgroup_file.substr(i + 1 - kIdLength, kIdLength)};
    }
    return {};
}

Result<> signal_if(int pid, const std::string& container_id, int signal,
                   const std::function<bool()>& condition) {
    const auto who = "process " + std::to_string(pid);
    // glibc 2.36 has wrappers, older ones do not; the numbers are the same everywhere.
    const Descriptor process{static_cast<int>(::syscall(SYS_pidfd_open, pid, 0))};
    if (process.get() < 0) return from_errno(who + ": pidfd_open");
    if (!in_container(read_proc(pid, "cgroup"), container_id) || !condition()) {
        return fail(ErrorCode::kNotFound,
                    who + " is not of container " + container_id.substr(0, 12));
    }
    if (::syscall(SYS_pidfd_send_signal, process.get(), signal, nullptr, 0) != 0) {
        return from_errno(who + ": pidfd_send_signal");
    }
    return {};
}

}  // namespace

bool is_in_container(int pid, const std::string& container_id) {
    return in_container(read_proc(pid, "cgroup"), container_id);
}

std::vector<std::pair<int, std::string>> processes_by_container() {
    std::vector<std::pair<int, std::string>> found;
    for (const int pid : all_processes()) {
        found.emplace_back(pid, container_in(read_proc(pid, "cgroup")));
    }
    return found;
}

bool is_life_over(int pid, const std::string& container_id) {
    const long pidfd = ::syscall(SYS_pidfd_open, pid, 0);
    if (pidfd < 0) return errno == ESRCH;  // of other errors nobody knows
    const Descriptor process{static_cast<int>(pidfd)};
    pollfd poll{process.get(), POLLIN, 0};
    return ::poll(&poll, 1, 0) > 0 || !is_in_container(pid, container_id);
}

Result<> signal_process(int pid, const std::string& container_id, int signal) {
    return signal_if(pid, container_id, signal, [] { return true; });
}

std::size_t count_ended(const std::vector<int>& pids) {
    return static_cast<std::size_t>(std::ranges::count_if(pids, [](int pid) {
        const auto stat = read_proc(pid, "stat");
        // The name in parentheses may hold anything, so the state is behind the last one.
        const auto name_end = stat.rfind(") ");
        return name_end == std::string::npos || stat.substr(name_end + 2).starts_with('Z');
    }));
}

Result<std::vector<int>> signal_matching(const std::string& container_id,
                                         const std::string& pattern, int signal) {
    const re2::RE2 compiled{pattern, re2::RE2::Quiet};
    if (!compiled.ok()) return fail(ErrorCode::kInvalid, "match: " + compiled.error());
    std::vector<int> hit;
    for (const int pid : all_processes()) {
        // Asked before the pidfd is opened, since most processes are of no interest, and again
        // after it, since only then the answer is about the process that is signalled.
        if (!in_container(read_proc(pid, "cgroup"), container_id) || is_stressor(pid)) continue;
        const auto matches = [&] { return re2::RE2::PartialMatch(command_line(pid), compiled); };
        const auto sent = signal_if(pid, container_id, signal, matches);
        if (sent) {
            hit.push_back(pid);
        } else if (sent.error().code != ErrorCode::kNotFound) {
            return std::unexpected(sent.error());
        }
    }
    if (hit.empty()) return fail(ErrorCode::kNotFound, "no process matches \"" + pattern + "\"");
    return hit;
}

}  // namespace chaos::container
